"""The simulated Millennium through its port: rows 36 to 40 and 46 to 50 of the reference report
(section 7), and what is the simulator's own: keys, TLS, faults, the admin paths, state, recordings.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from certificates import Authority
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from simulated import LOINC, Caller, code, encounter, observation, patient, standard

from engine.simulator.millennium.options import (
    MissingIfMatch,
    RegisteredClient,
    SimulatorOptions,
)
from engine.simulator.millennium.seed import CANARY, LOCATION, ORGANIZATION, PRACTITIONER

SUBJECT = {"reference": f"Patient/{CANARY}"}
SLOTS = ("24477850-21304876-62852027-0", "24477851-21304876-62852027-15")
CLINICAL = "http://terminology.hl7.org/CodeSystem"


@pytest_asyncio.fixture
async def caller() -> AsyncIterator[Caller]:
    async with Caller() as found:
        yield found


# -- Appointment --


def appointment(slot: str = SLOTS[0], **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Appointment", "status": "booked",
        "slot": [{"reference": f"Slot/{slot}"}],
        "participant": [{"actor": SUBJECT, "status": "accepted"}], **more,
    }  # fmt: skip


def proposed(**more: Any) -> dict[str, Any]:
    place = {"reference": f"Location/{LOCATION}"}
    return {
        "resourceType": "Appointment", "status": "proposed",
        "serviceType": [code(14249, 3326000)],
        "requestedPeriod": [{"start": "2030-03-04T09:00:00Z", "end": "2030-03-05T09:00:00Z"}],
        "participant": [{"actor": one, "status": "needs-action"} for one in (SUBJECT, place)],
        **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"slot": []},
        {"slot": [{"reference": "Slot/9-9-9-9"}]},
        {"status": "arrived"},
        {"participant": [{"actor": SUBJECT, "status": "needs-action"}]},
        {"reasonCode": [{"text": "x" * 256}]},
    ],
)
async def test_row_36_an_appointment_is_booked_into_one_slot(
    caller: Caller, change: dict[str, Any]
) -> None:
    given = {name: one for name, one in {**appointment(), **change}.items() if one}
    reply = await caller.call("POST", "Appointment", given)
    assert reply.status == 422
    assert reply.issue[0] in ("business-rule", "required", "invalid", "not-found")


async def test_row_36_an_appointment_is_cancelled_with_a_reason(caller: Caller) -> None:
    made = await caller.created(appointment())
    path = f"Appointment/{made.identity}"
    assert (await caller.call("POST", "Appointment", appointment())).status == 409
    cancel = [{"op": "replace", "path": "/status", "value": "cancelled"}]
    assert (await caller.call("PATCH", path, cancel, If_Match=made.etag)).status == 422
    cancel.append({"op": "add", "path": "/cancelationReason", "value": {"text": "ill"}})  # type: ignore[dict-item]
    assert (await caller.call("PATCH", path, cancel, If_Match=made.etag)).status == 200
    assert (await caller.call("GET", f"Slot/{SLOTS[0]}")).json["status"] == "free"


async def test_row_36_an_appointment_that_was_proposed_is_booked_and_moved(
    caller: Caller,
) -> None:
    made = await caller.created(proposed())
    path = f"Appointment/{made.identity}"
    book = [
        {"op": "replace", "path": "/status", "value": "booked"},
        {"op": "add", "path": "/slot", "value": [{"reference": f"Slot/{SLOTS[0]}"}]},
    ]
    assert (await caller.call("PATCH", path, book[:1], If_Match=made.etag)).status == 422
    booked = await caller.call("PATCH", path, book, If_Match=made.etag)
    assert booked.status == 200
    move = [{"op": "replace", "path": "/slot", "value": [{"reference": f"Slot/{SLOTS[1]}"}]}]
    assert (await caller.call("PATCH", path, move, If_Match=booked.etag)).status == 200
    slots = [(await caller.call("GET", f"Slot/{one}")).json["status"] for one in SLOTS]
    assert slots == ["free", "busy"]
    query = f"Appointment?patient={CANARY}&date=ge2030-03-04T00:00:00Z"
    (entry,) = (await caller.call("GET", query)).json["entry"]
    assert entry["resource"]["start"] == "2030-03-04T10:00:00Z"


async def test_row_37_an_appointment_is_not_changed_without_if_match_or_while_locked(
    caller: Caller,
) -> None:
    made = await caller.created(appointment())
    path = f"Appointment/{made.identity}"
    arrive = [{"op": "replace", "path": "/status", "value": "arrived"}]
    assert caller.options.missing_if_match is MissingIfMatch.ACCEPT
    assert (await caller.call("PATCH", path, arrive)).status == 412
    for obstacle, status in (("locked", 423), ("dependency", 424)):
        await caller.admin("POST", "obstruct", {"id": made.identity, "by": obstacle})
        assert (await caller.call("PATCH", path, arrive, If_Match=made.etag)).status == status
        assert (await caller.call("GET", path)).json["status"] == "booked"
    await caller.admin("POST", "obstruct", {"id": made.identity, "by": "none"})
    assert (await caller.call("PATCH", path, arrive, If_Match=made.etag)).status == 200


# -- money --


def charge(visit: str, **change: Any) -> dict[str, Any]:
    system = "https://fhir.cerner.com/sandbox/CodeSystem/BillCodes-CPT?code=71046"
    item = {
        "resourceType": "ChargeItem", "status": "unknown", "subject": SUBJECT,
        "context": {"reference": f"Encounter/{visit}"}, "code": standard(system, "71046"),
        "occurrenceDateTime": "2026-01-05T10:00:00Z", "quantity": {"value": 1}, **change,
    }  # fmt: skip
    return parameters(chargeItem=item)


def parameters(**values: Any) -> dict[str, Any]:
    listed: list[dict[str, Any]] = [
        {"name": "transactionId", "valueUuid": "urn:uuid:6f1f5ad6-6a40-5c7e-9f0e-0d4d5c1f2a3b"}
    ]
    for name, value in values.items():
        kind = "resource" if "resourceType" in value else "valueReference"
        kind = "valueId" if isinstance(value, str) else kind
        listed.append({"name": name, kind: value})
    return {"resourceType": "Parameters", "parameter": listed}


async def test_rows_38_and_39_a_charge_is_made_modified_and_credited(caller: Caller) -> None:
    visit = (await caller.created(encounter(CANARY))).identity
    made = await caller.call("POST", "ChargeItem/$create", charge(visit))
    assert (made.status, made.etag) == (200, 'W/"0"')
    assert made.headers["location"] == f"{caller.root}/ChargeItem/$create"
    query = f"ChargeItem?context={visit}&-status=billable"
    (entry,) = (await caller.call("GET", query)).json["entry"]
    item = entry["resource"]
    visited = {"reference": f"Encounter/{visit}"}
    body = parameters(versionId=item["meta"]["versionId"], subject=SUBJECT, context=visited)
    credited = await caller.call("POST", f"ChargeItem/{item['id']}/$credit", body)
    assert credited.status == 201
    assert credited.identity not in ("$create", item["id"])
    stale = await caller.call("POST", f"ChargeItem/{item['id']}/$credit", body)
    assert stale.status == 422
    replacing = {"url": "https://fhir-ehr.cerner.com/r4/StructureDefinition/replacing",
                 "valueReference": {"reference": f"ChargeItem/{credited.identity}"}}  # fmt: skip
    modified = await caller.call("POST", "ChargeItem/$modify", charge(visit, extension=[replacing]))
    assert modified.status == 201


@pytest.mark.parametrize("change", [{"status": "billable"}, {"code": standard(LOINC, "1")},
                                    {"subject": None}, {"quantity": None}])  # fmt: skip
async def test_row_38_a_charge_that_is_not_complete_is_refused(
    caller: Caller, change: dict[str, Any]
) -> None:
    visit = (await caller.created(encounter(CANARY))).identity
    body = charge(visit, **change)
    item = body["parameter"][1]["resource"]
    for name in [name for name, one in item.items() if one is None]:
        del item[name]
    assert (await caller.call("POST", "ChargeItem/$create", body)).status == 422


async def test_row_40_a_coverage_is_deleted(caller: Caller) -> None:
    made = await caller.created(
        {
            "resourceType": "Coverage", "status": "active", "subscriber": SUBJECT,
            "beneficiary": SUBJECT, "payor": [{"reference": f"Organization/{ORGANIZATION}"}],
            "class": [{"type": standard(f"{CLINICAL}/coverage-class", "group"), "value": "G1"}],
        }
    )  # fmt: skip
    path = f"Coverage/{made.identity}"
    patch = [{"op": "replace", "path": "/class/0/value", "value": "G2"}]
    changed = await caller.call("PATCH", path, patch, If_Match=made.etag)
    assert changed.status == 200
    assert (await caller.call("DELETE", path, If_Match=made.etag)).status == 409
    gone = await caller.call("DELETE", path, If_Match=changed.etag)
    assert (gone.status, gone.content) == (204, b"")
    assert (await caller.call("GET", path)).status == 404


WRITES = (
    {"resourceType": "Procedure", "status": "completed", "subject": SUBJECT,
     "code": standard("http://snomed.info/sct", "80146002"),
     "performer": [{"actor": {"reference": f"Practitioner/{PRACTITIONER}"}}]},
    {"resourceType": "MedicationRequest", "status": "active", "intent": "plan",
     "reportedBoolean": True, "medicationCodeableConcept": {"text": "Aspirin"},
     "subject": SUBJECT},
    {"resourceType": "RelatedPerson", "patient": SUBJECT,
     "relationship": [standard(f"{CLINICAL}/v3-RoleCode", "MTH")],
     "name": [{"use": "official", "family": "Okafor", "given": ["Ify"]}]},
    {"resourceType": "DiagnosticReport", "status": "final", "subject": SUBJECT,
     "category": [standard(LOINC, "LP29708-2")], "code": standard(LOINC, "11524-6"),
     "performer": [{"reference": f"Practitioner/{PRACTITIONER}"}],
     "identifier": [{"system": "urn:x", "value": "1"}],
     "effectivePeriod": {"start": "2026-01-05T10:00:00Z"},
     "presentedForm": [{"contentType": "application/pdf", "data": "JVBERg=="}]},
    {"resourceType": "FamilyMemberHistory", "status": "completed", "patient": SUBJECT,
     "relationship": standard(f"{CLINICAL}/v3-RoleCode", "FTH")},
    {"resourceType": "Provenance", "target": [SUBJECT], "recorded": "2026-01-05T10:00:00Z",
     "agent": [{"who": {"reference": f"Practitioner/{PRACTITIONER}"}}]},
    {"resourceType": "Organization", "name": "South Hospital"},
    {"resourceType": "Practitioner", "name": [{"family": "Reyes", "given": ["Paloma"]}]},
    {"resourceType": "Communication", "status": "completed",
     "category": [standard(f"{CLINICAL}/communication-category", "notification")],
     "recipient": [{"reference": f"Practitioner/{PRACTITIONER}"}],
     "sender": {"reference": f"Practitioner/{PRACTITIONER}"},
     "payload": [{"contentString": "done"}]},
    {"resourceType": "Basic", "identifier": [{"value": "T1"}],
     "code": {"text": "FinancialTransaction"},
     "extension": [{"url": f"https://fhir-ehr.cerner.com/r4/StructureDefinition/"
                    f"financial-transaction-{one}", "valueString": "x"}
                   for one in ("type", "alias", "amount", "allocation")]},
)  # fmt: skip


@pytest.mark.parametrize("resource", WRITES, ids=lambda one: str(one["resourceType"]))
async def test_every_other_type_that_can_be_created_is_created_and_needs_its_fields(
    caller: Caller, resource: dict[str, Any]
) -> None:
    made = await caller.created(resource)
    if resource["resourceType"] != "Basic":
        read = await caller.call("GET", f"{resource['resourceType']}/{made.identity}")
        assert read.status == 200
    needed = next(iter(name for name in resource if name not in ("resourceType", "identifier")))
    less = {name: one for name, one in resource.items() if name != needed}
    assert (await caller.call("POST", str(resource["resourceType"]), less)).status == 422


# -- EHR API --


async def test_row_46_code_values_are_listed_by_set_meaning_and_id(caller: Caller) -> None:
    base = f"{caller.simulator.ehr_api_root()}/codeSystem/20240101/codeValues"
    reply = await caller.call(
        "GET", f"{base}?codeSet=71&cdfMeaning=INPATIENT", opc_request_id="a-1"
    )
    (item,) = reply.json["items"]
    assert (item["codeSet"], item["display"], item["isActive"]) == ("71", "Inpatient", True)
    assert reply.headers["opc-request-id"] == "a-1"
    assert (await caller.call("GET", f"{base}/{item['id']}")).json == item
    assert (await caller.call("GET", f"{base}?id={item['id']}&id=10")).json["items"][0] == item
    loinc = f"{base}?codeSet=72&conceptCki=LOINC!2823-3&conceptCki=LOINC!718-7"
    assert len((await caller.call("GET", loinc)).json["items"]) == 2
    for wrong in ("", "?codeSet=71&id=10", "?codeSet=71&cki=a&cdfMeaning=b", "?codeSet=x"):
        refused = await caller.call("GET", f"{base}{wrong}")
        assert (refused.status, set(refused.json)) == (400, {"code", "message"})
    assert (await caller.call("GET", f"{base}/999999999")).status == 404


async def test_row_46_each_tenant_has_code_values_of_its_own() -> None:
    async with Caller(SimulatorOptions(tenants=("sandbox", "other"))) as caller:
        found = []
        for tenant in ("sandbox", "other"):
            caller.token = (await caller.ask_token(tenant=tenant)).json["access_token"]
            base = caller.simulator.ehr_api_root(tenant)
            query = f"{base}/codeSystem/20240101/codeValues?codeSet=72&conceptCki=LOINC!2823-3"
            found.append((await caller.call("GET", query)).json["items"][0])
        first, second = found
        assert first["cki"] == second["cki"]
        assert first["id"] != second["id"]


async def test_row_47_personnel_are_found_by_alias(caller: Caller) -> None:
    root = caller.simulator.ehr_api_root()
    pools = (await caller.call("GET", f"{root}/codeSystem/20240101/codeValues?codeSet=263")).json[
        "items"
    ]
    pool = next(one["id"] for one in pools if one["display"] == "NPI Pool")
    base = f"{root}/personnel/20240101/personnel"
    found = (await caller.call("GET", f"{base}?localAliases={pool}$NPI%7C1003000134")).json
    (item,) = found["items"]
    assert item["names"] == [{"firstName": "Chidi", "lastName": "Okonkwo"}]
    assert (await caller.call("GET", f"{base}/{item['id']}")).json == item
    assert (await caller.call("GET", f"{base}?lastName=okon")).json["items"] == [item]
    for wrong in ("localAliases=NPI%7C1", "firstName=Chidi"):
        assert (await caller.call("GET", f"{base}?{wrong}")).status == 400


async def test_locations_nomenclatures_and_what_is_charted_are_read(caller: Caller) -> None:
    root = caller.simulator.ehr_api_root()
    place = await caller.call("GET", f"{root}/location/20240101/locations/{LOCATION}")
    assert place.json["aliases"] == [{"type": "FSI", "value": "FSI^~NORTH^~MED"}]
    assert (await caller.call("GET", f"{root}/location/20240101/locations/x")).status == 400
    query = "nomenclature/20240101/nomenclatures?groupId=1&groupType=problem&search=I50"
    (term,) = (await caller.call("GET", f"{root}/{query}")).json["items"]
    assert term["crossMappedNomenclatures"][0]["code"] == "84114007"
    allergy = {
        "resourceType": "AllergyIntolerance", "patient": SUBJECT,
        "clinicalStatus": standard(f"{CLINICAL}/allergyintolerance-clinical", "active"),
        "code": {"text": "Penicillin"},
    }  # fmt: skip
    made = (await caller.created(allergy)).identity
    listed = await caller.call("GET", f"{root}/allergy/20240101/allergies?patientId={CANARY}")
    assert [one["id"] for one in listed.json["items"]] == [made]


async def test_row_48_a_message_is_sent_and_its_status_changed(caller: Caller) -> None:
    base = f"{caller.simulator.ehr_api_root()}/message/20241001"
    message = {"patientId": CANARY, "content": "<p>done</p>", "messageSender": {"id": "1"}}
    sent = await caller.call("POST", f"{base}/patientMessages/sentItems", message)
    assert 200 <= sent.status < 300
    assert sent.headers["opc-request-id"]
    order = {"patientId": CANARY, "status": "OPENED", "messages": [{"id": sent.json["id"]}]}
    done = await caller.call("POST", f"{base}/actions/updatePatientMessageStatus", order)
    assert done.status == 200
    listed = await caller.call("GET", f"{base}/patientMessages/sentItems?patientId={CANARY}")
    assert [one["status"] for one in listed.json["items"]] == ["OPENED"]
    for wrong in ({**message, "content": ""}, {**message, "patientId": "9"}):
        reply = await caller.call("POST", f"{base}/patientMessages/sentItems", wrong)
        assert reply.status in (400, 404)


async def test_the_ehr_api_needs_its_own_scope(caller: Caller) -> None:
    caller.token = (await caller.ask_token("system/Patient.crus")).json["access_token"]
    base = f"{caller.simulator.ehr_api_root()}/codeSystem/20240101/codeValues?codeSet=71"
    assert (await caller.call("GET", base)).status == 403


# -- batch --


async def test_a_batch_reads_and_does_not_write(caller: Caller) -> None:
    def batch(*requests: tuple[str, str]) -> dict[str, Any]:
        entries = [{"request": {"method": method, "url": url}} for method, url in requests]
        return {"resourceType": "Bundle", "type": "batch", "entry": entries}

    body = batch(("GET", f"Patient/{CANARY}"), ("GET", "Patient/9"), ("GET", "Patient?_count=1"))
    entries = (await caller.call("POST", "", body)).json["entry"]
    assert [one["response"]["status"] for one in entries] == ["200", "404", "400"]
    assert entries[0]["resource"]["id"] == CANARY
    assert (await caller.call("POST", "", batch(("POST", "Patient")))).status == 422


# -- faults --


async def test_row_49_a_burst_is_throttled_without_a_pause_being_named(caller: Caller) -> None:
    await caller.call("GET", f"Patient/{CANARY}")
    await caller.admin("PUT", "faults", [{"fault": "status", "status": 429, "every": 3}])
    replies = [await caller.call("GET", f"Patient/{CANARY}") for _ in range(6)]
    assert [one.status for one in replies] == [200, 200, 429, 200, 200, 429]
    (issue,) = replies[2].json["issue"]
    assert (issue["code"], issue["diagnostics"]) == ("throttled", "Too Many Requests")
    assert "retry-after" not in replies[2].headers


@pytest.mark.parametrize(
    ("fault", "kept"),
    [
        ({"fault": "drop-after-commit"}, 1),
        ({"fault": "drop"}, 0),
        ({"fault": "hang", "seconds": 0}, 0),
    ],
)
async def test_row_50_an_answer_is_lost_before_or_after_the_commit(
    caller: Caller, fault: dict[str, Any], kept: int
) -> None:
    rule = {**fault, "method": "POST", "path": "*/Patient", "times": 1}
    await caller.call("GET", f"Patient/{CANARY}")
    await caller.admin("PUT", "faults", [rule])
    with pytest.raises(aiohttp.ClientConnectionError):
        await caller.call("POST", "Patient", patient("9001"))
    assert (await caller.call("GET", "Patient?identifier=9001")).json["total"] == kept
    counts = await caller.admin("GET", "counts")
    assert (counts["faults_struck"], counts["statuses"]["reset"]) == (1, 1)


async def test_a_status_may_come_after_the_commit(caller: Caller) -> None:
    rule = {"fault": "status", "status": 503, "after_commit": True, "path": "*/Patient"}
    await caller.admin("PUT", "faults", [{**rule, "method": "POST", "retry_after_seconds": 7}])
    reply = await caller.call("POST", "Patient", patient("9001"))
    assert (reply.status, reply.headers["retry-after"]) == (503, "7")
    assert (await caller.call("GET", "Patient?identifier=9001")).json["total"] == 1


async def test_a_version_and_a_token_can_be_made_stale(caller: Caller) -> None:
    made = await caller.created(patient())
    path = f"Patient/{made.identity}"
    change = [{"op": "replace", "path": "/gender", "value": "other"}]
    rule = {"fault": "stale-etag", "method": "PATCH", "times": 1}
    await caller.admin("PUT", "faults", [rule])
    assert (await caller.call("PATCH", path, change, If_Match=made.etag)).status == 409
    fresh = (await caller.call("GET", path)).etag
    assert (await caller.call("PATCH", path, change, If_Match=fresh)).status == 200
    for fault in ("token-expired", "token-revoked"):
        await caller.admin("PUT", "faults", [{"fault": fault, "times": 1}])
        assert (await caller.call("GET", path)).status == 401
        caller.token = ""
        assert (await caller.call("GET", path)).status == 200
    assert await caller.admin("POST", "tokens", {"action": "revoke"}) == {"tokens": 1}


@pytest.mark.parametrize(
    "rules",
    [[{"fault": "no"}], [{"fault": "status", "status": 200}], [{"fault": "drop", "share": 2}], {}],
)
async def test_rules_that_make_no_sense_are_refused(caller: Caller, rules: Any) -> None:
    reply = await caller.send("PUT", "/_simulator/faults", rules)
    assert (reply.status, list(reply.json)) == (400, ["error"])


# -- the admin paths --


async def test_keys_tell_duplicates_and_writes_tell_the_order(caller: Caller) -> None:
    person = (await caller.created(patient("1"))).identity
    twice = [(await caller.created(observation(person))).identity for _ in range(2)]
    keys = await caller.admin("GET", "keys?type=Observation")
    assert list(keys.values()) == [twice]
    writes = await caller.admin("GET", f"writes?patient={person}")
    assert [(one["kind"], one["interaction"]) for one in writes] == [
        ("Patient", "create"), ("Observation", "create"), ("Observation", "create"),
    ]  # fmt: skip


async def test_everything_is_as_new_after_a_reset(caller: Caller) -> None:
    await caller.created(patient("1"))
    await caller.admin("PUT", "faults", [{"fault": "drop"}])
    await caller.admin("POST", "reset")
    assert await caller.admin("GET", "keys?type=Encounter") == {}
    counts = await caller.admin("GET", "counts")
    assert (counts["requests"], counts["tokens_issued"]) == (0, 0)


async def test_resources_and_code_values_can_be_put_in(caller: Caller) -> None:
    await caller.admin("PUT", "resource", {"resourceType": "Location", "id": "77", "name": "X"})
    assert (await caller.call("GET", "Location/77")).status == 200
    row = {"code_set": 72, "id": "5", "display": "New", "description": "New",
           "concept_cki": "LOINC!8310-5"}  # fmt: skip
    await caller.admin("PUT", "code-value", row)
    await caller.created(observation(CANARY, code=standard(LOINC, "8310-5", "Temperature")))


# -- keys and TLS --


def assertion(key: Any, algorithm: str, audience: str, **change: Any) -> str:
    now = int(time.time())
    claims = {"iss": "site", "sub": "site", "aud": audience, "exp": now + 60, "jti": "1", **change}
    claims = {name: one for name, one in claims.items() if one is not None}
    return jwt.encode({"alg": algorithm, "kid": key.kid}, claims, key, algorithms=[algorithm])


@pytest.mark.parametrize("algorithm", ["RS384", "ES384"])
async def test_a_client_proves_itself_with_its_key_once(algorithm: str) -> None:
    key: Any = (
        RSAKey.generate_key(2048, {"kid": "k1"}, auto_kid=False)
        if algorithm == "RS384"
        else ECKey.generate_key("P-384", {"kid": "k1"}, auto_kid=False)
    )
    jwks = {"keys": [key.as_dict(private=False)]}
    site = RegisteredClient(client_id="site", jwks=jwks)
    async with Caller(SimulatorOptions(clients=(site,))) as caller:
        audience = caller.simulator.token_url()

        async def ask(text: str, **change: str) -> int:
            kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            form = {"client_assertion_type": kind, "client_assertion": text, **change}
            return (await caller.ask_token("system/Patient.crus", **form)).status

        good = assertion(key, algorithm, audience)
        assert await ask(good) == 200
        assert await ask(good) == 401
        wrong: list[dict[str, Any]] = [
            {"aud": "https://elsewhere"}, {"exp": 1}, {"exp": int(time.time()) + 4000},
            {"jti": None}, {"sub": "other"}, {"iss": "other"},
        ]  # fmt: skip
        for change in wrong:
            given = {"jti": "2", **change}
            assert await ask(assertion(key, algorithm, audience, **given)) == 401, change
        other = ECKey.generate_key("P-384", {"kid": "k1"}, auto_kid=False)
        assert await ask(assertion(other, "ES384", audience, jti="3")) == 401
        assert await ask("nonsense") == 401
        assert (
            await ask(assertion(key, algorithm, audience, jti="4"), client_assertion_type="x")
            == 401
        )


async def test_it_serves_over_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    issued = authority.issue("127.0.0.1")
    options = SimulatorOptions(tls_certificate=issued.certificate, tls_key=issued.key)
    context = ssl.create_default_context(cafile=authority.file)
    context.check_hostname = False  # the certificate names no address; its chain is verified
    async with Caller(options) as caller:
        assert caller.root.startswith("https://")
        url = f"{caller.root}/metadata"
        async with caller.session.get(url, ssl=context) as answer:
            assert answer.status == 200
            statement = await answer.json(content_type=None)
        assert statement["implementation"]["url"] == caller.root


# -- state, recordings --


async def test_what_was_written_survives_a_restart(tmp_path: Path) -> None:
    options = SimulatorOptions(state_file=tmp_path / "state.jsonl")
    async with Caller(options) as caller:
        first, second = [(await caller.created(patient(n))).identity for n in "12"]
        await caller.admin("POST", "merge", {"retired": first, "survivor": second})
        change = [{"op": "replace", "path": "/gender", "value": "other"}]
        etag = (await caller.call("PATCH", f"Patient/{second}", change)).etag
    with (tmp_path / "state.jsonl").open("ab") as file:
        file.write(b'{"cut": "sho')
    async with Caller(options) as caller:
        read = await caller.call("GET", f"Patient/{second}")
        assert (read.json["gender"], read.etag) == ("other", etag)
        assert (await caller.call("GET", f"Patient/{first}")).json["active"] is False
        assert (await caller.call("GET", "Patient?identifier=2")).json["total"] == 1
        assert (await caller.created(patient("3"))).identity not in (first, second)


def test_a_state_file_that_is_none_is_named_with_its_line(tmp_path: Path) -> None:
    from engine.simulator.millennium.server import MillenniumSimulator

    file = tmp_path / "state.jsonl"
    file.write_bytes(b"\n[]\n")
    with pytest.raises(ValueError, match=r"state\.jsonl:1"):
        MillenniumSimulator(SimulatorOptions(state_file=file))


def kept_text(folder: Path, text: bytes) -> bool:
    return any(text in one.read_bytes() for one in folder.iterdir())


async def test_calls_of_a_tenant_s_own_are_recorded_and_replayed(tmp_path: Path) -> None:
    said = iter(("first", "second"))

    async def answer(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer site"
        return web.Response(text=next(said), headers={"ETag": '"1"', "Set-Cookie": "secret"})

    app = web.Application()
    app.router.add_get("/discern/orders", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    root = f"http://127.0.0.1:{runner.addresses[0][1]}"
    path = "/custom/discern/orders?id=1"
    async with Caller(SimulatorOptions(record_folder=tmp_path, record_from=root)) as caller:
        for _ in range(2):
            reply = await caller.send("GET", path, Authorization="Bearer site")
            assert reply.status == 200
    await runner.cleanup()
    assert kept_text(tmp_path, b"secret") is False
    async with Caller(SimulatorOptions(replay_folder=tmp_path)) as caller:
        replies = [await caller.send("GET", path) for _ in range(3)]
        assert [one.content for one in replies] == [b"first", b"second", b"second"]
        assert replies[0].etag == '"1"'
        assert (await caller.send("GET", "/custom/other")).status == 404
    async with Caller() as caller:
        assert (await caller.send("GET", path)).status == 501


async def test_many_callers_at_once_get_what_is_theirs(caller: Caller) -> None:
    await caller.call("GET", f"Patient/{CANARY}")
    made = await asyncio.gather(*(caller.created(patient(str(n))) for n in range(100)))
    assert len({one.identity for one in made}) == 100
    keys = await caller.admin("GET", "keys?type=Patient")
    assert all(len(ids) == 1 for ids in keys.values())
