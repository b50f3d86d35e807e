"""Scopes that a tenant lists are compared with what the calls of its channels need."""

import re
from dataclasses import replace
from pathlib import Path

from engine.diagnostics import Diagnostic
from engine.runtime.configuration import check_project, read_project

EXAMPLE = Path(__file__).parents[3] / "examples" / "millennium"
FILE = "environments/demo.yaml"


def said(scopes: str) -> list[Diagnostic]:
    files = read_project(EXAMPLE, "demo")
    own = files.environments[FILE].replace(
        "client_id: engine\n", f"client_id: engine\n      scopes: {scopes}\n"
    )
    _, problems = check_project(replace(files, environments={**files.environments, FILE: own}), {})
    return [one for one in problems if one.code == "C488"]


def test_what_the_calls_need_and_the_list_lacks_is_said() -> None:
    (found,) = said("[system/Patient.crus, system/Observation.rs]")
    assert found.place.file == FILE
    missing = re.findall(r"system/\w+\.\w+", found.message)
    assert "system/Observation.cu" in missing
    assert not [one for one in missing if one.startswith("system/Patient.")]
    assert said(f"[system/Patient.crus, system/Observation.rs, {', '.join(missing)}]") == []


def test_scopes_of_the_other_syntax_are_compared_by_what_they_permit() -> None:
    (found,) = said("[system/Patient.read, system/Patient.write]")
    assert "system/Observation.read, system/Observation.write" in found.message
    assert "system/Patient." not in found.message


def test_a_list_that_is_left_to_the_engine_lacks_nothing() -> None:
    assert said("auto") == []
