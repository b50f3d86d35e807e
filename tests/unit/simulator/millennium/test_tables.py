"""The tables of the package: what they say of each type, and that they agree with the reference."""

import json
from pathlib import Path

import pytest

from engine.simulator.millennium.behaviours import GRADES, behaviours, replace_generated
from engine.simulator.millennium.options import Smart
from engine.simulator.millennium.scopes import all_scopes, permits_interaction
from engine.simulator.millennium.tables import resource_types, write_rules

SHARED = Path(__file__).parents[4] / ".." / "shared" / "corpora" / "millennium"


def test_every_type_that_is_written_has_its_fields_and_paths() -> None:
    for name, kind in resource_types().items():
        rules = write_rules().get(name)
        for interaction in kind.does & {"create", "update", "patch"}:
            if (name, interaction) != ("ChargeItem", "create"):
                assert rules is not None, name
                assert getattr(rules, interaction), (name, interaction)
        assert set(kind.needs) <= set(kind.search), name


def test_there_are_as_many_system_scopes_as_types_of_each_syntax() -> None:
    v2 = all_scopes(Smart.V2)
    assert "system/Coverage.cruds" in v2
    assert "system/FinancialTransaction.c" in v2
    assert not {one.rpartition(".")[2] for one in v2} & {"read", "write"}
    assert {"system/Patient.read", "system/Patient.write"} <= set(all_scopes(Smart.V1))


@pytest.mark.parametrize(
    ("scopes", "kind", "interaction", "permitted"),
    [
        ({"system/Patient.crus"}, "Patient", "patch", True),
        ({"system/Patient.r"}, "Patient", "search", False),
        ({"system/Patient.write"}, "Patient", "patch", True),
        ({"system/Patient.write"}, "Patient", "read", False),
        ({"system/Observation.write"}, "Observation", "update", False),
        ({"system/Observation.write", "system/Observation.read"}, "Observation", "update", True),
        ({"system/Binary.r"}, "Binary", "read", False),
        ({"system/Binary.r", "system/DocumentReference.crus"}, "Binary", "read", True),
        ({"system/Basic.c"}, "Basic", "create", False),
        ({"system/Basic.c", "system/FinancialTransaction.c"}, "Basic", "create", True),
    ],
)
def test_a_grant_permits_what_it_says(
    scopes: set[str], kind: str, interaction: str, permitted: bool
) -> None:
    assert permits_interaction(scopes, kind, interaction) is permitted


@pytest.mark.corpus
@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared corpora are absent")
def test_interactions_and_patches_are_those_of_the_reference() -> None:
    capability = json.loads((SHARED / "capability_min.json").read_text())["resources"]
    codes = {"search-type": "search"}
    for name, found in capability.items():
        if not found["interactions"]:
            continue
        does = {codes.get(one, one) for one in found["interactions"]}
        assert resource_types()[name].does == does, name
        assert set(resource_types()[name].search) == set(found["search"]), name
    rules = json.loads((SHARED / "rules_min.json").read_text())
    for name, found in rules.items():
        if "patch" in found:
            wanted = [
                (one["op"], one["path"].replace("{index}", "{i}"), one["needs_id_test"])
                for one in found["patch"]
            ]
            ours = [(one.op, "/" + "/".join(one.path), one.tested) for one in
                    write_rules()[name].patch]  # fmt: skip
            assert ours == wanted, name


def test_every_exchange_has_its_behaviour_with_grade_and_source() -> None:
    rows: set[int] = set()
    for listed in behaviours().values():
        for one in listed:
            assert set(one.grade.split()) <= set(GRADES), one
            assert one.says
            assert one.source
            rows |= {int(number) for number in one.rows.split(",") if number.strip()}
    assert rows == set(range(1, 51))


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="markers"):
        replace_generated("# nothing here")
