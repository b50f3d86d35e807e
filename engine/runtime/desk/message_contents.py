"""Rim. What a message says and what was made of it, masked for whoever looks.

What was made is made again, from the stored bytes and the configuration the message came under, by
the same pure step; so every element is tied to its rule and to the places it came from.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.cda.reader import is_document, parse_document
from engine.hl7v2.parser import parse
from engine.mapping.accounting import account
from engine.mapping.accounts import CONDITION, UNMAPPED, UNWRITTEN, LeafAccount
from engine.mapping.compiler.compiler import Program
from engine.mapping.compiler.documents import DocumentProgram
from engine.runtime.desk.benches import Lent, SharedBenches
from engine.runtime.desk.document_view import DocumentRow, Section, document_rows, sections
from engine.runtime.desk.element_lines import Made, element_lines
from engine.runtime.desk.masking import MaskingPolicy
from engine.runtime.desk.message_tree import MessageTree, field_name, message_tree
from engine.runtime.desk.opened_message import Opened, latest_with_deliveries, revision_of
from engine.runtime.desk.raw_text import RawText, plain_text, raw_text
from engine.runtime.desk.server_errors import ServerError, server_errors
from engine.runtime.desk.source_ids import SourceIds
from engine.runtime.desk.stored_text import shown_body, steps
from engine.runtime.desk.workbench import Traced

LOST_MAX = 200
LOST = (UNMAPPED, UNWRITTEN, CONDITION)
"""Populated, and not in the output, and not ignored for a reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A populated place that is in no element."""

    path: str
    name: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What one destination is sent."""

    destination: str
    content_type: str
    state: str
    steps: tuple[str, ...]
    """What it asks of the destination: interactions or calls."""
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a message says and what was made of it; only for who may see contents."""

    tree: MessageTree | None = None
    """Of a message."""
    raw: RawText | None = None
    document: tuple[DocumentRow, ...] = ()
    document_is_all: bool = True
    sections: tuple[Section, ...] = ()
    """Narrative; none for a masked viewer."""
    made: Made | None = None
    """None: nothing could be made."""
    map_name: str = ""
    counts: tuple[tuple[str, int], ...] = ()
    """How many populated places became what."""
    lost: tuple[Lost, ...] = ()
    not_written: int = 0
    """Rules that ran and wrote nothing."""
    errors: tuple[ServerError, ...] = ()
    """Of the last answers."""
    sent: tuple[Sent, ...] = ()
    notes: tuple[str, ...] = ()


def contents_of(opened: Opened, benches: SharedBenches, *, empty: bool = False) -> Contents:
    """What a message says and what was made of it.

    Args:
        opened: the message.
        benches: configurations, to make again what was made.
        empty: show defined fields without a value too.
    """
    try:
        with benches.lend(revision_of(opened.detail)) as lent:
            return _explained(opened, lent, empty=empty)
    except LookupError:
        return _plain(opened, "There is no configuration here to explain the message with.")


def _plain(opened: Opened, note: str) -> Contents:
    """What is there without a configuration."""
    raw = opened.detail.receipt.raw
    message = None if is_document(raw) else parse(raw).message
    return Contents(
        tree=message_tree(message, opened.policy) if message is not None else None,
        raw=_raw(raw, opened.policy),
        sent=_sent(opened),
        notes=(note,),
    )


def _raw(raw: bytes, policy: MaskingPolicy | None) -> RawText | None:
    message = None if is_document(raw) else parse(raw).message
    if message is not None:
        return raw_text(message, policy)
    return plain_text(raw) if policy is None else None


def _raw_of(traced: Traced | None, raw: bytes, policy: MaskingPolicy | None) -> RawText | None:
    """The text as received; tied to the tree where no rule edited the message."""
    message = traced.trace.message if traced is not None else None
    if traced is not None and message is not None and not traced.conversion.result.edits:
        return raw_text(message, policy)
    return _raw(raw, policy)


def _explained(opened: Opened, lent: Lent, *, empty: bool) -> Contents:
    receipt, policy = opened.detail.receipt, opened.policy
    try:
        traced = lent.bench.trace(receipt.raw, receipt.channel)
    except KeyError:
        return _plain(opened, f"The channel {receipt.channel} is in no configuration that is kept.")
    document = parse_document(receipt.raw).document if is_document(receipt.raw) else None
    if traced is not None and traced.conversion.result.document is not None:
        document = traced.conversion.result.document
    message = traced.trace.message if traced is not None else None
    if message is None and document is None:
        message = parse(receipt.raw).message
    ids = SourceIds(message, document)
    accounts = _accounts(traced, lent, receipt.channel)
    rows, is_all = document_rows(document, masked=policy is not None) if document else ([], True)
    lost = [one for one in accounts if one.state in LOST]
    version = message.version if message is not None else ""
    return Contents(
        tree=message_tree(message, policy, accounts, empty=empty) if message is not None else None,
        raw=_raw_of(traced, receipt.raw, policy),
        document=tuple(rows),
        document_is_all=is_all,
        sections=tuple(sections(document)) if document is not None and policy is None else (),
        made=element_lines(traced, ids, policy) if traced is not None else None,
        map_name=traced.made.map_name if traced is not None else "",
        counts=tuple(Counter(one.state for one in accounts).most_common()),
        lost=tuple(
            Lost(path=ids.label(one.path), name=field_name(version, one.path), state=one.state)
            for one in lost[:LOST_MAX]
        ),
        not_written=len(traced.trace.misses) if traced is not None else 0,
        errors=_errors(opened, traced, ids),
        sent=_sent(opened),
        notes=_notes(opened, lent, traced),
    )


def _accounts(traced: Traced | None, lent: Lent, channel_name: str) -> Sequence[LeafAccount]:
    """What became of every populated leaf of a message, or every statement of a document."""
    if traced is None:
        return ()
    document = traced.conversion.result.document
    if document is not None and isinstance(traced.program, DocumentProgram):
        channel = lent.bench.choose(document.raw, channel_name)
        return traced.program.accounts(document, lent.bench.plan(channel).context)
    if traced.trace.message is not None and isinstance(traced.program, Program):
        return account(traced.trace.message, traced.trace, traced.program)
    return ()


def _errors(opened: Opened, traced: Traced | None, ids: SourceIds) -> tuple[ServerError, ...]:
    """Of the last answer of each delivery of the latest run that failed."""
    found: list[ServerError] = []
    run = latest_with_deliveries(opened.detail)
    for delivery in run.deliveries if run is not None else ():
        attempt = delivery.attempts[-1] if delivery.attempts else None
        if attempt is None or attempt.failure_class is None:
            continue
        changed = attempt.request.partition(b"\n\n")[2]
        sent = changed if changed.startswith(b"{") else delivery.body
        found += server_errors(attempt.response, sent, traced, ids, words=opened.policy is None)
    return tuple(found)


def _sent(opened: Opened) -> tuple[Sent, ...]:
    run = latest_with_deliveries(opened.detail)
    return tuple(
        Sent(
            destination=one.destination,
            content_type=one.content_type.partition(";")[0],
            state=one.state.value,
            steps=tuple(steps(one.body)),
            text=shown_body(one.body, opened.policy),
        )
        for one in (run.deliveries if run is not None else ())
    )


def _notes(opened: Opened, lent: Lent, traced: Traced | None) -> tuple[str, ...]:
    notes: list[str] = []
    revision = revision_of(opened.detail)
    if revision and not lent.is_then:
        notes.append(
            f"Configuration {revision} is not kept any more: this is what the one in force makes."
        )
    if traced is None:
        notes.append("The message cannot be read, so nothing was made of it.")
        return tuple(notes)
    if traced.conversion.result.edits:
        count = len(traced.conversion.result.edits)
        notes.append(
            f"Preprocess rules edited {count} places: the tree is the edited message, the raw text"
            " is as it was received."
        )
    run = latest_with_deliveries(opened.detail)
    made = {one.destination: one.body for one in traced.conversion.result.outputs}
    if run is not None and any(
        made.get(one.destination) not in (None, one.body) for one in run.deliveries
    ):
        notes.append(
            "What was sent then differs from what is made of the message now: the lines below are"
            " made now, what was sent is under “Sent”."
        )
    return tuple(notes)
