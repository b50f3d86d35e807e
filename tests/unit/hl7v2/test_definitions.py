"""The dictionary: what maps and the checker rely on, in every version."""

import importlib
import json
from importlib.resources import files
from pathlib import Path

import pytest

from engine.hl7v2 import definitions
from engine.hl7v2.definitions import GroupDefinition

SCRIPTS = Path(__file__).parents[3] / "scripts"


@pytest.mark.parametrize("version", definitions.VERSIONS)
def test_every_version_has_the_core_of_the_standard(version):
    pid = definitions.segment(version, "PID")
    assert pid.fields[5].name == "Patient Name"
    assert definitions.structure(version, "ADT_A01").child("PID").required
    assert definitions.structure_for(version, "ADT", "A04") == "ADT_A01" or version in {
        "2.1",
        "2.2",
    }
    assert "MSH" in definitions.segment_names(version)


def test_a_field_knows_its_datatype_cardinality_and_table():
    pid = definitions.segment("2.5.1", "PID")
    assert (pid.fields[3].datatype, pid.fields[3].repeats, pid.fields[3].required) == (
        "CX",
        True,
        True,
    )  # PID-3
    assert (pid.fields[8].datatype, pid.fields[8].repeats, pid.fields[8].table) == (
        "IS",
        False,
        "0001",
    )  # PID-8
    assert definitions.segment("2.5.1", "OBX").fields[5].datatype == "varies"  # OBX-5


@pytest.mark.parametrize(
    ("datatype", "number", "short_name"),
    [
        ("CX", 1, "id"),
        ("CX", 4, "authority"),
        ("CX", 5, "type"),
        ("XPN", 7, "type"),
        ("XAD", 7, "type"),
        ("XTN", 2, "use"),
        ("XTN", 3, "type"),
        ("CWE", 3, "system"),
        ("XPN", 9, "nameContext"),
    ],
)
def test_components_have_short_names(datatype, number, short_name):
    found = definitions.datatype("2.5.1", datatype)
    assert found.components[number].short_name == short_name
    assert found.component(short_name) is found.components[number]
    assert found.component(str(number)) is found.components[number]
    assert found.component("nonsense") is None


@pytest.mark.parametrize("version", definitions.VERSIONS)
def test_short_names_are_unique_words(version):
    for segment in definitions.segment_names(version):
        for field in definitions.segment(version, segment).fields.values():
            datatype = definitions.datatype(version, field.datatype)
            if datatype is None:
                continue
            words = [component.short_name for component in datatype.components.values()]
            assert len(set(words)) == len(words), (version, datatype.name)
            assert all(word.isalnum() and word[0].islower() for word in words), datatype.name


def test_primitive_datatypes_have_no_components():
    assert definitions.datatype("2.5.1", "ST").primitive
    assert not definitions.datatype("2.5.1", "CX").primitive
    assert definitions.datatype("2.5.1", "NOPE") is None


def test_structures_nest_groups_with_cardinality():
    oru = definitions.structure("2.5.1", "ORU_R01")
    result = oru.child("PATIENT_RESULT")
    assert isinstance(result, GroupDefinition)
    assert result.repeats and result.required
    order = result.child("ORDER_OBSERVATION")
    assert order.child("OBR").required and not order.child("OBR").repeats
    assert order.child("NTE").repeats and not order.child("NTE").required
    assert order.child("NOPE") is None
    assert "SPM" in oru.segment_names()


def test_what_does_not_exist_is_none():
    assert definitions.segment("2.5.1", "ZZZ") is None
    assert definitions.structure("2.5.1", "ADT_Z99") is None
    assert definitions.structure_for("2.5.1", "ADT", "Z99") is None
    assert definitions.structure_for("2.5.1", "ADT", "") is None
    assert definitions.table("2.5.1", "9998") is None


def test_tables_give_their_codes():
    assert set(definitions.table("2.5.1", "0001")) == {"A", "F", "M", "N", "O", "U"}


@pytest.mark.parametrize(
    ("written", "known"),
    [
        ("2.5.1", "2.5.1"),
        (" 2.5.1 ", "2.5.1"),
        ("2.5.1^AUS", "2.5.1"),
        ("2.5.9", "2.5.1"),
        ("2.9", "2.8.2"),
        ("2.0", "2.1"),
        ("2.3.z", "2.3"),
        ("3.0", "2.5.1"),
        ("", "2.5.1"),
        ("v2", "2.5.1"),
    ],
)
def test_a_written_version_means_the_nearest_known_one(written, known):
    assert definitions.nearest_version(written) == known


@pytest.mark.parametrize("version", definitions.VERSIONS)
def test_every_event_leads_to_a_structure_that_exists(version):
    for code, event in [("ADT", "A01"), ("ORU", "R01"), ("ORM", "O01"), ("ADT", "A08")]:
        served = definitions.structure_for(version, code, event)
        if served:
            assert definitions.structure(version, served) is not None


@pytest.mark.parametrize("version", ["2.1", "2.5.1", "2.8.2"])
def test_the_data_is_what_the_script_makes(version, monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    script = importlib.import_module("build_hl7v2_definitions")
    shipped = files("engine.hl7v2.definitions").joinpath("data", f"v{version}.json").read_bytes()
    made = json.loads(json.dumps(script.dictionary(version)))
    loaded = json.loads(shipped)
    del loaded["header"]
    assert loaded == made


def test_the_data_names_its_source_and_licence():
    header = definitions.header("2.5.1")
    assert header["source"].startswith("hl7apy ")
    assert "MIT" in header["licence"]
