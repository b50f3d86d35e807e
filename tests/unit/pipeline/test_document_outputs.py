"""The pure step with documents: wrappers, versions, outcomes, and documents inside messages."""

from base64 import b64encode
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest

from engine.channel.model import (
    ChannelConfig,
    DestinationConfig,
    DirectoryListenerConfig,
    FhirDestinationConfig,
    FileDestinationConfig,
    TransformConfig,
)
from engine.fhir.checker import check
from engine.fhir.identity import resource_id
from engine.mapping.compiler.compiler import compile_library
from engine.mapping.compiler.documents import compile_documents
from engine.mapping.library import read_library
from engine.pipeline import embedded
from engine.pipeline import process as pure_step
from engine.pipeline.plan import ChannelPlan, plan
from engine.pipeline.process import process
from engine.pipeline.result import FHIR_DOCUMENT, ProcessResult
from engine.pipeline.states import State

ROOT = Path(__file__).parents[3]
OID = "2.16.840.1.113883.19.5"
SYSTEM = f"urn:oid:{OID}"
EHR = FhirDestinationConfig(name="ehr", url="http://h/fhir")
WHOLE = FhirDestinationConfig(name="whole", url="http://h/fhir", bundle="document")
FILE = FileDestinationConfig(name="file", path="out", content="document")
REPLACING = FhirDestinationConfig(name="plain", url="http://h/fhir", merge="replace")


def document(number: int = 2, *, patient: str = "N100", related: int = 0, extra: str = "") -> str:
    replaced = (
        f'<relatedDocument typeCode="RPLC"><parentDocument><id root="{OID}.1"'
        f' extension="D{related}"/></parentDocument></relatedDocument>'
    )
    return f"""\
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<id root="{OID}.1" extension="D{number}"/>
<code code="18842-5" codeSystem="2.16.840.1.113883.6.1"/><title>Summary</title>
<effectiveTime value="20240131101500-0600"/>
<recordTarget><patientRole><id root="{OID}.3" extension="{patient}"/>
<patient><name><family>Fairbrother</family></name><birthTime value="19580617"/></patient>
</patientRole></recordTarget>{replaced if related else ""}
<component><structuredBody>{extra}</structuredBody></component></ClinicalDocument>"""


@cache
def programs() -> tuple[Any, Any]:
    files = {
        str(file.relative_to(ROOT)): file.read_text(encoding="utf-8")
        for file in (ROOT / "transforms").rglob("*")
        if file.is_file()
    }
    of_documents = {name: text for name, text in files.items() if "/cda/" in name}
    of_messages = {name: text for name, text in files.items() if "/cda/" not in name}
    messages = compile_library(read_library(of_messages)[0])
    return messages, compile_documents(read_library(of_documents)[0])


def prepared(*destinations: DestinationConfig, **options: Any) -> ChannelPlan:
    transform = TransformConfig(
        source_system=SYSTEM, authorities=(("NVMRN", f"urn:oid:{OID}.3"),), **options
    )
    config = ChannelConfig(
        name="c",
        listener=DirectoryListenerConfig(path="in"),
        transform=transform,
        destinations=destinations or (EHR,),
    )
    messages, documents = programs()
    return plan(config, messages, documents=lambda _: documents)


def run(raw: str | bytes, *destinations: DestinationConfig, **options: Any) -> ProcessResult:
    given = raw.encode() if isinstance(raw, str) else raw
    result = process(given, prepared(*destinations, **options), received_at=1_700_000_000.0)
    assert result.state is State.TRANSFORMED
    return result


def bundle(result: ProcessResult, at: int = 0) -> Any:
    return orjson.loads(result.outputs[at].body)


def of(found: Any, kind: str) -> list[dict[str, Any]]:
    resources = [entry["resource"] for entry in found["entry"]]
    return [one for one in resources if one["resourceType"] == kind]


def codes(result: ProcessResult) -> list[str]:
    return [found.code for found in result.diagnostics]


# -- wrappers --


def test_a_document_is_one_bundle_with_the_composition_first_and_no_requests() -> None:
    result = run(document(related=1), WHOLE, FILE, outcome=True)
    assert [one.content_type for one in result.outputs] == [FHIR_DOCUMENT] * 2
    found = bundle(result)
    assert (found["type"], found["timestamp"]) == ("document", "2024-01-31T16:15:00.000Z")
    assert found["identifier"] == {"system": f"urn:oid:{OID}.1", "value": "D2"}
    assert found["entry"][0]["resource"]["resourceType"] == "Composition"
    assert all(set(entry) == {"fullUrl", "resource"} for entry in found["entry"])
    assert all(entry["resource"]["id"] in entry["fullUrl"] for entry in found["entry"])
    assert [one["status"] for one in of(found, "DocumentReference")] == ["current"]
    assert check(found) == ()


def test_every_reference_of_a_document_bundle_is_in_it() -> None:
    text = bundle(run(document(), WHOLE))
    urls = {entry["fullUrl"] for entry in text["entry"]}
    body = orjson.dumps(text).decode()
    names = {part.split('"')[0] for part in body.split('"reference":"')[1:]}
    assert names <= urls
    assert names


def test_a_message_stays_a_transaction_where_documents_are_sent_whole() -> None:
    assert bundle(run(message(), WHOLE))["type"] == "transaction"


def test_one_document_goes_out_in_both_forms() -> None:
    result = run(document(), EHR, WHOLE)
    assert [bundle(result, at)["type"] for at in (0, 1)] == ["transaction", "document"]


# -- versions --


def test_a_new_version_makes_the_one_it_replaces_superseded() -> None:
    current, earlier = of(bundle(run(document(2, related=1))), "DocumentReference")
    assert (current["status"], earlier["status"]) == ("current", "superseded")
    assert earlier["id"] == resource_id(SYSTEM, "DocumentReference", (f"{OID}.1", "D1"))
    first = of(bundle(run(document(1))), "DocumentReference")[0]
    assert earlier["id"] == first["id"]
    relation = {"system": f"urn:oid:{OID}.1", "value": "D1"}
    assert current["relatesTo"] == [{"code": "replaces", "target": {"identifier": relation}}]
    assert check(earlier) == ()


def test_a_server_that_is_not_merged_with_is_not_told_of_the_earlier_version() -> None:
    result = run(document(2, related=1), REPLACING, EHR)
    assert len(of(bundle(result, 0), "DocumentReference")) == 1
    assert len(of(bundle(result, 1), "DocumentReference")) == 2


def test_what_a_document_knows_of_people_is_merged_and_its_statements_are_not() -> None:
    result = run(document())
    merged = {one.resource["resourceType"]: one.merges for one in result.entries}
    assert merged["Patient"]
    assert not merged["Composition"]


def test_a_document_reference_is_searched_by_the_id_of_its_version() -> None:
    found = next(
        one
        for one in run(document()).entries
        if one.resource["resourceType"] == "DocumentReference"
    )
    assert found.identifier == (f"urn:oid:{OID}.1", "D2")


# -- outcome --


def outcome(found: Any) -> list[dict[str, Any]]:
    listed = of(found, "Provenance")
    return [inner for one in listed for inner in one.get("contained", ())]


def test_the_outcome_tells_what_was_noticed_with_its_place() -> None:
    odd = (
        '<component><section><code code="11450-4" codeSystem="2.16.840.1.113883.6.1"/>'
        '<text>x</text><entry><regionOfInterest classCode="ROIOVL" moodCode="EVN"/></entry>'
        "</section></component>"
    )
    result = run(document(extra=odd), outcome=True)
    issues = outcome(bundle(result))[0]["issue"]
    told = [one for one in issues if one["details"]["text"].startswith("D340")]
    assert told[0]["location"][0].startswith("/ClinicalDocument/component")
    assert run(document(extra=odd), outcome=True).outputs == result.outputs


def test_there_is_no_outcome_unless_the_channel_wants_one() -> None:
    assert outcome(bundle(run(document()))) == []
    assert outcome(bundle(run(message()))) == []


def test_the_outcome_is_contained_as_servers_store_none_by_itself() -> None:
    for raw, head in ((document(), "Composition"), (message(), "MessageHeader")):
        found = bundle(run(raw, outcome=True))
        assert of(found, "OperationOutcome") == []
        told = [one for one in of(found, "Provenance") if "contained" in one]
        assert check(told[0]) == ()
        about = told[0]["target"][0]["reference"]
        named = next(one for one in found["entry"] if one["fullUrl"] == about)
        assert named["resource"]["resourceType"] == head
    whole = bundle(run(document(), WHOLE, outcome=True))
    assert outcome(whole)[0]["issue"][0]["details"]["text"] == "ok"


# -- documents inside messages --

MISLABELLED = '<?xml version="1.0" encoding="utf-16"?>'


def message(*obx: str, patient: str = "N100", kind: str = "MDM^T02^MDM_T02") -> str:
    lines = (
        f"MSH|^~\\&|DOC|NORTHVALE|E|H|20260105083000-0600||{kind}|M1|P|2.5.1",
        "EVN|T02|20260105083000-0600",
        f"PID|1||{patient}^^^NVMRN^MR||Fairbrother^Elspeth||19580617|F",
        "PV1|1|I",
        "TXA|1|DS|TX|20260105083000-0600||||||||T1||||||AU",
        *obx,
    )
    return "\r".join(lines) + "\r"


def packed(text: str) -> str:
    return f"OBX|1|ED|18842-5^Summary^LN||^text^xml^Base64^{b64encode(text.encode()).decode()}|"


def escaped(text: str) -> str:
    marks = {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\", "\n": "~"}
    return "".join(marks.get(letter, letter) for letter in text)


@pytest.mark.parametrize(
    "obx",
    [
        (packed(document()),),
        (packed("\ufeff" + document()),),
        (f"OBX|1|ED|1^x||^text^xml^Hex^{document().encode().hex()}",),
        (f"OBX|1|TX|18842-5^Summary^LN||{escaped(document())}",),
        ("OBX|1|FT|1^x||" + escaped(MISLABELLED + document()),),
        tuple(f"OBX|{n}|TX|1^x||{escaped(line)}" for n, line in enumerate(document().split("\n"))),
    ],
    ids=["base64", "mark", "hex", "text", "label", "lines"],
)
def test_a_document_inside_a_message_joins_its_resources(obx: tuple[str, ...]) -> None:
    result = run(message(*obx), embedded_documents="convert")
    found = bundle(result)
    assert len(of(found, "Composition")) == 1
    patients = of(found, "Patient")
    assert len(patients) == 1
    subject = of(found, "Composition")[0]["subject"]["reference"]
    assert subject == f"urn:uuid:{patients[0]['id']}"
    assert ("document", "D2") in result.search_keys
    assert "S731" not in codes(result)


def test_a_document_inside_a_message_is_left_alone_unless_the_channel_wants_it() -> None:
    assert of(bundle(run(message(packed(document())))), "Composition") == []


def test_a_document_about_somebody_else_stays_with_its_own_patient() -> None:
    result = run(message(packed(document(patient="X9"))), embedded_documents="convert")
    found = bundle(result)
    assert len(of(found, "Patient")) == 2
    assert "S731" in codes(result)
    subject = of(found, "Composition")[0]["subject"]["reference"]
    other = next(one for one in of(found, "Patient") if one["identifier"][0]["value"] == "X9")
    assert subject == f"urn:uuid:{other['id']}"


def test_a_broken_document_inside_costs_the_message_nothing() -> None:
    result = run(message(packed(document()[:-30])), embedded_documents="convert")
    assert of(bundle(result), "Composition") == []
    assert of(bundle(result), "Patient")
    told = next(found for found in result.diagnostics if found.code == "S729")
    assert told.place.path == "OBX[1]-5"


def test_documents_inside_a_message_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [packed(document(number)) for number in range(embedded.DOCUMENTS_MAX + 2)]
    result = run(message(*many), embedded_documents="convert")
    assert len(of(bundle(result), "Composition")) == embedded.DOCUMENTS_MAX
    assert codes(result).count("S730") == 1
    monkeypatch.setattr(embedded, "BYTES_MAX", 1_500)
    result = run(message(*many), embedded_documents="convert")
    assert len(of(bundle(result), "Composition")) < 3


def test_what_is_no_document_inside_is_left_alone() -> None:
    pdf = "OBX|1|ED|1^x||^application^pdf^Base64^JVBERi0xLjQ="
    text = "OBX|2|TX|1^x||The patient is well"
    result = run(message(pdf, text), embedded_documents="convert")
    assert not {"S729", "S730"} & set(codes(result))


def test_the_same_message_gives_the_same_bytes() -> None:
    raw = message(packed(document(related=1)))
    first, second = (run(raw, embedded_documents="convert", outcome=True) for _ in range(2))
    assert first.outputs == second.outputs


def test_a_document_that_is_let_go_leaves_the_same_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pure_step, "FOLDED_BYTES_MIN", 0)
    words = (
        "<component><section><text><paragraph ID='a'>Words</paragraph></text></section></component>"
    )
    raw, told = document(extra=words).encode(), list[int]()
    kept = process(raw, prepared(EHR, WHOLE), received_at=0.0)
    let_go = process(raw, prepared(EHR, WHOLE), received_at=0.0, let_go=told.append)
    assert b"Words" in let_go.outputs[0].body
    assert (let_go.outputs, let_go.diagnostics) == (kept.outputs, kept.diagnostics)
    assert (kept.document is None, let_go.document is None, told) == (False, True, [len(raw)])
