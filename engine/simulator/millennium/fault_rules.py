"""Rim. Faults a simulated Millennium makes on purpose, by rule: every n-th request, so many times,
or a seeded random share of those that fit a method and a path.
"""

import random
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase

import msgspec

RULES_MAX = 100
SECONDS_MAX = 600.0


class Kind(StrEnum):
    """What goes wrong."""

    STATUS = "status"
    """Answered with the rule's status; nothing is carried out unless `after_commit`."""
    LATENCY = "latency"
    """Carried out at once, answered `seconds` late."""
    DROP = "drop"
    """The connection is reset before anything is carried out."""
    DROP_AFTER_COMMIT = "drop-after-commit"
    """Carried out, then the connection is reset."""
    HANG = "hang"
    """No answer for `seconds`, then the connection is reset; nothing is carried out."""
    STALE_ETAG = "stale-etag"
    """Somebody else writes the resource just before this request does."""
    TOKEN_REVOKED = "token-revoked"  # noqa: S105  a name
    """The token of the request, and all others of its client, are revoked first."""
    TOKEN_EXPIRED = "token-expired"  # noqa: S105
    """The token of the request expires first; others of its client live on."""


class FaultRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule, as it stands in the configuration (JSON)."""

    fault: Kind
    status: int = 503
    retry_after_seconds: int | None = None
    seconds: float = 1.0
    after_commit: bool = False
    """Of a status: the request is carried out before the answer is spoiled."""
    method: str = ""
    """Only requests of this method; empty: all."""
    path: str = ""
    """Only requests to paths like this one (`*` stands for anything); empty: all."""
    containing: str = ""
    """Only requests whose body holds this text."""
    after: int = 0
    """The first so many that fit are let through."""
    every: int = 1
    """Strikes the n-th request that fits, and every n-th after it."""
    times: int = 0
    """How often it strikes in all; 0: no limit."""
    share: float = 1.0
    """Strikes this share of what it would strike, drawn with `seed`."""
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises ValueError for values that make no sense."""
        if not 400 <= self.status <= 599:
            raise ValueError("status is to be from 400 to 599")
        if not 0.0 <= self.share <= 1.0:
            raise ValueError("share is to be from 0 to 1")
        if self.every < 1 or self.times < 0 or self.after < 0:
            raise ValueError("every is at least 1; times and after are not negative")
        if not 0.0 <= self.seconds <= SECONDS_MAX:
            raise ValueError(f"seconds is to be from 0 to {SECONDS_MAX:g}")


@dataclass(slots=True)
class _Counted:
    rule: FaultRule
    dice: random.Random
    fitting: int = 0
    struck: int = 0


@dataclass(slots=True)
class Faults:
    """The rules in force."""

    _rules: list[_Counted] = field(default_factory=list)

    def set(self, rules: list[FaultRule]) -> None:
        """Replace all rules; their counts and dice start anew. Raises ValueError for too many."""
        if len(rules) > RULES_MAX:
            raise ValueError(f"at most {RULES_MAX} rules")
        self._rules = [_Counted(rule, random.Random(rule.seed)) for rule in rules]  # noqa: S311

    def strike(self, method: str, path: str, body: bytes) -> list[FaultRule]:
        """The rules that strike a request, in their order; each counts it."""
        return [one.rule for one in self._rules if _strikes(one, method, path, body)]

    def counts(self) -> list[dict[str, object]]:
        """What each rule has seen and struck."""
        return [
            {**msgspec.to_builtins(one.rule), "fitting": one.fitting, "struck": one.struck}
            for one in self._rules
        ]

    @property
    def struck(self) -> int:
        """How often any rule has struck."""
        return sum(one.struck for one in self._rules)


def _strikes(counted: _Counted, method: str, path: str, body: bytes) -> bool:
    rule = counted.rule
    if rule.method and rule.method.upper() != method:
        return False
    if rule.path and not fnmatchcase(path, rule.path):
        return False
    if rule.containing and rule.containing.encode() not in body:
        return False
    counted.fitting += 1
    number = counted.fitting - rule.after
    if number < 1 or number % rule.every or (rule.times and counted.struck >= rule.times):
        return False
    if rule.share < 1.0 and counted.dice.random() >= rule.share:
        return False
    counted.struck += 1
    return True


def read_rules(text: bytes) -> list[FaultRule]:
    """Rules from JSON: a list of objects. Raises msgspec.ValidationError or DecodeError."""
    return msgspec.json.decode(text, type=list[FaultRule])


def parse_rule(text: str) -> FaultRule:
    """One rule as it is given on a command line: `503,share=0.2,seed=7,path=*/Patient`.

    The first word is a status or the name of a fault. Raises ValueError with what is wrong.
    """
    first, *pairs = [part.strip() for part in text.split(",")]
    fields: dict[str, str] = {}
    if first.isdigit():
        fields |= {"fault": Kind.STATUS.value, "status": first}
    else:
        fields["fault"] = first
    for pair in pairs:
        name, mark, value = pair.partition("=")
        if not mark:
            raise ValueError(f"{pair!r} is not name=value")
        fields[name] = value
    try:
        return msgspec.convert(fields, FaultRule, strict=False)
    except msgspec.ValidationError as problem:
        raise ValueError(str(problem)) from None
