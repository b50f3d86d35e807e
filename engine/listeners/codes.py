"""Rim. Every diagnostic of the listeners, M15x. Codes are never reused."""

from engine.diagnostics import error
from engine.mllp import FrameFault

BODY_TOO_LARGE = error(
    "M150",
    "a body of more than {limit} bytes was refused",
    "raise body_bytes_max or ask the sender to split it",
)
FILE_TOO_LARGE = error(
    "M151",
    "a file of more than {limit} bytes was refused",
    "raise file_bytes_max or split the file",
)


def body_fault(data: bytes, limit: int) -> FrameFault:
    """The fault of an HTTP body that is too large, with its beginning."""
    found = BODY_TOO_LARGE(limit=limit)
    return FrameFault(code=found.code, data=data, fatal=True, diagnostic=found)


def file_fault(data: bytes, limit: int) -> FrameFault:
    """The fault of a file that is too large, with its beginning."""
    found = FILE_TOO_LARGE(limit=limit)
    return FrameFault(code=found.code, data=data, fatal=True, diagnostic=found)
