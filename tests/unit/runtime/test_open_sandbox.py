"""The open sandbox takes no writes: a channel that would write there is refused, unless nothing is
sent."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine.runtime.configuration import check_project, read_project

EXAMPLE = Path(__file__).parents[3] / "examples" / "millennium"
ENVIRONMENT = """\
environment: open
class: open
mode: {mode}
tenants:
  main:
    class: open
    tenant: sandbox
    fhir: https://fhir-open.cerner.com/r4/{{tenant}}
    enrolling_organization: "675844"
    snapshot: codevalues/snapshots/demo.csv
"""


@pytest.mark.parametrize(("mode", "refused"), [("live", True), ("shadow", False)])
def test_what_would_write_to_the_open_sandbox_is_refused(mode: str, refused: bool) -> None:
    files = read_project(EXAMPLE)
    own = {"environments/open.yaml": ENVIRONMENT.format(mode=mode)}
    files = replace(files, environments=own, environment="open")
    loaded, problems = check_project(files, {})
    found = [one for one in problems if one.code == "O818"]
    assert (loaded is None, bool(found)) == (refused, refused)
    assert all("nothing can be written" in one.message for one in found)
