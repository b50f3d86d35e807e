"""ConceptMaps into a project and out of it."""

import json
from pathlib import Path

import pytest

from engine.codevalues.project import CodeValueFiles
from engine.fhir.checker import check
from engine.runtime.code_values import read_code_values
from engine.runtime.codetables.concept_maps import exported, import_aliases, import_standard
from engine.runtime.codetables.lines import Refused
from engine.runtime.configuration import read_project

ROOT = Path(__file__).parents[4] / "examples" / "millennium"


def values_of(home: Path) -> CodeValueFiles:
    found, problems = read_code_values(read_project(home).code_values)
    assert problems == []
    return found


def test_every_sample_table_is_a_valid_concept_map_and_comes_back_whole(tmp_path: Path) -> None:
    values = values_of(ROOT)
    for source, code_set in values.aliases:
        resource = exported(values, f"{source}/{code_set}")
        assert list(check(resource)) == []
        empty = CodeValueFiles(registry=values.registry)
        file, count, lost = import_aliases(
            tmp_path, empty, (source, code_set), json.dumps(resource), "m.json"
        )
        assert (count, lost) == (len(values.aliases[(source, code_set)].rows), [])
        assert (tmp_path / file).is_file()
    again = values_of(tmp_path)
    for key, table in values.aliases.items():
        assert {row.key: row.target for row in again.aliases[key].rows} == {
            row.key: row.target for row in table.rows
        }


def test_what_contradicts_a_table_is_refused_whole(tmp_path: Path) -> None:
    values = values_of(ROOT)
    resource = exported(values, "LAB_A/72")
    group = next(one for one in resource["group"] if "source" not in one)
    group["element"][0]["target"][0]["code"] = "cki:CKI.EC!80034"
    with pytest.raises(Refused, match="keep one of the two"):
        import_aliases(tmp_path, values, ("LAB_A", 72), json.dumps(resource), "m.json")
    assert not (tmp_path / "codevalues").exists()
    unchanged = exported(values, "LAB_A/72")
    text = json.dumps(unchanged)
    assert import_aliases(tmp_path, values, ("LAB_A", 72), text, "m.json")[1:] == (0, [])


def test_a_standard_map_is_kept_as_it_is_unless_its_name_is_taken(tmp_path: Path) -> None:
    resource = exported(values_of(ROOT), "laboratory")
    assert list(check(resource)) == []
    file, count = import_standard(tmp_path, "lab", json.dumps(resource), "m.json")
    assert (file, count) == (
        "codevalues/standard/lab.json",
        sum(len(group["element"]) for group in resource["group"]),
    )
    assert exported(values_of(tmp_path), "lab") == {**resource, "name": "lab"}
    for name, text in (("../x", json.dumps(resource)), ("x", "{}")):
        with pytest.raises(Refused):
            import_standard(tmp_path, name, text, "m.json")
    (tmp_path / "codevalues/standard/other.csv").write_text("")
    with pytest.raises(Refused, match="choose another name"):
        import_standard(tmp_path, "other", json.dumps(resource), "m.json")
