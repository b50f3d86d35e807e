"""Rim. What a listener and the intake say to each other: payloads one way, answers the other.

A listener knows frames, files and requests; it never looks into a message. Whoever takes the
payloads (`runtime.intake`) owes every one of them exactly one `answer` or, when nothing may be
said, an `abandon`. Answers go out in the order they are given; the intake keeps that the order of
arrival."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.mllp import FrameFault


class Connection(Protocol):
    """The way back to a sender: an MLLP connection, an HTTP request or a file."""

    source: str
    """Listener type and peer, such as `mllp 10.1.2.3:51022`; stored with the message."""

    def answer(self, payloads: Sequence[bytes], *, accepted: bool = True) -> bool:
        """Send acknowledgments, in one write; False when the sender is gone.

        An empty payload counts as an answer and sends nothing, where the sender asked for none.
        `accepted` says whether the message was taken in: HTTP and folders tell it in their own way.
        """
        ...

    def skip(self) -> None:
        """One answer that was owed will not be given: it took too long.

        MLLP stays silent, HTTP answers 504, a file counts as refused.
        """
        ...

    def abandon(self, reason: str) -> None:
        """Say nothing and end: nothing that waits here is or will be answered.

        MLLP closes, HTTP answers 503, a file stays where it is and is tried again.
        """
        ...

    def push(self, payload: bytes) -> bool:
        """Send an acknowledgment of our own accord, in enhanced mode; False when it cannot be."""
        ...

    def hold(self, reason: str) -> None:
        """Stop reading until `release` is called for the same reason: more waits than may."""
        ...

    def release(self, reason: str) -> None:
        """Undo `hold`."""
        ...


class Sink(Protocol):
    """Takes what a listener receives."""

    def receive(self, connection: Connection, payload: bytes) -> None:
        """A frame's payload, a request's body or a file's content."""
        ...

    def receive_fault(self, connection: Connection, fault: FrameFault) -> None:
        """Bytes that could not be framed, or exceed a limit. A fatal one has ended the reading."""
        ...

    def lost(self, connection: Connection) -> None:
        """The sender is gone: no answer will reach it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerStatus:
    """What health shows of a listener."""

    name: str
    """Such as `mllp 0.0.0.0:2575`."""
    state: str
    """listening, draining, stopped or failed."""
    connections: int


class Listener(Protocol):
    """A port or folder that can be opened and closed."""

    name: str

    def start(self) -> None:
        """Open it. Raises OSError (port in use, no such folder)."""
        ...

    def refuse(self, reason: str | None) -> None:
        """Turn new peers away for now, or, with None, let them in again."""
        ...

    def stop(self, reason: str) -> None:
        """Accept nothing more; connections end once nothing is owed on them."""
        ...

    def close(self, reason: str) -> None:
        """End every connection now."""
        ...

    def status(self) -> ListenerStatus:
        """State and count of connections."""
        ...
