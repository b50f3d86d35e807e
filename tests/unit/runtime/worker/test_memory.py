"""What a large message leaves behind is given back to the system."""

import ctypes
import sys

import pytest

from engine.runtime.worker.memory import LARGE_BYTES, give_back


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc has a call for it")
def test_memory_is_given_back_after_a_large_message_only(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    class Library:
        malloc_trim = asked.append

    monkeypatch.setattr(ctypes, "CDLL", lambda _: Library)
    give_back(LARGE_BYTES - 1)
    assert asked == []
    give_back(LARGE_BYTES)
    assert asked == [0]


def test_a_system_without_such_a_call_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    give_back(LARGE_BYTES)
