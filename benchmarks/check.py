"""CPU per message of checking and encoding FHIR resources: `python benchmarks/check.py`.

Nine resources of an ADT A01, thirty-three of an ORU R01 with thirty results, all valid. Medians of
CPU time; the ratios to fhir.resources are taken in the same run, so they hold on other machines.
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from fhir.resources.R4B import get_fhir_model_class
from fhir_samples import adt_entries, oru_entries

from engine.fhir.bundle import Entry, encode_bundle
from engine.fhir.checker import check
from engine.fhir.compiled import is_surely_valid, is_valid

CAPABILITIES = frozenset({"transaction", "update-create"})
ROUNDS = 25


def main() -> None:
    report("ADT", adt_entries())
    report("ORU", oru_entries())


def report(name: str, entries: list[Entry]) -> None:
    resources = [entry.resource for entry in entries]
    assert all(is_surely_valid(resource) for resource in resources)
    models = median(lambda: validate_models(resources), 3)
    print(f"{name}, {len(resources)} resources")
    show("fhir.resources R4B model_validate", models, models)
    show("checker.check", median(lambda: list(map(check, resources)), 20), models)
    show("compiled.is_valid", median(lambda: list(map(is_valid, resources)), 100), models)
    show("bundle.encode_bundle", median(lambda: encode(entries), 100), models)


def validate_models(resources: list[dict[str, Any]]) -> None:
    for resource in resources:
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)


def encode(entries: list[Entry]) -> None:
    encode_bundle(entries, interaction="transaction", identity="update", capabilities=CAPABILITIES)


def median(work: Callable[[], object], repeats: int) -> float:
    """Microseconds of CPU for one call of `work`."""
    work()
    samples = []
    for _ in range(ROUNDS):
        start = time.process_time_ns()
        for _ in range(repeats):
            work()
        samples.append((time.process_time_ns() - start) / repeats / 1000)
    return statistics.median(samples)


def show(name: str, microseconds: float, against: float) -> None:
    print(f"  {name:36} {microseconds:9.1f} us  {against / microseconds:7.1f} x")


if __name__ == "__main__":
    main()
