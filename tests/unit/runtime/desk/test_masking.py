"""Masking fails closed: what is not listed is hidden."""

import json
from pathlib import Path

from engine.cda.reader import parse_document
from engine.runtime.desk.document_masking import document_text
from engine.runtime.desk.masking import HIDDEN, SHIPPED, MaskingPolicy
from engine.runtime.desk.workbench import open_workbench

ROOT = Path(__file__).parents[4]


def test_identity_fields_are_hidden_and_codes_stay() -> None:
    masked = SHIPPED.segment("PID|1||700053^^^NORTH^MR||Iwu^Ana||19800101|F", "|")
    assert masked == f"PID|1||{HIDDEN}||{HIDDEN}||{HIDDEN}|F"  # PID-8 stays


def test_a_segment_nobody_listed_is_hidden_whole() -> None:
    assert SHIPPED.segment("ZPI|1|secret", "|") == f"ZPI|{HIDDEN}|{HIDDEN}"


def test_resources_keep_structure_and_codes_only() -> None:
    masked = SHIPPED.resource(
        {
            "resourceType": "Patient",
            "active": True,
            "gender": "female",
            "birthDate": "1980-01-01",
            "name": [{"family": "Iwu", "given": ["Ana"], "use": "official"}],
        }
    )
    assert masked == {
        "resourceType": "Patient",
        "active": True,
        "gender": "female",
        "birthDate": HIDDEN,
        "name": [{"family": HIDDEN, "given": [HIDDEN], "use": "official"}],
    }


def test_numbers_are_values_too() -> None:
    assert SHIPPED.resource({"value": 5.4}) == {"value": HIDDEN}


def test_words_of_a_refusal_are_hidden_and_plain_paths_stay() -> None:
    masked = SHIPPED.resource(
        {
            "diagnostics": "Iwu, Ana may not be here",
            "expression": ["Patient.name[0].family", "Patient.name.where(family='Iwu')"],
        }
    )
    assert masked == {
        "diagnostics": HIDDEN,
        "expression": ["Patient.name[0].family", HIDDEN],
    }
    assert SHIPPED.segment("MSA|AE|M1|Iwu is unknown", "|") == f"MSA|AE|M1|{HIDDEN}"  # MSA-3
    assert (
        SHIPPED.segment("ERR||PID^1^3|101|E|||a|b", "|")
        == f"ERR||PID^1^3|101|E|||{HIDDEN}|{HIDDEN}"
    )


def test_a_code_without_a_system_may_be_anything_and_is_hidden() -> None:
    masked = SHIPPED.resource(
        {"coding": [{"code": "Iwu"}, {"system": "http://loinc.org", "code": "2345-7"}]}
    )
    assert masked == {
        "coding": [{"code": HIDDEN}, {"system": "http://loinc.org", "code": "2345-7"}]
    }
    assert SHIPPED.resource({"severity": "error", "code": "processing"})["code"] == "processing"


def test_the_name_of_a_file_is_hidden_and_its_folder_stays() -> None:
    assert SHIPPED.source("directory /in/lab/iwu-ana.hl7") == f"directory /in/lab/{HIDDEN}"
    assert SHIPPED.source("mllp 10.0.0.1:40022") == "mllp 10.0.0.1:40022"


def test_a_site_shows_and_hides_fields_of_its_own_and_hiding_wins() -> None:
    policy = SHIPPED.changed(show=["PV1-3", "ZPD-2", "PID-8"], hide=["PID-8", "MSH-3"])
    assert policy.segment("PV1|1|I|4W^1", "|") == "PV1|1|I|4W^1"
    assert policy.segment("ZPD|a|b", "|") == f"ZPD|{HIDDEN}|b"
    assert policy.segment("PID|1|||||||F", "|") == f"PID|1|||||||{HIDDEN}"
    assert policy.segment("MSH|^~\\&|LAB|NORTH", "|") == f"MSH|^~\\&|{HIDDEN}|NORTH"
    assert MaskingPolicy() == SHIPPED


def test_a_path_is_shown_when_its_field_is() -> None:
    for path in ("PID-8", "OBX[3]-3[1].1", "MSH-10", "MSH"):
        assert SHIPPED.shows(path), path
    for path in ("PID-5", "PID[1]-5[2].1", "PID", "ZPI-1", "PID-80", "", "nonsense"):
        assert not SHIPPED.shows(path), path


RAW = (
    b"MSH|^~\\&|ADT|NORTH|HUB|ENGINE|20260101120000||ADT^A01|M1|P|2.5.1\r"
    b"EVN|A01|20260101120000\r"
    b"PID|1||700053^^^NORTH^MR||IWU^ANA||19800101|F|||12 SIDE ST^^TOWN||5550100|\r"
    b"PV1|1|I|4W^12\r"
)
PLANTED = ("700053", "IWU", "ANA", "1980-01-01", "19800101", "SIDE ST", "TOWN", "5550100", "4W")


def test_an_element_inherits_the_mask_of_the_fields_it_was_made_of() -> None:
    bench = open_workbench(ROOT)
    traced = bench.trace(RAW)
    assert traced is not None
    shown = [SHIPPED.traced(one.resource, one.resource_id, traced.trace)
             for one in traced.made.entries]  # fmt: skip
    text = json.dumps(shown)
    assert not [value for value in PLANTED if value in text]
    patient = next(one for one in shown if one["resourceType"] == "Patient")
    assert patient["gender"] == "female"  # PID-8 is shown
    assert patient["birthDate"] == HIDDEN
    wider = SHIPPED.changed(show=["PID-7"])
    again = [wider.traced(one.resource, one.resource_id, traced.trace)
             for one in traced.made.entries]  # fmt: skip
    assert "1980-01-01" in json.dumps(again)


def test_a_document_keeps_its_structure_and_codes_only() -> None:
    file = next(iter(sorted((ROOT / "samples").rglob("*.xml"))))
    document = parse_document(file.read_bytes()).document
    assert document is not None
    masked = document_text(document.root)
    said = {
        text.strip()
        for node in document.root.iter("{*}family", "{*}given", "{*}streetAddressLine", "{*}td")
        for text in node.itertext()
        if len(text.strip()) > 3
    }
    assert said
    assert not [text for text in said if text in masked]
    assert 'classCode="' in masked
    assert "templateId root=" in masked
