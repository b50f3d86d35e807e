"""Back-off, breaker and rate limit, to the second."""

import pytest

from engine.channel.model import RetryPolicy
from engine.pipeline.retry import (
    CLOSED_BREAKER,
    EXHAUSTED_AGE,
    EXHAUSTED_ATTEMPTS,
    Breaker,
    BreakerState,
    TokenBucket,
    delay_seconds,
    next_attempt,
)
from engine.pipeline.states import FailureClass

POLICY = RetryPolicy(initial_seconds=1.0, factor=2.0, maximum_seconds=60.0, jitter=0.2)
MIDDLE = 0.5
"""The random number that gives no jitter."""


@pytest.mark.parametrize(("attempt", "delay"), [(1, 1.0), (2, 2.0), (3, 4.0), (7, 60.0)])
def test_delay_doubles_up_to_the_maximum(attempt: int, delay: float) -> None:
    assert delay_seconds(POLICY, attempt, MIDDLE) == delay


def test_jitter_spreads_the_delay_by_its_share() -> None:
    assert delay_seconds(POLICY, 1, 0.0) == pytest.approx(0.8)
    assert delay_seconds(POLICY, 1, 1.0) == pytest.approx(1.2)


def test_delay_of_a_very_late_attempt_does_not_overflow() -> None:
    assert delay_seconds(POLICY, 1_000_000, MIDDLE) == 60.0


def decide(
    attempt: int = 1,
    failure_class: FailureClass = FailureClass.TRANSIENT,
    retry_after: float | None = None,
    now: float = 1000.0,
    policy: RetryPolicy = POLICY,
) -> tuple[float | None, str]:
    found = next_attempt(policy, attempt, failure_class, retry_after, now, 1000.0, MIDDLE)
    return found.at, found.code


def test_transient_failure_is_tried_again_after_the_delay() -> None:
    assert decide(attempt=2) == (1002.0, "")


def test_permanent_failure_is_never_tried_again() -> None:
    assert decide(failure_class=FailureClass.PERMANENT) == (None, "")


def test_ambiguous_failure_is_tried_again() -> None:
    assert decide(failure_class=FailureClass.AMBIGUOUS) == (1001.0, "")


def test_retry_after_stretches_the_delay_and_never_shortens_it() -> None:
    assert decide(retry_after=30.0) == (1030.0, "")
    assert decide(attempt=3, retry_after=1.0) == (1004.0, "")


def test_attempts_end_at_their_limit() -> None:
    policy = RetryPolicy(attempts_max=3)
    assert decide(attempt=2, policy=policy)[0] is not None
    assert decide(attempt=3, policy=policy) == (None, EXHAUSTED_ATTEMPTS)


def test_attempts_end_when_the_next_one_would_pass_the_maximum_age() -> None:
    policy = RetryPolicy(age_max_seconds=100.0, jitter=0.0)
    assert decide(now=1099.0, policy=policy) == (1100.0, "")
    assert decide(now=1099.5, policy=policy) == (None, EXHAUSTED_AGE)


BREAKER_POLICY = RetryPolicy(breaker_failures=3, breaker_seconds=30.0)


def opened(at: float = 100.0) -> Breaker:
    breaker = CLOSED_BREAKER
    for _ in range(3):
        breaker = breaker.failed(BREAKER_POLICY, at)
    return breaker


def test_breaker_opens_after_failures_in_a_row() -> None:
    two = CLOSED_BREAKER.failed(BREAKER_POLICY, 100.0).failed(BREAKER_POLICY, 100.0)
    assert two.admits(100.0)
    assert not opened().admits(100.0)
    assert opened().state is BreakerState.OPEN


def test_an_answer_between_failures_starts_the_count_again() -> None:
    breaker = CLOSED_BREAKER.failed(BREAKER_POLICY, 1.0).failed(BREAKER_POLICY, 1.0).answered()
    assert breaker.failed(BREAKER_POLICY, 1.0).admits(1.0)


def test_open_breaker_admits_one_probe_after_its_time() -> None:
    breaker = opened(100.0)
    assert not breaker.admits(129.9)
    assert breaker.admits(130.0)
    probing = breaker.started()
    assert probing.state is BreakerState.PROBING
    assert not probing.admits(1000.0)
    assert (breaker.admits_at(120.0), breaker.admits_at(140.0)) == (130.0, 140.0)
    assert probing.admits_at(140.0) is None


def test_probe_that_is_answered_closes_the_breaker() -> None:
    assert opened().started().answered() == CLOSED_BREAKER


def test_probe_that_fails_opens_the_breaker_again() -> None:
    breaker = opened(100.0).started().failed(BREAKER_POLICY, 131.0)
    assert not breaker.admits(160.9)
    assert breaker.admits(161.0)


def test_no_rate_means_no_wait() -> None:
    bucket = TokenBucket(0.0)
    for _ in range(100):
        assert bucket.wait_seconds(5.0) == 0.0
        bucket = bucket.taken(5.0)


def test_rate_lets_one_second_of_burst_and_then_its_rate_through() -> None:
    bucket, started = TokenBucket(4.0, tokens=4.0), 0
    while bucket.wait_seconds(10.0) == 0.0:
        bucket = bucket.taken(10.0)
        started += 1
    assert started == 4
    assert bucket.wait_seconds(10.0) == pytest.approx(0.25)
    assert bucket.wait_seconds(10.25) == 0.0


def test_rate_below_one_a_second_still_lets_one_through() -> None:
    bucket = TokenBucket(0.5)
    assert bucket.wait_seconds(10.0) == 0.0
    assert bucket.taken(10.0).wait_seconds(10.0) == pytest.approx(2.0)


def test_clock_that_jumps_back_gives_no_tokens() -> None:
    bucket = TokenBucket(1.0).taken(1000.0)
    assert bucket.wait_seconds(500.0) == pytest.approx(1.0)
