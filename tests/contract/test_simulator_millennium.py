"""The simulated Millennium through its port, exchange by exchange as the reference report numbers
them (section 7): rows 1 to 16 and 42 to 45, discovery, tokens, refusals, searches and pages.
"""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import pytest
import pytest_asyncio
from simulated import MRN_SYSTEM, Caller, encounter, observation, patient

from engine.simulator.millennium.options import (
    DEFAULT_CLIENT,
    Errors,
    RegisteredClient,
    SimulatorOptions,
    Smart,
)


@asynccontextmanager
async def calling(**options: Any) -> AsyncIterator[Caller]:
    async with Caller(SimulatorOptions(**options)) as found:
        yield found


@pytest_asyncio.fixture
async def caller() -> AsyncIterator[Caller]:
    async with calling() as found:
        yield found


async def test_row_1_metadata_needs_no_token(caller: Caller) -> None:
    reply = await caller.send("GET", f"{caller.root}/metadata")
    assert (reply.status, reply.headers["content-type"]) == (200, "application/fhir+json")
    assert reply.headers["x-request-id"]
    statement = reply.json
    assert statement["fhirVersion"] == "4.0.1"
    assert statement["patchFormat"] == ["application/json-patch+json"]
    (rest,) = statement["rest"]
    served = {one["type"]: one for one in rest["resource"]}
    does = {name: {each["code"] for each in one["interaction"]} for name, one in served.items()}
    assert does["Patient"] == {"read", "search-type", "create", "patch"}
    assert does["ServiceRequest"] == {"read", "search-type"}
    totals = ("read", "search-type", "create", "update", "patch", "delete")
    assert [sum(one in codes for codes in does.values()) for one in totals] == [
        42, 37, 19, 7, 8, 1,
    ]  # fmt: skip
    updated = [name for name, codes in does.items() if "update" in codes]
    assert all(served[name]["updateCreate"] is False for name in updated)


async def test_row_2_smart_configuration_names_the_token_endpoint(caller: Caller) -> None:
    reply = await caller.send("GET", f"{caller.root}/.well-known/smart-configuration")
    found = reply.json
    assert found["token_endpoint"] == caller.simulator.token_url()
    assert found["token_endpoint_auth_signing_alg_values_supported"] == ["RS384", "ES384"]
    assert {"permission-v1", "permission-v2"} <= set(found["capabilities"])
    assert {"system/Patient.crus", "system/Patient.read"} <= set(found["scopes_supported"])
    opened = f"{caller.simulator.url}/open/r4/sandbox"
    assert (await caller.send("GET", f"{opened}/.well-known/smart-configuration")).status == 404
    assert (await caller.send("GET", f"{opened}/Patient/12742399")).status == 200
    assert (await caller.send("POST", f"{opened}/Patient", patient())).status == 403


async def test_row_3_a_token_lives_570_seconds_and_is_not_stored(caller: Caller) -> None:
    reply = await caller.ask_token("system/Patient.crus")
    assert reply.json | {"access_token": ""} == {
        "access_token": "", "scope": "system/Patient.crus", "token_type": "Bearer",
        "expires_in": 570,
    }  # fmt: skip
    assert (reply.headers["cache-control"], reply.headers["pragma"]) == ("no-store", "no-cache")
    older = caller.simulator.token_url().replace("/hosts/127.0.0.1", "")
    assert (await caller.ask_token("system/Patient.crus", url=older)).status == 200


@pytest.mark.parametrize(
    ("row", "given", "status", "error", "urn"),
    [
        (4, {"scopes": ("system/Patient.read",)}, 400, "invalid_scope", "empty-scopes"),
        (6, {"secret": "wrong"}, 401, "invalid_client", "invalid-client-credentials"),
        (6, {"client": "nobody"}, 401, "invalid_client", "invalid-client-credentials"),
        (6, {"header": "Bearer x"}, 401, "invalid_client", "invalid-authorization-header"),
        (6, {"header": "Basic %"}, 401, "invalid_client", "invalid-authorization-header"),
        (6, {"grant": "password"}, 400, "unsupported_grant_type", "unsupported-grant-type"),
        (7, {"tenant": "elsewhere"}, 400, "invalid_grant", "invalid-tenant"),
    ],
)
async def test_rows_4_6_and_7_a_token_request_is_refused_with_an_instance_to_tell(
    caller: Caller, row: int, given: dict[str, Any], status: int, error: str, urn: str
) -> None:
    scopes = given.pop("scopes", ("system/Patient.crus",))
    reply = await caller.ask_token(*scopes, **given)
    assert (reply.status, reply.json["error"]) == (status, error)
    uri = unquote(reply.json["error_uri"])
    assert f"oauth2:token:{urn}/instances/{reply.headers['cerner-correlation-id']}" in uri


async def test_row_5_scopes_that_are_not_registered_are_trimmed() -> None:
    trimmed = replace(DEFAULT_CLIENT, withheld=frozenset({"system/Encounter.crus"}))
    async with calling(clients=(trimmed,)) as caller:
        reply = await caller.ask_token(
            "system/Patient.crus", "system/Encounter.crus", "system/Patient.cruds", "openid"
        )
        assert reply.json["scope"] == "system/Patient.crus"


async def test_row_8_no_token_and_one_that_is_past_are_told_to_log_in() -> None:
    now = [0.0]
    async with calling(clock=lambda: now[0]) as caller:
        for header in ({}, {"Authorization": "Bearer nonsense"}):
            reply = await caller.send("GET", f"{caller.root}/Patient/12742399", **header)
            assert reply.status == 401
            (issue,) = reply.json["issue"]
            assert (issue["code"], issue["location"]) == ("login", ["http.Authorization"])
            assert 'error="invalid_token"' in reply.headers["www-authenticate"]
        assert (await caller.call("GET", "Patient/12742399")).status == 200
        now[0] = 570.0
        assert (await caller.call("GET", "Patient/12742399")).status == 401


@pytest.mark.parametrize(
    ("smart", "scope", "method", "path", "status"),
    [
        ("v2", "system/Patient.crus", "GET", "Encounter?patient=1", 403),
        ("v2", "system/Location.rs", "POST", "Location", 403),
        ("v2", "system/Patient.crus", "GET", "Patient/12742399", 200),
        ("v1", "system/Patient.read", "GET", "Patient/12742399", 200),
        ("v1", "system/Patient.read", "POST", "Patient", 403),
        ("v1", "system/Observation.write", "PUT", "Observation/1", 403),
        ("v1", "system/Binary.read", "GET", "Binary/1", 403),
    ],
)
async def test_row_9_an_interaction_needs_its_scope(
    smart: str, scope: str, method: str, path: str, status: int
) -> None:
    async with calling(smart=Smart(smart)) as caller:
        caller.token = (await caller.ask_token(scope)).json["access_token"]
        reply = await caller.call(method, path, {} if method in ("POST", "PUT") else None)
        assert reply.status == status
        if status == 403:
            assert reply.json["code"] == 403
            assert "insufficient-scopes" in reply.json["message"]


async def test_row_9_a_scope_to_read_does_not_search() -> None:
    reader = RegisteredClient(client_id="r", secret="s", scopes=("system/Patient.r",))
    async with calling(clients=(reader,)) as caller:
        reply = await caller.ask_token("system/Patient.r", client="r", secret="s")
        caller.token = reply.json["access_token"]
        assert (await caller.call("GET", "Patient/12742399")).status == 200
        assert (await caller.call("GET", "Patient?_id=12742399")).status == 403


async def test_row_10_a_tenant_nobody_knows_is_refused_in_plain_text(caller: Caller) -> None:
    reply = await caller.call("GET", f"{caller.simulator.url}/r4/elsewhere/Patient/1")
    assert (reply.status, reply.content) == (403, b"Tenant not valid or accessible")
    assert (await caller.call("GET", f"{caller.simulator.url}/r4/")).status == 502


async def test_row_10_a_token_is_good_for_its_tenant_alone() -> None:
    async with calling(tenants=("sandbox", "other")) as caller:
        assert (await caller.call("GET", "Patient/12742399")).status == 200
        path = f"{caller.simulator.fhir_root('other')}/Patient/12742399"
        assert (await caller.call("GET", path)).status == 401


async def test_row_11_a_search_names_what_it_needs(caller: Caller) -> None:
    reply = await caller.call("GET", "Patient?_count=5")
    assert (reply.status, reply.content) == (400, b"no supported search parameters provided")
    async with calling(errors=Errors.OBSERVED) as observed:
        reply = await observed.call("GET", "Patient?_count=5")
        assert reply.status == 400
        assert reply.issue[0] == "invalid"
        assert "identifier" in reply.issue[1]


@pytest.mark.parametrize(
    "path",
    [
        "Observation?patient=1&code=2823-3",
        "Observation?patient=1&date=2026&_lastUpdated=2026",
        "Observation?patient=1&date=ge20260105",
        "Patient?identifier=a&identifier=b",
        "Patient?family=a,b",
        "Appointment?patient=1",
        "Appointment?patient=1&date=2030-03-04",
        "Immunization?patient=1&date=2026-01-05",
        "DocumentReference?patient=1&period=ge2026-01-05",
        "DocumentReference?patient=1&period=ge2026-01-05&period=lt2026-01-06T00:00:00Z",
        "Procedure?patient=1&date=2026-01-05",
        "Practitioner?identifier=1003000126",
    ],
)
async def test_row_11_parameters_that_do_not_go_together_are_refused(
    caller: Caller, path: str
) -> None:
    await caller.created(patient())
    await caller.created(observation("12742399"))
    path = path.replace("patient=1", "patient=12742399")
    assert (await caller.call("GET", path)).status == 400


async def test_row_12_an_identifier_finds_none_one_or_several(caller: Caller) -> None:
    for _ in range(2):
        await caller.created(patient("7001"))
    token = f"{MRN_SYSTEM}%7C7001"
    for query, total in ((token, 2), ("7001", 2), ("7002", 0), ("urn:oid:9%7C7001", 0)):
        assert (await caller.call("GET", f"Patient?identifier={query}")).json["total"] == total


async def test_row_13_too_many_patients_are_refused(caller: Caller) -> None:
    chart = caller.simulator.tenants["sandbox"].chart
    name = [{"use": "official", "family": "Mbeki"}]
    for _ in range(1001):
        chart.add("Patient", {"resourceType": "Patient", "name": name})
    assert (await caller.call("GET", "Patient?name=mbek")).status == 422


async def test_row_14_a_combined_patient_is_read_and_not_found(caller: Caller) -> None:
    retired = (await caller.created(patient("1"))).identity
    survivor = (await caller.created(patient("2"))).identity
    visit = (await caller.created(encounter(retired))).identity
    await caller.admin("POST", "merge", {"retired": retired, "survivor": survivor})
    read = (await caller.call("GET", f"Patient/{retired}")).json
    assert read["active"] is False
    assert read["link"] == [{"other": {"reference": f"Patient/{survivor}"}, "type": "replaced-by"}]
    assert read["name"][0]["extension"][0]["valueCode"] == "unknown"
    assert "valueCode" in read["_gender"]["extension"][0]
    assert (await caller.call("GET", "Patient?identifier=1")).json["total"] == 0
    moved = (await caller.call("GET", f"Encounter/{visit}")).json
    assert moved["subject"]["reference"] == f"Patient/{survivor}"


async def test_row_15_what_is_not_there_is_not_found(caller: Caller) -> None:
    for path in ("Patient/999", "Nonsense/1", "Nonsense?a=b", "Patient/1/_history/1"):
        reply = await caller.call("GET", path)
        assert (reply.status, reply.issue) == (404, ("not-found", "Not Found"))


async def test_row_16_xml_is_not_acceptable(caller: Caller) -> None:
    reply = await caller.call("GET", "Patient/12742399", Accept="application/xml")
    assert (reply.status, reply.headers["content-length"]) == (406, "0")


async def test_row_42_the_next_page_is_named_by_a_link(caller: Caller) -> None:
    made = {(await caller.created(encounter("12742399", str(n)))).identity for n in range(5)}
    url, seen = "Encounter?patient=12742399&_count=2", []
    for _ in range(5):
        page = (await caller.call("GET", url)).json
        seen.append([one["resource"]["id"] for one in page["entry"]])
        links = {one["relation"]: one["url"] for one in page["link"]}
        if "next" not in links:
            break
        url = links["next"]
        assert "-pageContext=" in url
        assert url.endswith("-pageDirection=NEXT")
    assert [len(page) for page in seen] == [2, 2, 1]
    assert set(itertools.chain(*seen)) == made


async def test_row_42_an_entry_may_come_on_two_pages() -> None:
    async with calling(repeat_across_pages=True) as caller:
        for number in range(3):
            await caller.created(encounter("12742399", str(number)))
        first = (await caller.call("GET", "Encounter?patient=12742399&_count=2")).json
        second = (await caller.call("GET", first["link"][1]["url"])).json
        assert first["entry"][-1]["resource"] == second["entry"][0]["resource"]
        assert "next" not in {one["relation"] for one in second["link"]}


@pytest.mark.parametrize("form", ["parameter", "header"])
async def test_row_43_a_post_can_stand_for_a_patch(caller: Caller, form: str) -> None:
    made = await caller.created(patient())
    path = f"Patient/{made.identity}" + ("?_method=patch" if form == "parameter" else "")
    headers = {"X_HTTP_Method_Override": "PATCH"} if form == "header" else {}
    change = [{"op": "replace", "path": "/gender", "value": "other"}]
    reply = await caller.call("POST", path, change, If_Match=made.etag, **headers)
    assert (reply.status, reply.content) == (200, b"")
    counts = await caller.admin("GET", "counts")
    assert counts["paths"]["PATCH /r4/sandbox/Patient/{id}"] == 1


async def test_row_44_if_none_exist_is_not_looked_at(caller: Caller) -> None:
    for _ in range(2):
        reply = await caller.call("POST", "Patient", patient(), If_None_Exist="identifier=4711")
        assert reply.status == 201


async def test_row_45_an_update_never_creates(caller: Caller) -> None:
    body = observation("12742399", id="L-1")
    assert (await caller.call("PUT", "Observation/L-1", body)).status == 404


async def test_a_ward_is_found_by_its_inbound_alias(caller: Caller) -> None:
    (source,) = [
        row.id for row in caller.simulator.tenants["sandbox"].codes.rows(73) if row.display == "FSI"
    ]
    found = await caller.call("GET", f"Location?identifier={source}%7CFSI^~NORTH^~ICU")
    assert [one["resource"]["name"] for one in found.json["entry"]] == ["North Hospital, ICU"]
    assert (await caller.call("GET", "Location?identifier=1%7CFSI^~NORTH^~ICU")).json["total"] == 0
