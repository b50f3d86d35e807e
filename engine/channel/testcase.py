"""Pure. The tests written beside maps and channels; `engine test` shows their results.

How a message is processed, and how a map is run alone, comes in as a function: the tests run the
very same code as the engine.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.channel.map_runner import DocumentMapRunner, MapRunner
from engine.channel.model import ChannelConfig, ChannelTest
from engine.fhir.definitions import resource_types
from engine.mapping.compiler.compiler import Program
from engine.mapping.compiler.documents import DocumentProgram
from engine.mapping.library import Library
from engine.mapping.run import MapContext
from engine.mapping.syntax import MapFile

ABSENT = "absent"
"""The expected text of an element that must not be there."""

_STEP = re.compile(r"([^.\[\]]+)((?:\[\d+\])*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """One test that was run."""

    __test__ = False
    """Not a test class of pytest."""

    owner: str
    """The channel or map."""
    name: str
    file: str
    line: int
    failures: tuple[str, ...] = ()
    """What was expected and what was found; empty: passed."""

    @property
    def passed(self) -> bool:
        """True when everything expected was found."""
        return not self.failures


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a test's message."""

    state: str
    """TRANSFORMED, FILTERED, ERROR, HELD."""
    codes: tuple[str, ...] = ()
    """The codes of its diagnostics."""
    resources: tuple[Mapping[str, Any], ...] = ()
    """The resources made, in bundle order."""


def run_tests(
    program: Program, library: Library, context: MapContext | None = None
) -> list[TestResult]:
    """Run the `tests:` of every map by the compiled program.

    Args:
        program: made from `library`.
        library: the maps.
        context: what a channel would say; nothing by default.
    """
    runner = MapRunner(program=program, context=context or MapContext())
    return run_map_tests(library, runner)


def run_document_tests(
    program: DocumentProgram, context: MapContext | None = None
) -> list[TestResult]:
    """Run the `tests:` of every map of documents; see `run_tests`."""
    return run_map_tests(
        program.library, DocumentMapRunner(program=program, context=context or MapContext())
    )


RunMap = Callable[[MapFile, str], object]
"""Runs one map on the text of a test; gives the resource, the resources, or the value made."""


def run_map_tests(library: Library, run: RunMap) -> list[TestResult]:
    """Run the `tests:` of every map.

    Args:
        library: the maps.
        run: makes the output of one map from a segment's, a value's or a message's text.
    """
    found: list[TestResult] = []
    for map_file in library.maps.values():
        for test in map_file.tests:
            made = run(map_file, test.message)
            resources = made if isinstance(made, list) else [made]
            failures: list[str] = []
            for path, expected in test.expect:
                value = _expected_of(map_file, resources, path)
                failures.extend(_compare(path, (expected,), value))
            found.append(
                TestResult(
                    owner=map_file.name,
                    name=test.name,
                    file=test.place.file or map_file.file,
                    line=test.place.line or 0,
                    failures=tuple(failures),
                )
            )
    return found


def run_channel_tests(
    config: ChannelConfig,
    process: Callable[[bytes], Outcome],
    read_file: Callable[[str], bytes | None],
) -> list[TestResult]:
    """Run the `tests:` of one channel.

    Args:
        config: the channel.
        process: the pure step of the pipeline, as an `Outcome`.
        read_file: the bytes of a test's file, or None when it is not there.
    """
    found: list[TestResult] = []
    for test in config.tests:
        raw = _message(test, read_file)
        if raw is None:
            failures: tuple[str, ...] = (f"there is no file {test.file}",)
        else:
            failures = tuple(check_outcome(test, process(raw)))
        found.append(
            TestResult(
                owner=config.name,
                name=test.name,
                file=config.file,
                line=test.line,
                failures=failures,
            )
        )
    return found


def check_outcome(test: ChannelTest, outcome: Outcome) -> Iterable[str]:
    """Everything in which an outcome differs from what a channel test expects."""
    for key, expected in test.expect:
        if key == "state":
            yield from _compare(key, expected, outcome.state)
        elif key == "diagnostics":
            missing = [code for code in expected if code not in outcome.codes]
            if missing:
                known = ", ".join(outcome.codes) or "none"
                yield f"diagnostics: expected {', '.join(missing)}, found {known}"
        elif key in resource_types():
            count = sum(1 for one in outcome.resources if one.get("resourceType") == key)
            yield from _compare(key, expected, count)
        else:
            yield from _compare(key, expected, find_in_resources(outcome.resources, key))


def find_in_resources(resources: Iterable[object], path: str) -> object:
    """The value at `Patient.name[0].family` or `Observation[2].status`; None when it is not there.

    Without a number the first resource of the type is meant; numbers begin at 0, as in FHIRPath.
    """
    head, _, rest = path.partition(".")
    match = _STEP.fullmatch(head)
    if match is None:
        return None
    name, index = match.group(1), match.group(2)
    number = int(index.strip("[]")) if index else 0
    typed = [
        one for one in resources if isinstance(one, Mapping) and one.get("resourceType") == name
    ]
    return find_element(typed[number], rest) if number < len(typed) else None


def find_element(value: object, path: str) -> object:
    """The value below an object at `name[0].family`; a list without a number is the whole list."""
    for step in path.split(".") if path else ():
        match = _STEP.fullmatch(step)
        if match is None or not isinstance(value, Mapping):
            return None
        value = value.get(match.group(1))
        for index in re.findall(r"\d+", match.group(2)):
            if not isinstance(value, list) or int(index) >= len(value):
                return None
            value = value[int(index)]
    return value


def _expected_of(map_file: MapFile, resources: list[object], path: str) -> object:
    """Map tests name elements from the resource made; those of message maps from the bundle's."""
    if map_file.steps or (map_file.of_document and _names_resource(path)):
        if path in resource_types():
            return sum(
                1
                for one in resources
                if isinstance(one, Mapping) and one.get("resourceType") == path
            )
        return find_in_resources(resources, path)
    first = resources[0] if resources else None
    if path == "$this":
        return first
    return find_element(first, path)


def _names_resource(path: str) -> bool:
    """True for `Condition` and `Condition[1].code`, not for an element of the map's own result."""
    match = _STEP.fullmatch(path.partition(".")[0])
    return match is not None and match.group(1) in resource_types()


def _message(test: ChannelTest, read_file: Callable[[str], bytes | None]) -> bytes | None:
    if test.message is not None:
        lines = [line.strip() for line in test.message.splitlines() if line.strip()]
        return "".join(f"{line}\r" for line in lines).encode()
    return read_file(test.file) if test.file else None


def _compare(path: str, expected: tuple[str, ...], found: object) -> list[str]:
    texts = _texts(found)
    if expected == (ABSENT,):
        return (
            []
            if not texts or (texts == ["0"] and "." not in path)
            else [f"{path}: expected nothing, found {', '.join(texts)}"]
        )
    if tuple(texts) == expected:
        return []
    shown = ", ".join(texts) or "nothing"
    return [f"{path}: expected {', '.join(expected)}, found {shown}"]


def _texts(value: object) -> list[str]:
    """A value as test files write it: true and false in small letters, numbers as in JSON."""
    if value is None or value == "":
        return []
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if isinstance(value, Mapping):
        return ["(object)"]
    return [str(value)]
