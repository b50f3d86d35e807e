"""Rim. Faults a simulated server makes on purpose, by rule: the ways real receivers fail.

A rule names its fault, when it strikes (every n-th request, so many times, requests whose body
holds a text) and whether the request is carried out first. Without randomness: a test can count
on it.
"""

from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

RULES_MAX = 100


class Kind(StrEnum):
    """What goes wrong."""

    STATUS = "status"
    """Answer with a status of the rule's."""
    HANG = "hang"
    """No answer for `seconds`, then the connection is closed."""
    SLOW = "slow"
    """The right answer, `seconds` late."""
    RESET = "reset"
    """The connection is closed without an answer."""


class FaultRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule, as it stands in the configuration (JSON)."""

    fault: Kind
    status: int = 503
    retry_after_seconds: int | None = None
    seconds: float = 1.0
    after_commit: bool = False
    """True: the request is carried out before the answer is spoiled (the answer is lost)."""
    every: int = 1
    """Strikes the n-th request that fits, and every n-th after it."""
    times: int = 0
    """How often it strikes in all; 0: no limit."""
    containing: str = ""
    """Only requests whose body holds this text."""


@dataclass(slots=True)
class _Counted:
    rule: FaultRule
    fitting: int = 0
    struck: int = 0


@dataclass(slots=True)
class Faults:
    """The rules in force."""

    _rules: list[_Counted] = field(default_factory=list)

    def set(self, rules: list[FaultRule]) -> None:
        """Replace all rules. Raises ValueError for too many."""
        if len(rules) > RULES_MAX:
            raise ValueError(f"at most {RULES_MAX} rules")
        self._rules = [_Counted(rule) for rule in rules]

    def strike(self, body: bytes) -> FaultRule | None:
        """The rule that strikes this request; the first of those that do."""
        for counted in self._rules:
            rule = counted.rule
            if rule.containing and rule.containing.encode() not in body:
                continue
            counted.fitting += 1
            used_up = rule.times and counted.struck >= rule.times
            if counted.fitting % max(1, rule.every) or used_up:
                continue
            counted.struck += 1
            return rule
        return None


def read_rules(text: bytes) -> list[FaultRule]:
    """Rules from JSON: a list of objects. Raises msgspec.ValidationError or DecodeError."""
    return msgspec.json.decode(text, type=list[FaultRule])
