"""When a destination may be sent something, and when the worker should look again."""

from typing import cast

import pytest

from engine.channel.model import FhirDestinationConfig, RetryPolicy
from engine.destinations.interface import Destination
from engine.runtime.worker.outlet import LOADED_MAX, RELOAD_COUNT, Outlet

POLICY = RetryPolicy(breaker_failures=1, breaker_seconds=30.0)


def outlet(**changes: float) -> Outlet:
    config = FhirDestinationConfig(
        name="ehr",
        url="http://h/fhir",
        retry=POLICY,
        **changes,  # type: ignore[arg-type]
    )
    return Outlet("adt", config, cast(Destination, None))


def test_attempts_in_flight_are_limited() -> None:
    found = outlet(concurrency_max=2)
    for _ in range(2):
        assert found.admits(1.0)
        found.start(1.0)
    assert not found.admits(1.0)


def test_nothing_ready_needs_no_waking() -> None:
    assert outlet().wake_at(1.0) is None


def test_ready_delivery_is_looked_at_at_once() -> None:
    found = outlet()
    found.ready.append(1)
    assert found.wake_at(1.0) == 1.0


def test_rate_says_when_to_look_again() -> None:
    found = outlet(rate_per_second=0.5)
    found.ready.append(1)
    found.start(10.0)
    assert found.wake_at(10.0) == pytest.approx(12.0)


def test_open_breaker_says_when_to_look_again_and_a_probe_in_flight_does_not() -> None:
    found = outlet()
    found.ready.append(1)
    found.breaker = found.breaker.failed(POLICY, 100.0)
    assert found.wake_at(110.0) == 130.0
    found.start(130.0)
    assert found.wake_at(131.0) is None


def test_paused_destination_is_not_looked_at() -> None:
    found = outlet()
    found.ready.append(1)
    found.paused = True
    assert found.wake_at(1.0) is None
    assert not found.admits(1.0)


def test_queue_beyond_the_bound_is_kept_as_run_ids_in_order() -> None:
    found = outlet()
    found.loaded = LOADED_MAX
    assert found.full
    found.spilled.extend(range(RELOAD_COUNT + 10))
    found.loaded = 0
    assert found.full, "what spilled first goes first"
    assert found.wants_reload
    assert found.take_spilled() == list(range(RELOAD_COUNT))
    assert list(found.spilled) == list(range(RELOAD_COUNT, RELOAD_COUNT + 10))
