"""Rim. How values become columns: lane keys, diagnostics, search keys, and the bucket of a lane.

Lists are JSON text, so that a person at a database prompt can read them; absent lists are NULL.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from zlib import crc32

import orjson

from engine.store.interface import LANE_BUCKETS


def encode_lanes(lanes: Sequence[str]) -> str:
    """Lane keys as JSON text, `""` for none."""
    return orjson.dumps(lanes).decode() if lanes else ""


def decode_lanes(text: str) -> tuple[str, ...]:
    """The inverse of `encode_lanes`."""
    return tuple(orjson.loads(text)) if text else ()


def encode_list(values: Sequence[Any]) -> str | None:
    """A list as JSON text, None when it is empty."""
    return orjson.dumps(values).decode() if values else None


def decode_list(text: str | None) -> list[Any]:
    """The inverse of `encode_list`."""
    return list(orjson.loads(text)) if text else []


def decode_diagnostics(text: str | None) -> tuple[Mapping[str, Any], ...]:
    """Stored diagnostics in their JSON form."""
    return tuple(decode_list(text))


def bucket_of(channel: str, lane: str) -> int:
    """The lane bucket, 0 to LANE_BUCKETS - 1, of a lane of a channel."""
    return crc32(f"{channel}\0{lane}".encode("utf-8", "replace")) % LANE_BUCKETS


def buckets_of(channel: str, lanes: Sequence[str], message_id: int) -> tuple[int, str | None]:
    """The first lane's bucket, and the others' as a list column, for a run's row.

    A message without a lane key has a lane of its own, spread by its id.
    """
    if not lanes:
        return message_id % LANE_BUCKETS, None
    first = bucket_of(channel, lanes[0])
    if len(lanes) == 1:
        return first, None
    others = {bucket_of(channel, lane) for lane in lanes[1:]} - {first}
    return first, encode_list(sorted(others))


def codes_of(diagnostics: Sequence[Mapping[str, Any]]) -> set[str]:
    """The distinct diagnostic codes."""
    return {str(found["code"]) for found in diagnostics if found.get("code")}


def storable(text: str) -> str:
    """The text with what no database takes (NUL, lone surrogates) replaced; rarely needed."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
