"""Rim. Bodies and responses on disk: Zstandard, and only where it makes them smaller.

The first byte says how the rest is stored, so that a later engine can change the way and still read
old rows. Level 1 is used: higher levels cost three times the CPU for a tenth of the size.
"""

from functools import lru_cache

import zstandard

PLAIN = b"\x00"
ZSTANDARD = b"\x01"
WORTH_TRYING_BYTES = 128
"""Below this nothing is gained."""
BYTES_MAX = 1 << 30
"""No stored body may unfold to more than this."""

RECURRING_MAX = 64
RECURRING_BYTES_MAX = 2_000

_LEVEL = 1


class Compression:
    """Packs and unpacks; keeps its contexts, so it belongs to one thread."""

    __slots__ = ("_pack", "_pack_recurring", "_unpack")

    def __init__(self) -> None:
        self._pack_recurring = lru_cache(maxsize=RECURRING_MAX)(self.pack)
        self._pack = zstandard.ZstdCompressor(level=_LEVEL).compress
        self._unpack = zstandard.ZstdDecompressor().decompress

    def pack(self, data: bytes) -> bytes:
        """The form that is stored; empty stays empty."""
        if len(data) < WORTH_TRYING_BYTES:
            return PLAIN + data if data else b""
        packed: bytes = self._pack(data)
        return ZSTANDARD + packed if len(packed) < len(data) else PLAIN + data

    def pack_recurring(self, data: bytes) -> bytes:
        """`pack`, for small texts that come again and again: request lines and headers."""
        return self.pack(data) if len(data) > RECURRING_BYTES_MAX else self._pack_recurring(data)

    def unpack(self, stored: bytes) -> bytes:
        """The bytes that were packed. ValueError when the stored form is damaged."""
        if not stored:
            return b""
        if stored[:1] == PLAIN:
            return bytes(stored[1:])
        try:
            found: bytes = self._unpack(stored[1:], max_output_size=BYTES_MAX)
        except zstandard.ZstdError:
            raise ValueError("a stored body does not unpack") from None
        return found
