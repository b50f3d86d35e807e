"""Whatever stands in a channel file or a map: problems are reported, nothing is raised, and what
lint accepts the engine can use.
"""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.channel.filter import compile_filter
from engine.channel.lint import check_configuration
from engine.diagnostics import has_errors, render
from engine.mapping.checker.checker import check_library
from engine.mapping.library import read_library
from engine.pipeline.lane_keys import plan_lanes
from engine.pipeline.search_keys import channel_readers
from engine.runtime.routing import Router

ROOT = Path(__file__).parents[2]
CHANNEL = (ROOT / "channels" / "adt.yaml").read_text(encoding="utf-8")
CHANNEL += "lane:\n  - PID-3[type=MR].1\n  - PV1-19.1\n"
MAP = (ROOT / "transforms" / "hl7v2" / "segments" / "PID_Patient.yaml").read_text(encoding="utf-8")
WORDS = st.sampled_from(
    (
        *("", "x", "[]", "{}", "- a", "{a: b}", "${env:A}", "${secret:env:A}", "0", "-1", "1e9"),
        *("PID-3[", "PID-99.9", "ZZZ-1", "reference", "-> date", "[x]", "$this", '"', "when", "|"),
    )
)


@st.composite
def broken(draw: st.DrawFn, text: str) -> str:
    """The text with one to three lines lost, doubled, moved in or out, or with a word replaced."""
    lines = text.splitlines()
    for _ in range(draw(st.integers(1, 3))):
        number = draw(st.integers(0, len(lines) - 1))
        line = lines[number]
        change = draw(st.integers(0, 4))
        if change == 0:
            lines[number] = ""
        elif change == 1:
            lines.insert(number, line)
        elif change == 2:
            lines[number] = "  " + line
        elif change == 3:
            lines[number] = line.removeprefix("  ")
        else:
            cut = draw(st.integers(0, len(line)))
            lines[number] = line[:cut] + draw(WORDS)
    return "\n".join(lines) + "\n"


@settings(max_examples=150, deadline=None)
@given(text=st.one_of(broken(CHANNEL), st.text(max_size=80)))
def test_any_channel_file_gives_a_configuration_or_errors(text: str):
    configuration, problems = check_configuration({"a.yaml": text}, {})
    assert (configuration is None) == has_errors(problems)
    for problem in problems:
        assert render(problem, text.splitlines())
    for channel in configuration.channels if configuration else ():
        plan_lanes(channel.lane)
        Router([(channel.route, channel)])
        assert len(channel_readers(channel.search_keys)) == len(channel.search_keys)


@settings(max_examples=150, deadline=None)
@given(text=broken(MAP))
def test_any_map_is_checked_to_the_end(text: str):
    library, problems = read_library({"PID.yaml": text})
    for problem in [*problems, *check_library(library)]:
        assert render(problem, text.splitlines())


@settings(max_examples=150, deadline=None)
@given(text=broken('PID-3[type=MR].1 valued and not (PV1-2 in ("I", "E") or OBX-5 > 3)'))
def test_any_filter_compiles_or_says_why_not(text: str):
    found = compile_filter(text)
    assert all(problem.message for problem in found.problems)
