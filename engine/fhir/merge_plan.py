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
    names: dict[bytes, bytes] = {}
    pieces: list[bytes] = []
    at = 0
    for mark, name in sorted(known, key=lambda one: one[0].start):
        names[_full_url(mark.cut(body))] = name.encode()
        pieces.append(body[at : mark.start])
        at = mark.start + mark.length
        if body[at : at + 1] == b",":
            at += 1
        else:  # the last entry: the comma before it goes
            pieces = [b"".join(pieces).removesuffix(b",")]
    pieces.append(body[at:])
    rest = b"".join(pieces)
    left_out = tuple(name for _, name in known)
    return Drawn(
        body=b"" if rest.endswith(b'"entry":[]}') else _renamed(rest, names),
        written=False,
        remembered=left_out,
        left_out=left_out,
    )


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
    bundle = json.loads(body, parse_float=Decimal)
    entries: list[Json] = bundle["entry"]
    listed = {_full_url(mark.cut(body)).decode(): at for at, mark in enumerate(marks)}
    names = _names(entries, listed, present, known)
    kept: list[Json] = []
    left_out: list[str] = []
    written: set[int] = set()
    changed = False
    for entry in entries:
        at = listed.get(entry.get("fullUrl", "").removeprefix("urn:uuid:"), -1)
        there = present.get(at)
        if at in known:
            left_out.append(known[at])
        elif there is None:
            written.add(at)
            kept.append(entry)
        else:
            said = _renamed_in(entry["resource"], names)
            merged = update(there, said, marks[at].deletes)
            if create_only or says_nothing_new(there, merged):
                left_out.append(f"{there['resourceType']}/{there['id']}")
            else:
                changed = True
                written.add(at)
                kept.append(_written(entry, there, merged))
    links = {urn: name for urn, name in names.items() if name in left_out}
    if bundle["type"] == "transaction":
        links |= {name: urn for urn, name in names.items() if name not in left_out}
    bundle["entry"] = [_linked(entry, links) for entry in kept]
    return Drawn(
        body=orjson.dumps(bundle, default=_encode_decimal) if kept else b"",
        remembered=tuple(known.values()),
        written=changed,
        left_out=tuple(left_out),
        names=tuple(names.get(f"urn:uuid:{uuid}", "") for uuid in listed),
        writes=tuple(at in written for at in range(len(marks))),
    )


def _names(
    entries: Sequence[Json],
    listed: Mapping[str, int],
    present: Mapping[int, Json],
    known: Mapping[int, str],
) -> dict[str, str]:
    """`urn:uuid:...` to the `Type/id` the server knows, or will know, the resource by."""
    names: dict[str, str] = {}
    for entry in entries:
        urn = entry.get("fullUrl", "")
        at = listed.get(urn.removeprefix("urn:uuid:"), -1)
        there = present.get(at)
        url = entry["request"]["url"]
        if at in known:
            names[urn] = known[at]
        elif there is not None:
            names[urn] = f"{there['resourceType']}/{there['id']}"
        elif entry["request"]["method"] == "PUT" and "?" not in url:
            names[urn] = url
    return names


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


def _linked(entry: Json, links: Mapping[str, str]) -> Json:
    """The entry with references to entries by their fullUrl, to what is left out by its name."""
    if not links or "resource" not in entry:
        return entry
    return {**entry, "resource": _renamed_in(entry["resource"], links)}


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
