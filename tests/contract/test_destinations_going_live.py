"""Destinations of an environment in shadow, or one that holds its first messages."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine.channel.environment import Mode
from engine.channel.model import (
    DestinationConfig,
    FhirDestinationConfig,
    FileDestinationConfig,
    GoLive,
    MllpDestinationConfig,
    RetryPolicy,
)
from engine.destinations.going_live import GoingLive
from engine.destinations.interface import Ending, Outgoing, Presence, Settlement
from engine.destinations.ledger import LedgerUnavailable
from engine.destinations.opening import open_destination
from engine.pipeline.response import SHADOWED
from engine.pipeline.states import FailureClass, State
from engine.runtime.worker.delivery import Attempt, outcome_of

OUTGOING = Outgoing(
    delivery_id=1, message_id=1, channel="adt", content_type="application/fhir+json", body=b"{}"
)
SHADOW = GoLive(mode=Mode.SHADOW)
FIRST = GoLive(release_first=2, environment="production")


class Admitting:
    """A ledger that holds what it has not seen, as the store's does."""

    def __init__(self, *, up: bool = True) -> None:
        self.up = up
        self.seen: list[tuple[str, int]] = []

    async def admit(self, destination: str, delivery_id: int, held_first: int) -> bool:
        if not self.up:
            raise LedgerUnavailable
        known = (destination, delivery_id) in self.seen
        self.seen.append((destination, delivery_id))
        return known or len(self.seen) > held_first


def file_config(folder: Path, going: GoLive) -> FileDestinationConfig:
    return FileDestinationConfig(name="out", path=str(folder), go_live=going)


def written(folder: Path) -> int:
    return len(list(folder.iterdir()))


@pytest.mark.parametrize(
    "config",
    [
        FhirDestinationConfig(name="a", url="http://127.0.0.1:9/fhir", go_live=SHADOW),
        MllpDestinationConfig(name="b", host="127.0.0.1", port=9, go_live=SHADOW),
        FileDestinationConfig(name="c", path="/nowhere", go_live=SHADOW),
    ],
)
async def test_in_shadow_nothing_is_sent_to_any_kind(config: DestinationConfig):
    destination = open_destination(config, lambda _: "", Admitting())
    result = await destination.send(OUTGOING)
    assert result.classification.accepted
    assert (result.classification, result.status) == (SHADOWED, "shadow")
    assert b"nothing was" in result.request
    outcome = outcome_of(
        Attempt(result=result, settlement=Settlement.REPEAT),
        delivery_id=1,
        number=1,
        possibly_sent=False,
        policy=RetryPolicy(),
        started_at=1.0,
        finished_at=1.0,
        first_attempt_at=1.0,
        random_unit=0.0,
    )
    assert (outcome.state, outcome.failure_class) == (State.SENT, None)
    assert (outcome.failure_code, outcome.status) == ("shadow", "shadow")
    assert destination.settlement(replace(OUTGOING, possibly_sent=True)) is Settlement.REPEAT
    assert await destination.probe(OUTGOING) is Presence.UNKNOWABLE
    await destination.close()


async def test_the_first_messages_wait_for_a_person_and_the_rest_goes_out(tmp_path: Path):
    ledger = Admitting()
    destination = open_destination(file_config(tmp_path, FIRST), lambda _: "", ledger)
    held = await destination.send(OUTGOING)
    assert (held.classification.code, held.ending) == ("release-first", Ending.HOLD)
    assert written(tmp_path) == 0
    assert ledger.seen == [("production/adt/out", 1)]
    released = await destination.send(OUTGOING)
    assert released.classification.accepted
    third = await destination.send(replace(OUTGOING, delivery_id=3, message_id=3))
    assert third.classification.accepted
    assert written(tmp_path) == 2


async def test_without_the_ledger_a_first_message_waits(tmp_path: Path):
    config = file_config(tmp_path, FIRST)
    destination = open_destination(config, lambda _: "", Admitting(up=False))
    result = await destination.send(OUTGOING)
    assert result.classification.failure_class is FailureClass.TRANSIENT
    assert written(tmp_path) == 0


def test_nothing_stands_before_a_destination_that_is_live(tmp_path: Path):
    config = file_config(tmp_path, GoLive())
    assert not isinstance(open_destination(config, lambda _: "", Admitting()), GoingLive)
