"""Pure. The bytes of a Bundle, put together once all of its entries are there.

A document of 50 MB becomes a Bundle of more than 100, two thirds of it the document itself in
base64: that is copied once, from the resource into the Bundle.
"""

from io import BytesIO

_ENTRY = b',"entry":['
_END = b"]}"
_CHARACTERS = 1 << 20
"""Of a text, which are encoded at a time."""


class BundleBody:
    """A Bundle that grows by its entries.

    Args:
        start: the Bundle without entries, as JSON.
    """

    __slots__ = ("_pieces", "_size", "_start", "places")

    def __init__(self, start: bytes) -> None:
        self._start = start
        self._pieces: list[bytes | memoryview | str] = [start[:-1], _ENTRY]
        self._size = len(start) - 1 + len(_ENTRY)
        self.places: list[tuple[int, int]] = []
        """Of each entry where it begins, and how many bytes it has."""

    def append(self, *pieces: bytes | memoryview | str) -> None:
        """Write the next Bundle.entry, encoded, in one piece or several; a text is ASCII."""
        if self.places:
            self._pieces.append(b",")
            self._size += 1
        self._pieces += pieces
        size = sum(map(len, pieces))
        self.places.append((self._size, size))
        self._size += size

    def whole(self) -> bytes:
        """The Bundle; nothing is appended afterwards."""
        if not self.places:
            return self._start
        encoded = [piece for piece in self._pieces if not isinstance(piece, str)]
        if len(encoded) == len(self._pieces):
            return b"".join((*encoded, _END))
        body = BytesIO()
        body.seek(self._size)
        body.write(
            _END
        )  # all of its memory at once: as it grew, it would be copied again and again
        body.seek(0)
        for piece in self._pieces:
            if isinstance(piece, str):
                for start in range(0, len(piece), _CHARACTERS):
                    body.write(piece[start : start + _CHARACTERS].encode("ascii"))
            else:
                body.write(piece)
        return body.getvalue()
