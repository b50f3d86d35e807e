"""Pure. Which entries of an encoded Bundle are only a part of their resource.

The Bundle itself is plain FHIR; where its merged entries stand, and what is to be deleted of them,
is a parameter of the content type it is stored under. A Bundle without such entries has none, so
nothing of it need be read to know.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

_PARAMETER = "; merge="


@dataclass(slots=True)  # not frozen, as `Entry`
class Mark:
    """One entry that is merged with what the server has. Never changed."""

    start: int
    """Its first byte in the Bundle."""
    length: int
    deletes: tuple[str, ...] = ()
    """As in `Entry.deletes`."""

    def cut(self, body: bytes) -> bytes:
        """The entry."""
        return body[self.start : self.start + self.length]


def write_marks(content_type: str, marks: Sequence[Mark]) -> str:
    """The content type with the marks; unchanged when there are none."""
    if not marks:
        return content_type
    listed = [[one.start, one.length, *one.deletes] for one in marks]
    return f"{content_type}{_PARAMETER}{orjson.dumps(listed).decode()}"


def read_marks(content_type: str) -> tuple[Mark, ...]:
    """The marks of a content type. Raises ValueError when they are not what `write_marks` made."""
    _, found, text = content_type.partition(_PARAMETER)
    if not found:
        return ()
    try:
        return tuple(
            Mark(start, length, tuple(deletes)) for start, length, *deletes in orjson.loads(text)
        )
    except (TypeError, ValueError):
        raise ValueError("the marks of a Bundle cannot be read") from None


def plain_type(content_type: str) -> str:
    """The content type without marks and other parameters."""
    return content_type.partition(";")[0]
