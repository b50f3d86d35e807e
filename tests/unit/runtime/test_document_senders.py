"""What a channel's filter and senders do with documents: the conditions and options of messages."""

from pathlib import Path
from typing import Any

import pytest

from engine.pipeline.states import State
from engine.runtime.desk.workbench import Conversion, Workbench, open_workbench

OID = "2.16.840.1.113883.19.5"
CHANNEL = f"""\
channel: documents
listener: {{http: {{port: 8080}}}}
filter: PID-3 valued and MSH-9.2 != "11488-4"
search_keys: {{type: MSH-9.2}}
transform: {{source_system: "urn:oid:{OID}", time_zone: America/Chicago}}
senders:
  - when: MSH-4 = "{OID}.7"
    time_zone: America/Denver
    source_system: "urn:oid:{OID}.7"
    overlays: [overlays/south]
    preprocess:
      - move PID-2 to PID-3
destinations:
  - fhir: {{name: ehr, url: "http://127.0.0.1:8090/fhir"}}
"""
OVERLAY = """\
overlay: patient[Patient]
reason: this hospital's patients are all known to it
rules:
  active: "true"
"""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    home: Path = tmp_path_factory.mktemp("site")
    for name, text in (
        ("channels/documents.yaml", CHANNEL),
        ("overlays/south/cda/p.yaml", OVERLAY),
    ):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text, "utf-8")
    return open_workbench(home)


def document(*, custodian: str = "6", kind: str = "34133-9", number: str = "N100") -> bytes:
    patient = f'<id root="{OID}.3" extension="{number}"/>' if number else '<id nullFlavor="UNK"/>'
    return f"""\
<ClinicalDocument xmlns="urn:hl7-org:v3"><id root="{OID}.1" extension="D1"/>
<code code="{kind}" codeSystem="2.16.840.1.113883.6.1"/><title>Summary</title>
<effectiveTime value="20240131101500"/><recordTarget><patientRole>{patient}
<patient><name><family>Fairbrother</family></name></patient></patientRole></recordTarget>
<custodian><assignedCustodian><representedCustodianOrganization><id root="{OID}.{custodian}"/>
</representedCustodianOrganization></assignedCustodian></custodian>
<component><structuredBody/></component></ClinicalDocument>""".encode()


def resource(found: Conversion, kind: str) -> dict[str, Any]:
    entries = found.result.entries
    return next(one.resource for one in entries if one.resource["resourceType"] == kind)


def test_a_document_that_the_filter_refuses_is_filtered_and_the_log_says_by_which_test(
    bench: Workbench,
) -> None:
    for raw, test in (
        (document(kind="11488-4"), 'MSH-9.2 != "11488-4"'),  # code
        (document(number=""), "PID-3 valued"),  # patientRole/id
    ):
        result = bench.convert(raw).result
        assert (result.state, result.outputs) == (State.FILTERED, ())
        (refusal,) = [one for one in result.diagnostics if one.code == "C448"]
        assert refusal.message.endswith(test)
    assert bench.convert(document()).result.state is State.TRANSFORMED


def test_zone_source_system_and_overlays_of_the_sender_apply(bench: Workbench) -> None:
    south, north = bench.convert(document(custodian="7")), bench.convert(document())
    assert (south.result.sender, north.result.sender) == (0, None)  # custodian, as MSH-4
    assert resource(south, "Composition")["date"] == "2024-01-31T10:15:00-07:00"
    assert resource(north, "Composition")["date"] == "2024-01-31T10:15:00-06:00"
    assert south.result.event_at == 1706721300.0
    assert (resource(south, "Patient").get("active"), resource(north, "Patient").get("active")) == (
        True,
        None,
    )
    ids = [{one.resource_id for one in made.result.entries} for made in (south, north)]
    assert not ids[0] & ids[1]


def test_a_trace_is_by_the_maps_of_the_sender(bench: Workbench) -> None:
    traced = bench.trace(document(custodian="7"))
    assert traced is not None
    (record,) = traced.trace.why("Patient.active")[:1]
    assert record.rule.place.file == "overlays/south/cda/p.yaml"


def test_preprocess_rules_leave_documents_as_they_are(bench: Workbench) -> None:
    assert bench.convert(document(custodian="7")).result.edits == ()


def test_keys_of_the_channel_are_those_of_documents_too(bench: Workbench) -> None:
    assert ("type", "34133-9") in bench.convert(document()).result.search_keys  # MSH-9.2
