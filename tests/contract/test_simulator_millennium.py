"""The simulated Millennium through its port, exchange by exchange as the reference report numbers
them (section 7): discovery, tokens, patients, encounters, observations.
"""

from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from simulated import Caller, encounter, observation, patient


@pytest_asyncio.fixture
async def caller() -> AsyncIterator[Caller]:
    async with Caller() as found:
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
    interactions = {
        name: {each["code"] for each in one["interaction"]} for name, one in served.items()
    }
    assert interactions["Patient"] == {"read", "search-type", "create", "patch"}
    assert interactions["ServiceRequest"] == {"read", "search-type"}
    assert sum("create" in codes for codes in interactions.values()) == 19
    assert [name for name, codes in interactions.items() if "delete" in codes] == ["Coverage"]
    assert all(served[name]["updateCreate"] is False for name in served if "update" in
               interactions[name])  # fmt: skip


async def test_rows_19_to_21_a_patch_names_version_and_element(caller: Caller) -> None:
    made = await caller.created(patient())
    assert (made.etag, made.content, made.headers["content-type"]) == ('W/"0"', b"", "text/html")
    path = f"Patient/{made.identity}"
    phone = (await caller.call("GET", path)).json["telecom"][0]["id"]
    test = {"op": "test", "path": "/telecom/0/id", "value": phone}
    change = {"op": "replace", "path": "/telecom/0/value", "value": "555-0199"}
    untested = await caller.call("PATCH", path, [change], If_Match='W/"0"')
    assert untested.status == 422
    done = await caller.call("PATCH", path, [test, change], If_Match='W/"0"')
    assert (done.status, done.content) == (200, b"")
    assert done.etag != 'W/"0"'
    stale = await caller.call("PATCH", path, [test, change], If_Match='W/"0"')
    assert stale.status == 409
    assert (await caller.call("GET", path)).json["telecom"][0]["value"] == "555-0199"


async def test_row_50_a_create_whose_answer_is_lost_is_found_afterwards(caller: Caller) -> None:
    rule = {"fault": "drop-after-commit", "method": "POST", "path": "*/Patient", "times": 1}
    await caller.admin("PUT", "faults", [rule])
    with pytest.raises(aiohttp.ClientConnectionError):
        await caller.call("POST", "Patient", patient("9001"))
    found = await caller.call("GET", "Patient?identifier=9001")
    assert found.json["total"] == 1


async def test_an_encounter_and_a_result_are_filed_and_found(caller: Caller) -> None:
    person = (await caller.created(patient())).identity
    await caller.created(encounter(person))
    await caller.created(observation(person))
    encounters = (await caller.call("GET", f"Encounter?patient={person}")).json
    results = (await caller.call("GET", f"Observation?patient={person}&code=2823-3")).json
    assert (encounters["total"], results["total"]) == (1, 1)
    counts = await caller.admin("GET", "counts")
    assert counts["paths"]["POST token"] == 1
    assert counts["writes"]["sandbox"]["Observation create"] == 1
