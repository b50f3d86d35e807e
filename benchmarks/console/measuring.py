"""How long something takes, many times."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of them do not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def each(work: Callable[[T], object], values: Iterable[T]) -> list[float]:
    """Seconds of each call."""
    took = []
    for value in values:
        began = time.perf_counter()
        work(value)
        took.append(time.perf_counter() - began)
    return took


def milliseconds(took: Sequence[float]) -> tuple[str, str]:
    """p50 and p95."""
    return f"{percentile(took, 0.5) * 1e3:.1f}", f"{percentile(took, 0.95) * 1e3:.1f}"
