"""Rim. Going live: destinations of an environment that sends nothing yet, or holds its first
messages.

Stands before destinations of every kind but Millennium's, which does the same itself and shows the
calls it would make. Outside of going live nothing stands between worker and destination.
"""

from engine.channel.environment import Mode
from engine.channel.model import GoLive
from engine.destinations.interface import (
    AttemptResult,
    Destination,
    Ending,
    Outgoing,
    Presence,
    Settlement,
)
from engine.destinations.ledger import Ledger, LedgerUnavailable
from engine.pipeline.response import SHADOWED, Classification
from engine.pipeline.states import FailureClass

RELEASE_FIRST = Classification(FailureClass.PERMANENT, "release-first")
LEDGER_DOWN = Classification(FailureClass.TRANSIENT, "ledger-unavailable")
_NOT_SENT = b"shadow: the stored output would be sent, and nothing was"
_HELD = b"one of the first messages: look at it, and release it"


class GoingLive:
    """A destination behind the mode of its environment.

    Args:
        destination: what it stands before; closed with this.
        name: of the destination in its channel.
        going: what the environment says.
        ledger: remembers which messages were the first.
    """

    def __init__(self, destination: Destination, name: str, going: GoLive, ledger: Ledger) -> None:
        self._destination = destination
        self._name = name
        self._going = going
        self._ledger = ledger

    async def send(self, outgoing: Outgoing) -> AttemptResult:
        """One attempt, where it may be made. Never raises, cancellation apart."""
        going = self._going
        if going.mode is Mode.SHADOW:
            return AttemptResult(classification=SHADOWED, status=SHADOWED.code, request=_NOT_SENT)
        if going.release_first:
            name = f"{going.environment}/{outgoing.channel}/{self._name}"
            try:
                admitted = await self._ledger.admit(name, outgoing.delivery_id, going.release_first)
            except LedgerUnavailable:
                return AttemptResult(classification=LEDGER_DOWN)
            if not admitted:
                return AttemptResult(
                    classification=RELEASE_FIRST, response=_HELD, ending=Ending.HOLD
                )
        return await self._destination.send(outgoing)

    def settlement(self, outgoing: Outgoing) -> Settlement:
        """That of the destination; in shadow nothing was sent."""
        if self._going.mode is Mode.SHADOW:
            return Settlement.REPEAT
        return self._destination.settlement(outgoing)

    async def probe(self, outgoing: Outgoing) -> Presence:
        """Ask the destination; in shadow nobody is asked."""
        if self._going.mode is Mode.SHADOW:
            return Presence.UNKNOWABLE
        return await self._destination.probe(outgoing)

    async def close(self) -> None:
        """End all connections."""
        await self._destination.close()
