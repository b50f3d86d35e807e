"""Pure. The entries of a Bundle that are merged: what to ask the server, and what to send then.

An entry that says nothing new is left out; references to it become `Type/id` of what the server
has. An entry that was merged is written with If-Match, so that nothing is lost that another writer
said meanwhile. Numbers keep their digits.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson

from engine.fhir.marks import Mark
from engine.fhir.updating import says_nothing_new, update

_URN = b'"reference":"urn:uuid:'
_REQUEST = b',"request":'
_TRANSACTION = b'{"resourceType":"Bundle","type":"transaction"'
_FULL_URL = b'"fullUrl":"urn:uuid:'

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A Bundle as it is to be sent."""

    body: bytes
    """Empty: there is nothing to send."""
    remembered: tuple[str, ...] = ()
    """Those of `left_out` that were not read."""
    written: bool
    """False: entries were left out, and nothing else."""
    left_out: tuple[str, ...] = ()
    """`Type/id` of what the server has already."""
    names: tuple[str, ...] = ()
    """`Type/id` of each marked entry once this is sent; empty where the server chooses the id."""
    writes: tuple[bool, ...] = ()
    """Whether each marked entry is written."""


class SeveralMatchError(Exception):
    """A search by identifier found several resources."""


def request_of(entry: bytes) -> bytes:
    """The request of an encoded entry, its last part: one resource has one, whatever is said."""
    return entry[entry.rfind(_REQUEST) + len(_REQUEST) : -1]


def question(entry: bytes) -> str:
    """The URL of the resource an entry would write: `Type/id`, or a search by identifier."""
    url: str = orjson.loads(request_of(entry))["url"]
    return url


def read_request(urls: Sequence[str]) -> bytes:
    """A batch of reads."""
    entries = [{"request": {"method": "GET", "url": url}} for url in urls]
    return orjson.dumps({"resourceType": "Bundle", "type": "batch", "entry": entries})


def found_resource(answer: Json | None, url: str) -> Json | None:
    """The resource of an answer: itself, or the only match of a search; None when there is none.

    Raises SeveralMatchError, and ValueError when the answer is of another kind.
    """
    if answer is None:
        return None
    if "?" not in url:
        if answer.get("resourceType") != url.partition("/")[0] or "id" not in answer:
            raise ValueError("the answer is not the resource asked for")
        return answer
    kind = url.partition("?")[0]
    matches = [
        entry["resource"]
        for entry in answer.get("entry", ())
        if entry.get("resource", {}).get("resourceType") == kind
    ]
    if answer.get("resourceType") != "Bundle":
        raise ValueError("the answer is not that of a search by identifier")
    if len(matches) > 1:
        raise SeveralMatchError
    return matches[0] if matches else None


def without(body: bytes, known: Sequence[tuple[Mark, str]]) -> Drawn:
    """The Bundle without entries the server has, their references renamed; nothing is parsed.

    Args:
        body: as encoded.
        known: marks with the `Type/id` of what the server has.
    """
    names = {_full_url(mark.cut(body)): name.encode() for mark, name in known}
    rest = _spliced(body, [(mark, b"") for mark, _ in known])
    left_out = tuple(name for _, name in known)
    return Drawn(body=_renamed(rest, names), written=False, remembered=left_out, left_out=left_out)


def _spliced(body: bytes, changes: Sequence[tuple[Mark, bytes]]) -> bytes:
    """The Bundle with other entries in place of those, or none (empty); empty when none is left."""
    pieces: list[bytes] = []
    at = 0
    for mark, entry in sorted(changes, key=lambda one: one[0].start):
        pieces.append(body[at : mark.start])
        at = mark.start + mark.length
        if entry:
            pieces.append(entry)
        elif body[at : at + 1] == b",":
            at += 1
        else:  # the last entry: the comma before it goes
            pieces = [b"".join(pieces).removesuffix(b",")]
    pieces.append(body[at:])
    rest = b"".join(pieces)
    return b"" if rest.endswith(b'"entry":[]}') else rest


def _full_url(entry: bytes) -> bytes:
    """The UUID of an entry's fullUrl."""
    return entry.partition(_FULL_URL)[2].partition(b'"')[0]


def _renamed(body: bytes, names: Mapping[bytes, bytes]) -> bytes:
    pieces = body.split(_URN)
    for index in range(1, len(pieces)):
        identity, _, rest = pieces[index].partition(b'"')
        new = names.get(identity)
        begin = _URN + identity if new is None else b'"reference":"' + new
        pieces[index] = begin + b'"' + rest
    return b"".join(pieces)


def draw(
    body: bytes,
    marks: Sequence[Mark],
    present: Mapping[int, Json],
    known: Mapping[int, str],
    *,
    create_only: bool,
) -> Drawn:
    """The Bundle with what the server has put into its marked entries.

    Args:
        body: as encoded.
        marks: its marked entries.
        present: what the server has, by the mark's place; a mark without is written whole.
        known: marks whose entry the server has as it is, with its `Type/id`.
        create_only: what the server has stays as it is.
    """
    cuts = [mark.cut(body) for mark in marks]
    urns = [f"urn:uuid:{_full_url(entry).decode()}" for entry in cuts]
    names = _names(body, cuts, urns, present, known)
    changes: dict[int, Json | None] = dict.fromkeys(known)
    for at, there in present.items():
        said = _said(orjson.loads(cuts[at]), cuts[at], names)
        deletes = marks[at].deletes
        if create_only or _has_all(there, said, deletes):
            changes[at] = None
        else:  # once more, with the digits of its numbers
            entry = json.loads(cuts[at], parse_float=Decimal)
            merged = update(there, _said(entry, cuts[at], names), deletes)
            changes[at] = _written(entry, there, merged)
    gone = {urns[at]: names[urns[at]] for at in sorted(changes) if changes[at] is None}
    # What is written with a reference to another entry says so again as the message did.
    kept = {name: urn for urn, name in names.items() if urn not in gone}
    links = kept if body.startswith(_TRANSACTION) else {}
    rest = _spliced(body, [(marks[at], _encoded(one, links)) for at, one in changes.items()])
    return Drawn(
        body=_renamed(rest, {urn[9:].encode(): name.encode() for urn, name in gone.items()}),
        remembered=tuple(known.values()),
        written=any(one is not None for one in changes.values()),
        left_out=tuple(gone.values()),
        names=tuple(names.get(urn, "") for urn in urns),
        writes=tuple(changes.get(at, True) is not None for at in range(len(marks))),
    )


def _names(
    body: bytes,
    cuts: Sequence[bytes],
    urns: Sequence[str],
    present: Mapping[int, Json],
    known: Mapping[int, str],
) -> dict[str, str]:
    """`urn:uuid:...` to the `Type/id` the server knows, or will know, the resource by.

    Of entries without a mark only where an entry to be merged refers to one.
    """
    names: dict[str, str] = {}
    for at, urn in enumerate(urns):
        if at in known:
            url = known[at]
        elif at in present:
            url = f"{present[at]['resourceType']}/{present[at]['id']}"
        else:
            url = question(cuts[at])
        if "?" not in url:
            names[urn] = url
    marked = {urn[9:].encode() for urn in urns}
    if all(_references(cuts[at]) <= marked for at in present):
        return names
    for entry in orjson.loads(body)["entry"]:
        url, urn = entry["request"]["url"], entry.get("fullUrl", "")
        if urn not in urns and entry["request"]["method"] == "PUT" and "?" not in url:
            names[urn] = url
    return names


def _said(entry: Json, encoded: bytes, names: Mapping[str, str]) -> Json:
    """The resource of an entry, its references as the server has them."""
    said: Json = entry["resource"]
    return _renamed_in(said, names) if _URN in encoded else said


def _has_all(there: Json, said: Json, deletes: Sequence[str]) -> bool:
    """True when what is said changes nothing of what is there."""
    if not deletes and said.items() <= there.items():
        return True
    return says_nothing_new(there, update(there, said, deletes))


def _references(entry: bytes) -> set[bytes]:
    """The UUIDs of entries it refers to."""
    return {piece.partition(b'"')[0] for piece in entry.split(_URN)[1:]}


def _encoded(entry: Json | None, links: Mapping[str, str]) -> bytes:
    """The entry with references to entries by their fullUrl; empty for None."""
    if entry is None:
        return b""
    linked = {**entry, "resource": _renamed_in(entry["resource"], links)}
    return orjson.dumps(linked, default=_encode_decimal)


def _renamed_in(value: Any, names: Mapping[str, str]) -> Any:
    """A copy with references renamed."""
    if isinstance(value, dict):
        return {
            key: names.get(item, item)
            if key == "reference" and isinstance(item, str)
            else _renamed_in(item, names)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_renamed_in(item, names) for item in value]
    return value


def _written(entry: Json, known: Json, merged: Json) -> Json:
    """The entry that writes the merged resource over the version that was read."""
    meta = {
        key: value
        for key, value in known.get("meta", {}).items()
        if key not in ("versionId", "lastUpdated")
    }
    resource = {key: value for key, value in merged.items() if key != "meta"}
    if resource.get("text", {}).get("status") == "generated":
        del resource["text"]  # the server's own words on what it had
    if meta:
        resource["meta"] = meta
    request = {"method": "PUT", "url": f"{known['resourceType']}/{known['id']}"}
    version = known.get("meta", {}).get("versionId")
    if version:
        request["ifMatch"] = f'W/"{version}"'
    resource["id"] = known["id"]
    return {**entry, "resource": resource, "request": request}


def _encode_decimal(value: object) -> orjson.Fragment:
    if not isinstance(value, Decimal):
        raise TypeError(type(value).__name__)
    return orjson.Fragment(str(value))
