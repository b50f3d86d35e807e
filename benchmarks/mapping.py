"""CPU per message of mapping, against the same by hand: `python benchmarks/mapping.py`.

A synthetic ADT A01 of 2 KB and an ORU R01 with 30 results, through maps of the language and
through plain Python that makes the same resources (which is asserted). Medians of CPU time, both
interleaved in one run, so the ratios hold on other machines. Also the maps of the library on the
same messages, which make more, and what tracing costs when it is asked for.
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from mapping_by_hand import convert as convert_by_hand
from mapping_library import library_files
from parse import ADT, ORU

from engine.fhir.bundle import Entry, encode_bundle
from engine.fhir.compiled import is_valid
from engine.hl7v2.groups import Grouped, group
from engine.hl7v2.parser import parse
from engine.mapping.compiler.compiler import Program, compile_library
from engine.mapping.library import read_library
from engine.mapping.run import MapContext
from engine.mapping.trace import Trace

CONTEXT = MapContext(source_system="urn:test")
CAPABILITIES = frozenset({"transaction", "update-create"})
ROUNDS = 31
REPEATS = 20


def main() -> None:
    program = compile_files(library_files())
    transforms = Path(__file__).resolve().parent.parent / "transforms"
    library = compile_files(
        {
            path.relative_to(transforms).as_posix(): path.read_text(encoding="utf-8")
            for path in sorted((transforms / "hl7v2").rglob("*"))
            if path.suffix in (".yaml", ".csv")
        }
    )
    for name, text in (("ADT A01", ADT), ("ORU R01, 30 OBX", ORU)):
        report(name, text.encode(), program, library)


def compile_files(files: dict[str, str]) -> Program:
    found, problems = read_library(files)
    assert not problems, problems
    return compile_library(found)


def grouped(raw: bytes) -> Grouped:
    message = parse(raw).message
    assert message is not None
    return group(message)


def report(name: str, raw: bytes, program: Program, library: Program) -> None:
    message = grouped(raw)
    ours = program.convert(message, CONTEXT).entries
    theirs = convert_by_hand(message)
    assert [one.resource["resourceType"] for one in ours] == [
        one.resource["resourceType"] for one in theirs
    ]
    known = renamed(ours, theirs)
    assert [known(one.resource) for one in ours] == [one.resource for one in theirs]
    whole = library.convert(message, CONTEXT).entries
    print(f"{name}: {len(raw)} bytes, {len(ours)} resources ({len(whole)} by the library's maps)")
    times = measure(
        {
            "by hand, map": lambda: convert_by_hand(message),
            "language, map": lambda: program.convert(message, CONTEXT),
            "by hand, bytes to JSON": lambda: finish(convert_by_hand(grouped(raw))),
            "language, bytes to JSON": lambda: finish(
                program.convert(grouped(raw), CONTEXT).entries
            ),
            "language, map, traced": lambda: program.convert(message, CONTEXT, trace=Trace()),
            "library, map": lambda: library.convert(message, CONTEXT),
            "library, bytes to JSON": lambda: finish(
                library.convert(grouped(raw), CONTEXT).entries
            ),
        }
    )
    show(times, "by hand, map", ("by hand, map", "language, map", "language, map, traced"))
    show(
        times,
        "by hand, bytes to JSON",
        ("by hand, bytes to JSON", "language, bytes to JSON"),
    )
    show(times, "library, map", ("library, map", "library, bytes to JSON"))


def finish(entries: list[Entry]) -> bytes:
    """Check and encode, as a worker does."""
    for entry in entries:
        is_valid(entry.resource)
    return encode_bundle(
        entries, interaction="transaction", identity="update", capabilities=CAPABILITIES
    ).body


def renamed(ours: list[Entry], theirs: list[Entry]) -> Callable[[Any], Any]:
    """Content keys are written differently by hand, so ids of keyless resources may differ."""
    names = {
        f"{one.resource['resourceType']}/{one.resource_id}": (
            f"{two.resource['resourceType']}/{two.resource_id}"
        )
        for one, two in zip(ours, theirs, strict=True)
    }

    def rename(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: rename(item) for key, item in value.items()}
        if isinstance(value, list):
            return [rename(item) for item in value]
        return names.get(value, value) if isinstance(value, str) else value

    return rename


def measure(works: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Microseconds of CPU for one call of each, interleaved."""
    samples: dict[str, list[float]] = {name: [] for name in works}
    for work in works.values():
        work()
    for _ in range(ROUNDS):
        for name, work in works.items():
            start = time.process_time_ns()
            for _ in range(REPEATS):
                work()
            samples[name].append((time.process_time_ns() - start) / REPEATS / 1000)
    return {name: statistics.median(found) for name, found in samples.items()}


def show(times: dict[str, float], reference: str, names: tuple[str, ...]) -> None:
    for name in names:
        ratio = times[name] / times[reference]
        print(f"  {name:<28}{times[name]:>9.1f} us{ratio:>8.2f} times {reference}")


if __name__ == "__main__":
    main()
