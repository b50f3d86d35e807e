"""Rim. Memory that a large message leaves behind is given back to the system."""

import ctypes
import gc
import sys

LARGE_BYTES = 4_000_000
"""Of a message; what smaller ones leave is soon used again."""


def give_back(size: int) -> None:
    """Give free memory back after a large message.

    The C library keeps what stands between pieces that are in use: a worker that has read a
    document of 50 MB would hold half a gigabyte of it, and need as much again to write the result.
    Only glibc has a call for that; elsewhere nothing is done.

    Args:
        size: of the message, in bytes.
    """
    if size < LARGE_BYTES:
        return
    gc.collect()  # lxml's iterators are circles that hold the tree they have read
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
