from collections.abc import Callable
from typing import Any

import pytest

from engine.hl7v2.groups import group
from engine.hl7v2.parser import parse
from engine.mapping.compiler.compiler import Program, compile_library
from engine.mapping.library import read_library
from engine.mapping.run import MapContext, MapResult
from engine.mapping.trace import Trace

HEADER = "MSH|^~\\&|PAS|NORTH|REC|SITE|20260102030405+0000||ADT^A01^ADT_A01|C1|P|2.5.1"


def parsed(text: str) -> Any:
    """The message of these lines with its groups; MSH is added when missing."""
    lines = [line for line in text.strip().split("\n") if line]
    if not lines[0].startswith("MSH"):
        lines.insert(0, HEADER)
    found = parse("".join(f"{line}\r" for line in lines).encode())
    assert found.message is not None, found.diagnostics
    return group(found.message)


class Maps:
    """A small library of maps, compiled, and messages through it."""

    def __init__(self, *maps: str, tables: dict[str, str] | None = None) -> None:
        files = {f"m{number}.yaml": text for number, text in enumerate(maps)}
        files |= {f"tables/{name}.csv": text for name, text in (tables or {}).items()}
        self.library, self.problems = read_library(files)
        assert self.problems == []
        self.program: Program = compile_library(self.library)

    def convert(
        self, text: str, *, trace: Trace | None = None, map_name: str = "auto", **context: Any
    ) -> MapResult:
        facts = MapContext(**{"source_system": "urn:test", **context})
        return self.program.convert(parsed(text), facts, map_name, trace)

    def resources(self, text: str, **context: Any) -> list[dict[str, Any]]:
        return [entry.resource for entry in self.convert(text, **context).entries]

    def first(self, text: str, **context: Any) -> dict[str, Any]:
        return self.resources(text, **context)[0]


@pytest.fixture
def maps() -> type[Maps]:
    return Maps


@pytest.fixture
def patient() -> Callable[..., dict[str, Any]]:
    """The Patient that rules of a PID map make of a PID segment."""

    def make(rules: str, segment: str, *more: str, **options: Any) -> dict[str, Any]:
        tables = options.pop("tables", None)
        result = Maps(pid_map(rules), MESSAGE, *more, tables=tables).convert(segment, **options)
        return result.entries[0].resource if result.entries else {}

    return make


MESSAGE = """
map: ADT_A01
from: ADT_A01
to: Bundle
rules:
  - PID -> PID[Patient] as patient
"""


def pid_map(rules: str) -> str:
    """A map of PID with these rules."""
    indented = "\n".join(f"  {line}" for line in rules.strip("\n").split("\n"))
    return f"map: PID[Patient]\nfrom: PID\nto: Patient\nrules:\n{indented}\n"
