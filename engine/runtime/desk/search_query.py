"""Rim. The one-line query of search box, `log search` and `replay`:
`mrn:1234 status:ERROR since:2h type:ADT^A01 PID-8:X "chest pain"`.

Words are joined by "and"; a name given twice means either. A word without a name is looked up in
every search key, control ids among them. `PID-8:X` and quoted texts are about what the message
says: such messages are looked for one by one among those that meet the rest.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

from engine.hl7v2.path import parse_path
from engine.pipeline.search_keys import BUILT_IN
from engine.pipeline.states import Origin, State, Verdict
from engine.runtime.desk.field_conditions import FieldCondition
from engine.store.interface import Search

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
NAMES = (
    "channel", "status", "type", "control", "code", "since", "until", "id", "destination",
    "job", "key", "fhir", "request", "replayed",
)  # fmt: skip
KEY_KINDS = frozenset({kind for kind, _, _ in BUILT_IN} | {"document", "set", "related"})
"""Kinds of search keys that every message or document has; channels declare more."""
QUERY_CHARACTERS_MAX = 2_000
CONDITIONS_MAX = 50
CLOSE = 0.6

_WORD = re.compile(r'(?:(?P<name>[A-Za-z][\w.=^\[\]-]*):)?(?:"(?P<quoted>[^"]*)"|(?P<plain>\S+))')
_NAME_ALONE = re.compile(r"(?P<name>[A-Za-z][\w.=^\[\]-]*):")
_FIELD = re.compile(r"(?:\w+(?:\[\d+\])?\.)*[A-Z][A-Z0-9]{2}(?:\[\d+\])?-\d.*")
_SCHEMES = frozenset({"http", "https", "urn"})
_YES = {"yes": True, "true": True, "no": False, "false": False}
_REPLAYED = (Origin.REPLAY, Origin.RESEND)
_VERDICTS = {one.value.upper(): one for one in Verdict if one is not Verdict.NEW}
"""Words for the status of what never ran."""
_TUPLES = {
    "channel": "channels",
    "type": "message_types",
    "code": "codes",
    "destination": "destinations",
}


class QueryError(ValueError):
    """The query cannot be read; the text says which word and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is looked for: what the store can answer, and what only the messages can."""

    search: Search
    fields: tuple[FieldCondition, ...] = ()
    texts: tuple[str, ...] = field(default=(), repr=False)
    resource_ids: tuple[str, ...] = field(default=(), repr=False)
    """Those of the carried ids that name resources."""

    @property
    def reads_messages(self) -> bool:
        """True when each message has to be looked into."""
        return bool(self.fields or self.texts)

    @property
    def words(self) -> tuple[str, ...]:
        """What was given without a name."""
        return tuple(value for kind, value in self.search.keys if kind is None)

    @property
    def asks_for_person(self) -> bool:
        """True when it can tell whether somebody was here: it needs the right to."""
        named = any(kind is not None for kind, _ in self.search.keys)
        return named or self.reads_messages or bool(self.resource_ids)


def read_query(
    text: str, *, now: float, limit: int = 100, kinds: Collection[str] | None = None
) -> Query:
    """Read a query.

    Args:
        text: such as `status:ERROR since:1h` or a bare control id.
        now: Unix seconds, for `since:2h`.
        limit: rows wanted.
        kinds: the kinds of search keys that the channels declare; None: not known, so a name that
            is like no other is taken for one.

    Raises:
        QueryError: a name is unknown or a value cannot be read.
    """
    if len(text) > QUERY_CHARACTERS_MAX:
        raise QueryError(f"a query has at most {QUERY_CHARACTERS_MAX:,} characters")
    found: dict[str, Any] = {"limit": limit}
    fields: list[FieldCondition] = []
    texts: list[str] = []
    for count, (name, value, quoted) in enumerate(_words(text)):
        if count >= CONDITIONS_MAX:
            raise QueryError(f"a query has at most {CONDITIONS_MAX} words")
        if name is None and quoted:
            texts.append(value)
        elif name is not None and _FIELD.fullmatch(name):
            fields.append(_field(name, value))
        else:
            _take(name, value, now, kinds, found)
    resource_ids = found.pop("resource_ids", ())
    return Query(
        search=Search(**found),
        fields=tuple(fields),
        texts=tuple(texts),
        resource_ids=resource_ids,
    )


def parse_query(text: str, *, now: float, limit: int = 100) -> Search:
    """A query that the store alone answers.

    Raises:
        QueryError: it cannot be read, or asks for what only the messages can tell.
    """
    query = read_query(text, now=now, limit=limit)
    if query.reads_messages:
        raise QueryError(
            "conditions on fields and quoted texts are not possible here: find the messages "
            "first, then name them by id:"
        )
    return query.search


def _words(text: str) -> list[tuple[str | None, str, bool]]:
    """(name, value, quoted) of each word; `mrn: 123` is one word."""
    found: list[tuple[str | None, str, bool]] = []
    waiting: str | None = None
    for match in _WORD.finditer(text):
        name, plain = match["name"], match["plain"]
        if name in _SCHEMES:
            name, plain = None, match[0]
        alone = _NAME_ALONE.fullmatch(match[0])
        if waiting is not None:
            if name is not None or alone:
                raise QueryError(f"{waiting}: wants a value")
            name, waiting = waiting, None
        elif alone:
            waiting = alone["name"]
            continue
        quoted = match["quoted"]
        found.append((name, quoted if quoted is not None else plain, quoted is not None))
    if waiting is not None:
        raise QueryError(f"{waiting}: wants a value")
    return found


def _field(name: str, value: str) -> FieldCondition:
    path, problem = parse_path(name)
    if path is None:
        raise QueryError(f"{name} is no path: {problem.message if problem else ''}")
    return FieldCondition(path=path, value=value)


def _take(
    given: str | None,
    value: str,
    now: float,
    kinds: Collection[str] | None,
    found: dict[str, Any],
) -> None:
    name = given.lower() if given is not None else None
    if not value:
        raise QueryError(f"{given}: wants a value")
    if name is None or name == "key":
        _append(found, "keys", (None, value))
    elif name in ("since", "until"):
        found[name] = _moment(value, now)
    elif name == "status":
        _status(value, found)
    elif name == "id":
        _append(found, "message_ids", _number(name, value))
    elif name == "job":
        found["job_id"] = _number(name, value)
    elif name == "control":
        found["control_id"] = value
    elif name in ("fhir", "request"):
        _append(found, "carried_ids", plain_id(value))
        if name == "fhir":
            _append(found, "resource_ids", plain_id(value))
    elif name == "replayed":
        found["origins"] = _REPLAYED if _yes(value) else (Origin.RECEIVED,)
    elif name in _TUPLES:
        _append(found, _TUPLES[name], value)
    else:
        _append(found, "keys", (_kind(given or "", name, kinds), value))


def plain_id(text: str) -> str:
    """`abc` of `Patient/abc`, of `https://server/Patient/abc/_history/2` and of `urn:uuid:abc`."""
    word = text.strip().partition("?")[0].partition("/_history")[0].rstrip("/")
    return word.rpartition("/")[2].removeprefix("urn:uuid:")


def _append(found: dict[str, Any], name: str, value: object) -> None:
    found[name] = (*found.get(name, ()), value)


def _kind(given: str, name: str, kinds: Collection[str] | None) -> str:
    """The kind of search key of that name. Raises QueryError where it must be a slip."""
    declared = {kind.lower(): kind for kind in (*KEY_KINDS, *(kinds or ()))}
    if name in declared:
        return declared[name]
    close = get_close_matches(name, (*NAMES, *sorted(declared)), n=1, cutoff=CLOSE)
    if close:
        raise QueryError(f'there is no "{given}:"; did you mean "{close[0]}:"?')
    if kinds is None:
        return given
    known = ", ".join((*NAMES, *sorted(declared)))
    raise QueryError(f'there is no "{given}:"; there are {known}, and fields such as PID-8:')


def _status(value: str, found: dict[str, Any]) -> None:
    word = value.upper()
    if word in _VERDICTS:
        _append(found, "verdicts", _VERDICTS[word])
        return
    try:
        _append(found, "states", State(word))
    except ValueError:
        words = [*(state.value for state in State), *_VERDICTS]
        close = get_close_matches(word, words, n=1, cutoff=CLOSE)
        known = f"did you mean {close[0]}?" if close else f"states are {', '.join(words)}"
        raise QueryError(f"status:{value} is not a state; {known}") from None


def _yes(value: str) -> bool:
    if value.lower() not in _YES:
        raise QueryError("replayed: wants yes or no")
    return _YES[value.lower()]


def _number(name: str, value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 19):
        raise QueryError(f"{name}: wants a number")
    return int(value)


def _moment(value: str, now: float) -> float:
    relative = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)([smhdw])", value)
    if relative:
        return now - float(relative[1]) * UNITS[relative[2]]
    try:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise QueryError(
            f'"{value}" is no time: write 2h, 3d, 2026-11-22 or 2026-11-22T14:00 (UTC)'
        ) from None
