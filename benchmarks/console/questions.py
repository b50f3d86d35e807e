"""What people look for: questions with values drawn by chance, as people type them."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.console import filling, hospital
from benchmarks.console.hospital import FINE, ORDERS, Known


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """The messages that are stored."""

    count: int
    end: float
    """When the last one came, Unix seconds."""
    channels: int

    def draw(self, dice: random.Random, ordered: bool = False) -> Known:
        """One that was delivered; `ordered`: one with an order."""
        while True:
            one = hospital.known(dice.randint(1, self.count))
            if one.fate == FINE and (one.type in ORDERS or not ordered):
                return one

    def raw(self, one: Known) -> str:
        """The message as it was stored."""
        return hospital.raw_of(one, filling.received_at(one.number, self.count, self.end)).decode()

    def channel(self, dice: random.Random) -> str:
        """The name of one of the channels."""
        return f"feed_{dice.randrange(self.channels):03d}"


Question = Callable[[Feed, random.Random], str]


def _number(dice: random.Random) -> str:
    """A number that is nobody's."""
    return f"9{dice.randrange(10**9):09d}"


QUESTIONS: Mapping[str, Question] = {
    "control id": lambda feed, dice: feed.draw(dice).control_id,
    "MRN": lambda feed, dice: feed.draw(dice).mrn,
    "visit": lambda feed, dice: feed.draw(dice).visit,
    "order number": lambda feed, dice: feed.draw(dice, ordered=True).order,
    "FHIR id": lambda feed, dice: dice.choice(feed.draw(dice).resource_ids),
    "FHIR id of a patient": lambda feed, dice: f"Patient/{feed.draw(dice).patient_id}",
    "request id": lambda feed, dice: feed.draw(dice).request_id,
    "a whole message": lambda feed, dice: feed.raw(feed.draw(dice)),
    "a word nobody has": lambda _, dice: f"{dice.choice('GHJK')}{_number(dice)}",
    "a number nobody has": lambda _, dice: _number(dice),
    "`status:ERROR`": lambda _, __: "status:ERROR",
    "`status:ERROR` in a channel": lambda feed, dice: f"status:ERROR channel:{feed.channel(dice)}",
    "`code:http-422 since:`": lambda _, dice: f"code:http-422 since:{dice.randint(2, 200)}h",
    "`type: since:2h`": lambda _, dice: f"type:{dice.choice(hospital.TYPES)} since:2h",
    "`type: since: until:`": lambda _, dice: (
        f"type:{dice.choice(hospital.TYPES)} since:{dice.randint(4, 9)}d until:3d"
    ),
    "`channel: type:`": lambda feed, dice: (
        f"channel:{feed.channel(dice)} type:{dice.choice(hospital.TYPES)}"
    ),
    "`mrn: type:`": lambda feed, dice: (
        f"mrn:{feed.draw(dice).mrn} type:{dice.choice(hospital.TYPES)}"
    ),
    "`mrn: status:ERROR`": lambda feed, dice: f"mrn:{feed.draw(dice).mrn} status:ERROR",
    "`mrn: PID-8:F`": lambda feed, dice: f"mrn:{feed.draw(dice).mrn} PID-8:F",
    "`PID-8:F channel: since:2h`": lambda feed, dice: (
        f"PID-8:F channel:{feed.channel(dice)} since:2h"
    ),
}
"""By name. Those of the last two are looked into one by one."""

PASTED = tuple(QUESTIONS)[:10]
"""What is pasted without a name: the goal is for these."""


def shuffled(feed: Feed, dice: random.Random) -> str:
    """A question as people ask them: mostly something pasted."""
    names = PASTED if dice.random() < 0.7 else tuple(QUESTIONS)[10:]
    return QUESTIONS[dice.choice(names)](feed, dice)
