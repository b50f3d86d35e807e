"""Whatever a client sends, the simulated Millennium answers: taken, or refused in a known shape."""

from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated import encounter, observation, patient

from engine.simulator.millennium.answers import Answer, RefusedError
from engine.simulator.millennium.fhir_api import Call, FhirApi
from engine.simulator.millennium.options import SimulatorOptions
from engine.simulator.millennium.seed import CANARY
from engine.simulator.millennium.tables import resource_types
from engine.simulator.millennium.tenant import open_tenant

VALID = (patient(), encounter(CANARY), observation(CANARY))
SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=6)
JSON = st.recursive(
    SCALARS | st.sampled_from(["2026-01-05", "Patient/1", "https://fhir.cerner.com/"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["coding", "code", "system", "reference", "value", "start", "id"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)
PARAMETERS = st.lists(
    st.tuples(
        st.sampled_from(["_id", "patient", "identifier", "date", "_count", "code", "name"]),
        st.sampled_from(["1", CANARY, "urn:x|1", "|", "ge2026", "2026-02-30", "-1"])
        | st.text(max_size=8),
    ),
    max_size=4,
)


def asked(method: str, path: str, body: Any = None, query: str = "") -> Answer:
    options = SimulatorOptions()
    call = Call(
        method=method, path=path, query=query, body=orjson.dumps(body), headers={}, scopes=None,
        root="http://localhost/r4/sandbox",
    )  # fmt: skip
    try:
        return FhirApi(options).answer(open_tenant("sandbox", 0, options), call)
    except RefusedError as refused:
        return refused.answer


@settings(max_examples=60)
@given(st.sampled_from(VALID), st.data())
def test_a_create_with_any_field_is_taken_or_refused(
    resource: dict[str, Any], data: st.DataObject
) -> None:
    field = data.draw(st.sampled_from(sorted(resource)) | st.text(max_size=6))
    changed = {**resource, field: data.draw(JSON)}
    reply = asked("POST", resource["resourceType"], changed)
    assert reply.status in (201, 400, 422)
    assert (reply.status == 201) == (reply.body == b"")


@settings(max_examples=60)
@given(
    st.sampled_from(["/gender", "/birthDate", "/telecom/-", "/identifier/-", "/communication"]),
    JSON,
)
def test_a_patch_with_any_value_is_taken_or_refused(path: str, value: Any) -> None:
    op = "add" if path.endswith("-") else "replace"
    reply = asked("PATCH", f"Patient/{CANARY}", [{"op": op, "path": path, "value": value}])
    assert reply.status in (200, 400, 422)


@settings(max_examples=60)
@given(st.sampled_from(sorted(resource_types())), PARAMETERS)
def test_a_search_for_anything_finds_or_is_refused(
    kind: str, parameters: list[tuple[str, str]]
) -> None:
    from urllib.parse import urlencode

    reply = asked("GET", kind, query=urlencode(parameters))
    assert reply.status in (200, 400, 405)
