"""Rim. Bringing what is there up to date: read, make the change of the copy, write with If-Match.

Another writer in between is answered with 409: it is read again and the *intent* applied again, so
often and no more. A change whose answer was lost is treated the same, because a copy that has it
needs no change. Report section 5, step 7.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.destinations.millennium.exchanges import (
    Exchanges,
    Failure,
    classified,
    data_of,
    failure_of,
    lost_failure,
)
from engine.destinations.millennium.identity import Inquiry
from engine.destinations.millennium.stopping import Stopped, stopped_by
from engine.millennium.calls.answers import captured
from engine.millennium.calls.model import AnswerClass, CallPreset, Interaction
from engine.millennium.calls.rendering import render_request
from engine.millennium.identity.normalising import Rules, normalise
from engine.millennium.identity.order import RESOURCE, in_order, is_older
from engine.millennium.identity.steps import NoAnswer, Reason, Seen, Wait
from engine.millennium.resources.appointment import patch_appointment
from engine.millennium.resources.documents import contents_unread, with_contents
from engine.millennium.resources.patching import Refused, patch_of
from engine.millennium.resources.replacing import replacement_of
from engine.millennium.resources.rules import ResourceRules
from engine.pipeline.response import Classification, Fault
from engine.pipeline.states import FailureClass

Json = dict[str, Any]
_SEVERAL_WRITERS = Classification(FailureClass.TRANSIENT, "http-409")


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """How it stands now."""

    etag: str
    verb: str
    """changed, unchanged or skipped."""
    applied: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a message says of a resource that is there."""

    preset: CallPreset
    resource: Json
    """Shaped, references in place, identifiers normalised."""
    deletes: tuple[str, ...]
    event_at: float | None
    pools: Rules
    reader: CallPreset | None = None
    """Reads contents that must be said again."""


class _GoneError(Exception):
    """The service has it no more."""


async def apply_change(
    change: Change,
    seen: Seen,
    applied: Mapping[str, float],
    exchanges: Exchanges,
    inquiry: Inquiry,
) -> Changed | None:
    """Make the service's copy say what the message says; None when the service has it no more.

    Args:
        change: what the message says.
        seen: the copy that was read.
        applied: times of the newest events written, by field group.
        exchanges: of the attempt.
        inquiry: reads again.

    Raises:
        Stopped: it could not be written.
    """
    wanted, times, older = _in_order(change, applied)
    transcript = exchanges.transcript
    if older:
        transcript.note(f"left out, a newer event wrote it: {', '.join(older)}")
    if not (set(wanted) - {"resourceType"}):
        return Changed(etag=seen.etag, verb="skipped", applied={})
    copy: Seen | None = seen
    failure = Failure(_SEVERAL_WRITERS, "other writers changed it again and again")
    for _ in range(change.preset.concurrency.rereads_max + 1):
        if copy is None:
            copy = await _read(change, seen.id, inquiry)
            if copy is None:
                return None
        content, refused = _content(change, wanted, copy, again=_is_again(change, applied))
        for one in refused:
            transcript.note(f"cannot be said to Millennium: {one.path}, {one.reason}")
        if content is None:
            return Changed(etag=copy.etag, verb="unchanged", applied=times)
        content = await _whole(change, content, exchanges)
        try:
            written = await _write(change.preset, copy, content, exchanges)
        except _GoneError:
            return None
        if isinstance(written, str):
            return Changed(etag=written, verb="changed", applied=times)
        failure, copy = written, None
    raise Stopped(failure)


def _in_order(
    change: Change, applied: Mapping[str, float]
) -> tuple[Json, Mapping[str, float], tuple[str, ...]]:
    """What of the message is not older than what was written, its times, and what is older."""
    if change.preset.interaction is Interaction.PATCH:
        found = in_order(change.resource, change.event_at, applied)
        return found.resource, found.applied, found.older
    if is_older(change.event_at, applied):
        return {}, {}, (RESOURCE,)
    times = {} if change.event_at is None else {RESOURCE: change.event_at}
    return change.resource, times, ()


def _is_again(change: Change, applied: Mapping[str, float]) -> bool:
    """The event was applied before: the message, or a replay of it, comes again."""
    return change.event_at is not None and applied.get(RESOURCE) == change.event_at


def _content(
    change: Change, wanted: Json, copy: Seen, *, again: bool
) -> tuple[Json | list[Json] | None, list[Refused]]:
    """What is sent, None when the copy has it all; and what cannot be said."""

    def normal(system: str, value: str) -> str:
        return normalise(value, change.pools.get(system, ()))

    rules = change.preset.rules or ResourceRules(resource=change.preset.resource)
    if change.preset.interaction is Interaction.PATCH:
        if rules.resource == "Appointment":
            made = patch_appointment(copy.resource, wanted)
        else:
            made = patch_of(copy.resource, wanted, rules, deletes=change.deletes, normalise=normal)
        return made.operations or None, made.refused
    whole = replacement_of(copy.resource, wanted, rules, normalise=normal, again=again)
    return (whole.resource if whole.changed else None), whole.refused


async def _whole(
    change: Change, content: Json | list[Json], exchanges: Exchanges
) -> Json | list[Json]:
    """What is sent, with the contents that the server's copy only points to.

    Raises Stopped: one cannot be read.
    """
    if change.reader is None or isinstance(content, list):
        return content
    unread = contents_unread(content)
    if not unread:
        return content
    data: dict[str, str] = {}
    for attachment in unread:
        url = str(attachment["url"])
        identity = url.rstrip("/").rpartition("/")[2]
        request = render_request(change.reader, exchanges.roots, {"id": identity})
        answer = await exchanges.ask(request, change.reader)
        if isinstance(answer, Failure):
            raise Stopped(answer)
        found = data_of(answer)
        if found is None:
            raise Stopped(failure_of(change.reader, answer))
        data[url] = found
    return with_contents(content, data)


async def _read(change: Change, resource_id: str, inquiry: Inquiry) -> Seen | None:
    found = await inquiry.read(change.preset.resource, resource_id)
    if isinstance(found, NoAnswer):
        raise stopped_by(Wait(reason=Reason.NO_ANSWER), change.preset.resource, inquiry.failure)
    return found.seen


async def _write(
    preset: CallPreset, copy: Seen, content: Json | list[Json], exchanges: Exchanges
) -> str | Failure:
    """The new ETag; or why it is to be tried on a fresh copy."""
    arguments = {"id": copy.id, "etag": copy.etag}
    request = render_request(preset, exchanges.roots, arguments, content)
    answer = await exchanges.send(request, preset)
    if isinstance(answer, Fault):
        failure = lost_failure(answer)
        if failure.classification.failure_class is FailureClass.AMBIGUOUS:
            return failure
        raise Stopped(failure)
    found = classified(preset, answer)
    if found.kind is AnswerClass.DONE:
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return captured(preset, headers, answer.body).get("etag", "")
    if found.kind is AnswerClass.MISSING:
        raise _GoneError
    failure = failure_of(preset, answer)
    if found.kind in (AnswerClass.CONFLICT, AnswerClass.UNKNOWN):
        return failure
    raise Stopped(failure)
