"""The mapping library as a whole: checked, tested beside each map, and complete."""

import re
from pathlib import Path

import pytest
from shipped import library_files, shipped_library, shipped_program

from engine.channel.testcase import TestResult, run_tests
from engine.hl7v2 import definitions, groups, parser
from engine.mapping.accounting import unmapped_leaves
from engine.mapping.checker.checker import check_library
from engine.mapping.compiler.compiler import Program
from engine.mapping.library import Library
from engine.mapping.run import MapContext
from engine.mapping.trace import Trace

ROOT = Path(__file__).parents[2]
SAMPLES = sorted((ROOT / "samples" / "hl7v2").rglob("*.hl7"))
SEGMENTS = (
    "MSH", "EVN", "PID", "PD1", "NK1", "PV1", "PV2", "AL1", "DG1", "PR1", "GT1", "IN1", "MRG",
    "ORC", "OBR", "OBX", "NTE", "SPM", "SFT", "ROL", "PRT", "IAM", "IAR", "IN2", "IN3", "ACC",
    "PDA", "DB1", "DRG", "ARV", "SCH", "RGS", "AIS", "AIG", "AIL", "AIP", "TXA", "FT1", "PRB",
    "GOL", "VAR", "RF1", "PRD", "CTD", "AUT", "ERR", "MSA", "QAK",
)  # fmt: skip
VERSIONS = ("2.1", "2.2", "2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.8", "2.8.2")
NOT_YET = frozenset({"ZBE", "ZPV"})
"""Site segments in the samples."""


@pytest.fixture(scope="module")
def library() -> Library:
    return shipped_library()


@pytest.fixture(scope="module")
def program() -> Program:
    return shipped_program()


def test_checker_has_nothing_to_say(library: Library) -> None:
    assert check_library(library) == []


def test_every_map_has_a_test_and_all_of_them_pass(library: Library, program: Program) -> None:
    results = run_tests(program, library)
    assert {one.owner for one in results} == set(library.maps)
    assert [failure_text(one) for one in results if not one.passed] == []


def failure_text(result: TestResult) -> str:
    return f"{result.file}:{result.line} {result.name}: {'; '.join(result.failures)}"


@pytest.mark.parametrize("segment", SEGMENTS)
def test_every_field_is_mapped_or_ignored_with_a_reason(segment: str) -> None:
    maps = "\n".join(
        text.split("\ntests:")[0]
        for name, text in library_files().items()
        if name.endswith(".yaml")
    )
    names = {"ORC": "orc", "OBR": "obr", "MRG": "merge", "NK1": "kin"}
    pattern = rf"(?<![\w-])(?:{segment}|{names.get(segment, segment)})-(\d+)"
    known = {int(number) for number in re.findall(pattern, maps)}
    for version in VERSIONS:
        definition = definitions.segment(version, segment)
        if definition is not None:
            missing = sorted(set(definition.fields) - known)
            assert missing == [], f"{segment} of {version}"


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_leaf_of_a_sample_is_lost_in_silence(sample: Path, program: Program) -> None:
    message = parser.parse(sample.read_bytes()).message
    assert message is not None
    trace = Trace()
    program.convert(groups.group(message), MapContext(time_zone="Europe/London"), trace=trace)
    lost = [path for path, _ in unmapped_leaves(message, trace, program) if path[:3] not in NOT_YET]
    assert lost == []
