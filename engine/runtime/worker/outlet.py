"""Rim. One destination of one channel, as the worker sees it: what waits, what is out, what may
start.

Memory is bounded: beyond `LOADED_MAX` waiting deliveries only the ids of their runs are kept (eight
bytes each), and they are read from the store again, in order, when the rest has gone out. So a
destination that is down for days costs the worker nothing, and no other destination its turn.
"""

from array import array
from collections import deque
from dataclasses import dataclass, field

from engine.channel.model import DestinationConfig, FhirDestinationConfig
from engine.destinations.interface import Destination
from engine.destinations.opening import attempt_seconds_max, attempts_at_once
from engine.fhir.forms import UPDATE, UPDATE_CREATE
from engine.pipeline.lanes import Key
from engine.pipeline.retry import CLOSED_BREAKER, Breaker, TokenBucket
from engine.store.interface import Body

LOADED_MAX = 4_000
"""Waiting deliveries kept in memory for one destination."""
RELOAD_AT = 500
"""When fewer wait, the next ones are read from the store."""
RELOAD_COUNT = 1_000


@dataclass(slots=True, kw_only=True)
class LiveDelivery:
    """A delivery that is not final, in the worker's memory."""

    token: int
    """The worker's own number for it: it has no delivery id before the commit that makes it."""
    run_id: int
    message_id: int
    channel: str
    destination: str
    keys: tuple[Key, ...]
    message_type: str
    control_id: str
    received_at: float
    delivery_id: int = 0
    attempts: int = 0
    first_attempt_at: float = 0.0
    possibly_sent: bool = False
    in_full: bool = False
    """A person asked for it to be sent (again)."""
    guarded: bool = False
    """Of a replay, and not yet seen to be no older than what was delivered since."""
    left_behind: bool = False
    """It was tried before and others of its lane may have gone first: a newer version of the
    document it holds may be at the destination."""
    wait_until: float = 0.0
    """Unix seconds before which it is not sent; 0.0: at once."""
    body: Body | None = None
    """None: to be read from the store before it is sent."""


@dataclass(slots=True)
class Outlet:
    """A destination with its queue, its breaker and its limits."""

    channel: str
    config: DestinationConfig
    destination: Destination
    breaker: Breaker = CLOSED_BREAKER
    bucket: TokenBucket = field(init=False)
    attempt_seconds: float = field(init=False)
    attempts_max: int = field(init=False)
    """In flight at a time."""
    located: bool = field(init=False)
    """It gives resources ids of its own, in place of ours."""
    in_flight: int = 0
    loaded: int = 0
    """Deliveries in memory that are not final, in flight or waiting."""
    paused: bool = False
    last_failure: str = ""
    """Code of the last attempt, when it failed."""
    ready: deque[int] = field(default_factory=deque)
    """Tokens whose lanes let them start."""
    spilled: "array[int]" = field(default_factory=lambda: array("q"))
    """Runs whose deliveries are in the store only, in order."""

    def __post_init__(self) -> None:
        """Derive what the configuration says."""
        self._derive()

    def reconfigure(self, config: DestinationConfig, destination: Destination) -> None:
        """Go on with a changed configuration: the queue stays, the breaker starts afresh."""
        self.config = config
        self.destination = destination
        self.breaker = CLOSED_BREAKER
        self._derive()

    def clear(self) -> None:
        """Forget the queue: it is read from the store again."""
        self.in_flight = 0
        self.loaded = 0
        self.ready.clear()
        self.spilled = array("q")

    def _derive(self) -> None:
        rate = self.config.rate_per_second
        self.bucket = TokenBucket(rate, tokens=max(1.0, rate))
        self.attempt_seconds = attempt_seconds_max(self.config)
        self.attempts_max = attempts_at_once(self.config)
        self.located = not _takes_our_ids(self.config)

    @property
    def full(self) -> bool:
        """True when a further delivery must be left to the store, to keep the order."""
        return bool(self.spilled) or self.loaded >= LOADED_MAX

    @property
    def wants_reload(self) -> bool:
        """True when spilled deliveries should be read back."""
        return bool(self.spilled) and self.loaded < RELOAD_AT

    def take_spilled(self) -> list[int]:
        """The next runs to read back."""
        taken = list(self.spilled[:RELOAD_COUNT])
        del self.spilled[:RELOAD_COUNT]
        return taken

    def admits(self, now: float) -> bool:
        """True when one more attempt may start now."""
        return (
            not self.paused
            and self.in_flight < self.attempts_max
            and self.breaker.admits(now)
            and self.bucket.wait_seconds(now) == 0.0
        )

    def start(self, now: float) -> None:
        """Note that an attempt starts."""
        self.in_flight += 1
        self.breaker = self.breaker.started()
        self.bucket = self.bucket.taken(now)

    def wake_at(self, now: float) -> float | None:
        """When a waiting delivery may start; None when only an event of another kind can help."""
        if not self.ready or self.paused or self.in_flight >= self.attempts_max:
            return None
        breaker_at = self.breaker.admits_at(now)
        if breaker_at is None:
            return None
        return max(breaker_at, now + self.bucket.wait_seconds(now))


def _takes_our_ids(config: DestinationConfig) -> bool:
    if not isinstance(config, FhirDestinationConfig):
        return False
    return config.identity == UPDATE and UPDATE_CREATE in config.capabilities
