"""Masking fails closed: what is not listed is hidden."""

from engine.cli.masking import HIDDEN, mask_resource, mask_segment, mask_source


def test_identity_fields_are_hidden_and_codes_stay() -> None:
    masked = mask_segment("PID|1||700053^^^NORTH^MR||Iwu^Ana||19800101|F", "|")
    assert masked == f"PID|1||{HIDDEN}||{HIDDEN}||{HIDDEN}|F"  # PID-8 stays


def test_a_segment_nobody_listed_is_hidden_whole() -> None:
    assert mask_segment("ZPI|1|secret", "|") == f"ZPI|{HIDDEN}|{HIDDEN}"


def test_resources_keep_structure_and_codes_only() -> None:
    masked = mask_resource(
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
    assert mask_resource({"value": 5.4}) == {"value": HIDDEN}


def test_words_of_a_refusal_are_hidden_and_plain_paths_stay() -> None:
    masked = mask_resource(
        {
            "diagnostics": "Iwu, Ana may not be here",
            "expression": ["Patient.name[0].family", "Patient.name.where(family='Iwu')"],
        }
    )
    assert masked == {
        "diagnostics": HIDDEN,
        "expression": ["Patient.name[0].family", HIDDEN],
    }
    assert mask_segment("MSA|AE|M1|Iwu is unknown", "|") == f"MSA|AE|M1|{HIDDEN}"  # MSA-3
    assert (
        mask_segment("ERR||PID^1^3|101|E|||a|b", "|") == f"ERR||PID^1^3|101|E|||{HIDDEN}|{HIDDEN}"
    )


def test_a_code_without_a_system_may_be_anything_and_is_hidden() -> None:
    masked = mask_resource(
        {"coding": [{"code": "Iwu"}, {"system": "http://loinc.org", "code": "2345-7"}]}
    )
    assert masked == {
        "coding": [{"code": HIDDEN}, {"system": "http://loinc.org", "code": "2345-7"}]
    }
    assert mask_resource({"severity": "error", "code": "processing"})["code"] == "processing"


def test_the_name_of_a_file_is_hidden_and_its_folder_stays() -> None:
    assert mask_source("directory /in/lab/iwu-ana.hl7") == f"directory /in/lab/{HIDDEN}"
    assert mask_source("mllp 10.0.0.1:40022") == "mllp 10.0.0.1:40022"
