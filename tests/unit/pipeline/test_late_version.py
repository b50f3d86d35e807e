"""A version that comes after a newer one writes nothing over it, and is kept as superseded."""

from typing import Any

import orjson
from versioned import EHR, SYSTEM, channel_plan, document, message

from engine.channel.model import FhirDestinationConfig, FileDestinationConfig, MllpDestinationConfig
from engine.fhir.checker import check
from engine.fhir.identity import resource_id
from engine.pipeline.plan import ChannelPlan
from engine.pipeline.process import process
from engine.pipeline.result import ProcessResult
from engine.pipeline.states import State
from engine.pipeline.version_order import Newer

CONDITIONAL = FhirDestinationConfig(name="ehr", url="http://h/fhir", identity="conditional")
CREATING = FhirDestinationConfig(name="ehr", url="http://h/fhir", identity="create")
SINGLE = FhirDestinationConfig(name="ehr", url="http://h/fhir", interaction="single")
REPLACING = FhirDestinationConfig(name="ehr", url="http://h/fhir", merge="replace")


def late(raw: bytes, plan: ChannelPlan) -> ProcessResult:
    """What is made of it when message 41 brought a newer version of every document in it."""
    first = process(raw, plan, received_at=0.0)
    newer = dict.fromkeys(first.versions, Newer(message_id=41))
    assert newer
    return process(raw, plan, received_at=0.0, newer=newer)


def entries(result: ProcessResult, at: int = 0) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = orjson.loads(result.outputs[at].body)["entry"]
    return found


def written(result: ProcessResult) -> list[str]:
    return sorted(one["resource"]["resourceType"] for one in entries(result))


def told(result: ProcessResult) -> list[str]:
    return [one.code for one in result.diagnostics if one.code in ("S734", "S735")]


def test_only_its_document_reference_is_written_with_the_original_as_superseded() -> None:
    result = late(document(1), channel_plan())
    (entry,) = entries(result)
    reference = entry["resource"]
    assert (reference["resourceType"], reference["status"]) == ("DocumentReference", "superseded")
    assert reference["id"] == resource_id(
        SYSTEM, "DocumentReference", (reference["masterIdentifier"]["system"][8:], "D1")
    )
    assert reference["content"][0]["attachment"]["data"]
    assert check(reference) == ()
    assert (result.state, told(result)) == (State.TRANSFORMED, ["S734"])
    assert "41" in next(one.message for one in result.diagnostics if one.code == "S734")


def test_its_patient_is_referred_to_and_other_people_are_only_named() -> None:
    plan = channel_plan()
    whole = process(document(1), plan, received_at=0.0)
    patient = next(one for one in whole.entries if one.resource["resourceType"] == "Patient")
    (entry,) = entries(late(document(1), plan))
    reference = entry["resource"]
    assert reference["subject"]["reference"] == f"Patient/{patient.resource_id}"
    (author,) = reference["author"]
    assert (author["type"], author["display"]) == ("Practitioner", "Osei")
    assert author["identifier"]["value"] == "1001"
    assert "reference" not in author
    assert "reference" not in reference["custodian"]


def test_servers_that_are_searched_find_the_patient_by_its_number() -> None:
    for config in (CONDITIONAL, CREATING):
        (entry,) = entries(late(document(1), channel_plan(config)))
        assert entry["resource"]["subject"]["reference"].startswith("Patient?identifier=")


def test_no_form_of_delivery_writes_more() -> None:
    for config in (EHR, CONDITIONAL, CREATING, SINGLE, REPLACING):
        assert written(late(document(1), channel_plan(config))) == ["DocumentReference"]


def test_a_bundle_of_its_own_holds_the_late_document_whole() -> None:
    file = FileDestinationConfig(name="file", path="out", content="document")
    result = late(document(1), channel_plan(EHR, file))
    kinds = [one["resource"]["resourceType"] for one in entries(result, 1)]
    assert kinds[0] == "Composition"
    assert "Condition" in kinds


def test_what_it_replaced_itself_stays_superseded() -> None:
    result = late(document(2, replaces=1), channel_plan())
    found = [one["resource"] for one in entries(result)]
    assert [one["status"] for one in found] == ["superseded", "superseded"]
    assert found[0]["relatesTo"][0]["target"]["identifier"]["value"] == "D1"


def test_a_message_around_it_is_delivered_as_ever() -> None:
    plan = channel_plan(embedded_documents="convert")
    raw = message(document(1))
    before, after = process(raw, plan, received_at=0.0), late(raw, plan)
    assert "Condition" in written(before)
    assert "Condition" not in written(after)
    assert written(after).count("Patient") == 1
    assert written(after).count("DocumentReference") == 2
    assert told(after) == ["S734"]
    ours = next(e for e in after.entries if e.resource["resourceType"] == "Patient")
    plain = process(raw, channel_plan(), received_at=0.0)
    own = next(e for e in plain.entries if e.resource["resourceType"] == "Patient")
    assert ours.resource == own.resource


def test_it_is_passed_on_where_documents_are_and_told() -> None:
    plan = channel_plan(MllpDestinationConfig(name="ehr", host="h", port=1), map="none")
    result = late(document(1), plan)
    assert result.outputs[0].body == document(1)
    assert told(result) == ["S735"]


def test_the_outcome_says_why() -> None:
    result = late(document(1), channel_plan(outcome=True))
    assert written(result) == ["DocumentReference", "Provenance"]
    provenance = next(one["resource"] for one in entries(result) if "contained" in one["resource"])
    reference = next(one for one in entries(result) if one["resource"] is not provenance)
    assert provenance["target"] == [{"reference": reference["fullUrl"]}]
    assert "S734" in str(provenance["contained"])
