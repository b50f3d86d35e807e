"""Rim. One create, whose end is always known afterwards: made, refused, or written down as lost."""

from dataclasses import dataclass
from typing import Any

from engine.destinations.interface import AuthorizationFailed
from engine.destinations.ledger import Ledger
from engine.destinations.millennium.exchanges import (
    Exchanges,
    Failure,
    classified,
    failure_of,
    lost_failure,
)
from engine.destinations.millennium.identity import Inquiry
from engine.destinations.millennium.service import OutOfTimeError
from engine.destinations.millennium.stopping import Stopped
from engine.millennium.calls.answers import captured
from engine.millennium.calls.model import AnswerClass, CallPreset
from engine.millennium.calls.rendering import render_request
from engine.millennium.identity.entries import LedgerKey
from engine.millennium.identity.knowledge import PROBES_MAX
from engine.millennium.identity.outcomes import lost_entries
from engine.pipeline.response import Classification, Fault
from engine.pipeline.states import FailureClass

Json = dict[str, Any]

NO_ID = "-"
"""In place of an id, of what is made without one (`ChargeItem/$create`)."""
CREATE_SECONDS_SHARE = 0.25
CREATE_SECONDS_MAX = 5.0
"""A create begins only with so much of the attempt left: its answer should come in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Creation:
    """What is to be made."""

    preset: CallPreset
    resource: Json
    content: Json
    """What is sent: the resource, or the Parameters round it."""
    keys: tuple[LedgerKey, ...]
    """Claimed."""
    lost: int
    """Creates of it that were sent before and lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """What was made."""

    id: str
    etag: str


async def create(
    creation: Creation, exchanges: Exchanges, ledger: Ledger, inquiry: Inquiry
) -> Created:
    """Send the create.

    On success the claim stays until the caller has recorded it. Otherwise the ledger knows what is
    known: lost, to be looked for first, or nothing.

    Raises:
        Stopped: it was refused, or its answer was lost.
        AuthorizationFailed, OutOfTimeError: nothing was sent.
    """
    preset = creation.preset
    request = render_request(preset, exchanges.roots, {}, creation.content)
    timeout = exchanges.service.timeout_seconds
    if exchanges.seconds_left < min(CREATE_SECONDS_MAX, timeout * CREATE_SECONDS_SHARE):
        raise OutOfTimeError
    inquiry.sending = True
    try:
        answer = await exchanges.send(request, preset)
    except (AuthorizationFailed, OutOfTimeError, OSError):
        inquiry.sending = False
        raise
    end = _End(creation, exchanges.root, ledger, inquiry)
    if isinstance(answer, Fault):
        failure = lost_failure(answer)
        if failure.classification.failure_class is FailureClass.AMBIGUOUS:
            raise await end.lost(failure)
        raise end.unsent(failure)
    found = classified(preset, answer)
    if found.kind is AnswerClass.DONE:
        headers = {name.lower(): value for name, value in answer.headers.items()}
        values = captured(preset, headers, answer.body)
        return Created(id=values.get("id") or NO_ID, etag=values.get("etag", ""))
    failure = failure_of(preset, answer)
    match found.kind:
        case AnswerClass.UNKNOWN:
            raise await end.lost(failure)
        case AnswerClass.CONFLICT:
            raise await end.there_already(failure)
        case AnswerClass.RETRY:
            raise await end.put_off(failure)
        case _:
            raise end.unsent(failure)


@dataclass(frozen=True, slots=True)
class _End:
    """How a create that did not succeed is written down."""

    creation: Creation
    root: str
    ledger: Ledger
    inquiry: Inquiry

    async def lost(self, failure: Failure) -> Stopped:
        """It may have been made: it is looked for before anything is sent again."""
        await self._record(self.creation.lost + 1, 0)
        return Stopped(_as_ambiguous(failure))

    async def there_already(self, failure: Failure) -> Stopped:
        """409: field reports say so of a duplicate. One look decides."""
        await self._record(self.creation.lost + 1, PROBES_MAX - 1)
        return Stopped(_as_ambiguous(failure))

    async def put_off(self, failure: Failure) -> Stopped:
        """It was not made; should that not be so, the look before the next create will tell."""
        await self._record(self.creation.lost, 0)
        return Stopped(failure)

    def unsent(self, failure: Failure) -> Stopped:
        """It was not made."""
        self.inquiry.sending = False
        return Stopped(failure)

    async def _record(self, creates: int, probes: int) -> None:
        entries = lost_entries(self.creation.keys, creates, probes)
        await self.ledger.record(self.root, entries, self.inquiry.owner)
        self.inquiry.sending = False


def _as_ambiguous(failure: Failure) -> Failure:
    found = Classification(FailureClass.AMBIGUOUS, failure.classification.code)
    return Failure(found, failure.explanation)
