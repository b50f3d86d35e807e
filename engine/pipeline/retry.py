"""Pure. When a failed attempt is tried again, when a destination is left alone, and how fast it
is fed.

All three are values: the time and the random number come in as arguments, so every schedule can be
tested to the second. A head that waits for its next attempt blocks its own lane only; an open
breaker keeps every lane of the destination from hammering a receiver that is down.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from engine.channel.model import RetryPolicy
from engine.pipeline.states import FailureClass

EXHAUSTED_AGE = "retry-age"
EXHAUSTED_ATTEMPTS = "retry-attempts"


@dataclass(frozen=True, slots=True)
class RetryDecision:
    """Try again at a time, or give up for the reason `code`."""

    at: float | None
    """Unix seconds of the next attempt; None: no more attempts."""
    code: str = ""
    """Why there is none: the failure was permanent (empty), or a limit of the policy."""


GIVE_UP = RetryDecision(None)


def delay_seconds(policy: RetryPolicy, attempt_number: int, random_unit: float) -> float:
    """The back-off after attempt `attempt_number` (1-based), with jitter from `random_unit` in
    0..1."""
    steps = min(attempt_number - 1, 64)  # 2.0 ** 64 is past any maximum, and cannot overflow
    delay = min(policy.initial_seconds * policy.factor**steps, policy.maximum_seconds)
    return float(max(0.0, delay * (1.0 + policy.jitter * (2.0 * random_unit - 1.0))))


def next_attempt(
    policy: RetryPolicy,
    attempt_number: int,
    failure_class: FailureClass,
    retry_after: float | None,
    now: float,
    first_attempt_at: float,
    random_unit: float,
) -> RetryDecision:
    """What follows a failed attempt.

    Args:
        policy: the destination's.
        attempt_number: the one that failed, 1-based.
        failure_class: its class. An ambiguous attempt is given here only when it may be sent again.
        retry_after: seconds the destination asked for, or None.
        now: Unix seconds.
        first_attempt_at: Unix seconds of the first attempt.
        random_unit: a number in 0..1 for the jitter.
    """
    if failure_class is FailureClass.PERMANENT:
        return GIVE_UP
    if policy.attempts_max and attempt_number >= policy.attempts_max:
        return RetryDecision(None, EXHAUSTED_ATTEMPTS)
    delay = delay_seconds(policy, attempt_number, random_unit)
    if retry_after is not None:
        delay = max(delay, retry_after)
    if now + delay - first_attempt_at > policy.age_max_seconds:
        return RetryDecision(None, EXHAUSTED_AGE)
    return RetryDecision(now + delay)


class BreakerState(StrEnum):
    """Whether a destination may be tried."""

    CLOSED = "closed"
    OPEN = "open"
    PROBING = "probing"
    """One attempt is out to see whether it is back."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """A circuit breaker as a value: every event gives the next one."""

    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    """Failures in a row that say the destination is not well (transient or ambiguous)."""
    until: float = 0.0
    """OPEN: when the next probe may go out."""

    def admits(self, now: float) -> bool:
        """True when an attempt may start now; tell `started` before starting it."""
        if self.state is BreakerState.CLOSED:
            return True
        return self.state is BreakerState.OPEN and now >= self.until

    def admits_at(self, now: float) -> float | None:
        """When an attempt may start; None: not before the probe that is out has ended."""
        if self.state is BreakerState.PROBING:
            return None
        return now if self.state is BreakerState.CLOSED else max(now, self.until)

    def started(self) -> "Breaker":
        """An attempt starts: in OPEN it is the probe, and nothing else may start beside it."""
        if self.state is BreakerState.OPEN:
            return replace(self, state=BreakerState.PROBING)
        return self

    def answered(self) -> "Breaker":
        """The destination took or refused something: it is there."""
        return CLOSED_BREAKER if self.failures or self.state is not BreakerState.CLOSED else self

    def failed(self, policy: RetryPolicy, now: float) -> "Breaker":
        """A transient or ambiguous failure: open after enough of them, or when the probe failed."""
        failures = self.failures + 1
        if self.state is BreakerState.CLOSED and failures < policy.breaker_failures:
            return Breaker(BreakerState.CLOSED, failures)
        return Breaker(BreakerState.OPEN, failures, now + policy.breaker_seconds)


CLOSED_BREAKER = Breaker()


@dataclass(frozen=True, slots=True)
class TokenBucket:
    """A rate limit as a value: at most `rate_per_second` on average, bursts up to one second's
    worth."""

    rate_per_second: float
    """0: no limit."""
    tokens: float = 1.0
    at: float = 0.0

    def wait_seconds(self, now: float) -> float:
        """How long until one more may start; 0.0: now."""
        if self.rate_per_second <= 0:
            return 0.0
        return max(0.0, (1.0 - self._tokens_at(now)) / self.rate_per_second)

    def taken(self, now: float) -> "TokenBucket":
        """One more started at `now`; call it only when `wait_seconds` was 0.0."""
        if self.rate_per_second <= 0:
            return self
        return TokenBucket(self.rate_per_second, self._tokens_at(now) - 1.0, now)

    def _tokens_at(self, now: float) -> float:
        if self.at == 0.0:
            return max(1.0, self.tokens)
        burst = max(1.0, self.rate_per_second)
        # A clock that jumped back gives no tokens; one that jumped ahead gives one burst at most.
        return min(burst, self.tokens + max(0.0, now - self.at) * self.rate_per_second)
