"""Pure. Step 7 of a message's path: bytes in; a state, outputs and diagnostics out. ONE function.

The engine, replay, `convert`, `explain`, `test`, impact previews and the console all call it:
that they run the same code is the point. The same bytes and plan give the same result, byte for
byte. It never raises: a fault of our own becomes an ERROR that names the step and the kind of
fault, no value.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

from engine.cda.document import Document
from engine.cda.header import DocumentHeader, read_header
from engine.cda.reader import is_document, parse_document
from engine.channel.model import MERGE
from engine.channel.preprocess import Edit, preprocess
from engine.diagnostics import Diagnostic, Place, has_errors
from engine.fhir.entries import Entry
from engine.hl7v2.groups import group
from engine.hl7v2.header import peek
from engine.hl7v2.message import Message
from engine.hl7v2.parser import parse
from engine.mapping.run import MapResult
from engine.millennium.calls.body import MessageFacts
from engine.pipeline import codes
from engine.pipeline.call_output import compose_outputs, document_facts, message_facts
from engine.pipeline.conditions import narrowed
from engine.pipeline.document_keys import document_event_at, document_search_keys
from engine.pipeline.document_message import as_message
from engine.pipeline.document_output import document_entries, with_outcome
from engine.pipeline.embedded import embedded_documents, join_documents
from engine.pipeline.encoding import encode_outputs
from engine.pipeline.late_version import said_now, superseded_entries
from engine.pipeline.moments import event_at, instant, instant_of
from engine.pipeline.plan import PASSED_ON, ChannelPlan, Converter, DocumentConverter
from engine.pipeline.repair import repair_entries
from engine.pipeline.result import HL7_V2, Output, ProcessResult
from engine.pipeline.search_keys import KEYS_MAX, channel_keys, search_keys
from engine.pipeline.states import State
from engine.pipeline.version_order import DocumentVersion, Newer, version_of

CONVERT = "convert"

LetGo = Callable[[int], None]
"""Is told the bytes of a document whose tree is not needed any more."""
FOLDED_BYTES_MIN = 4_000_000
"""Narratives of larger documents are folded where only the resources are wanted."""
NULLS_SHOWN_MAX = 10
"""Paths of explicit nulls that a diagnostic names."""


@dataclass(slots=True)
class _Course:
    """How far one message has come: what a failing step still leaves to tell."""

    event_at: float
    step: str = "decode"
    message: Message | None = None
    document: Document | None = None
    diagnostics: list[Diagnostic] = field(default_factory=list)
    keys: tuple[tuple[str, str], ...] = ()
    entries: list[Entry] = field(default_factory=list)
    edits: tuple[Edit, ...] = ()
    sender: int | None = None
    held: bool = False
    """A document inside the message waits for a person."""
    is_document: bool = False
    let_go: LetGo | None = None
    newer: Mapping[DocumentVersion, Newer] = field(default_factory=dict)
    versions: list[DocumentVersion] = field(default_factory=list)
    whole: list[Entry] | None = None
    """All that a late version made, where less of it is sent: a Bundle of its own holds it."""

    def newer_than(self, facts: DocumentHeader) -> Newer | None:
        """The newer version that is known of a document; the document is taken note of."""
        version = version_of(facts)
        self.versions.append(version)
        return self.newer.get(version)

    def result(self, state: State, outputs: tuple[Output, ...] = ()) -> ProcessResult:
        """What has come of it."""
        return ProcessResult(
            state=state,
            outputs=outputs,
            diagnostics=tuple(self.diagnostics),
            search_keys=self.keys,
            event_at=self.event_at,
            entries=tuple(self.entries),
            message=self.message,
            document=self.document,
            edits=self.edits,
            sender=self.sender,
            versions=tuple(self.versions),
        )


def process(
    raw: bytes,
    plan: ChannelPlan,
    *,
    received_at: float,
    let_go: LetGo | None = None,
    newer: Mapping[DocumentVersion, Newer] | None = None,
) -> ProcessResult:
    """Process one message. Never raises, whatever the bytes are.

    Args:
        raw: one message as received.
        plan: the channel's.
        received_at: Unix seconds, the time of the event where the message tells none.
        let_go: where only the outputs are wanted: a document is let go when its resources are made,
            as its tree takes ten times its bytes, and this is called with its size. None: the
            result has the document, for reports.
        newer: newer versions that were delivered of the documents it is or holds, as asked for
            with `ProcessResult.versions` of a first pass.

    Returns:
        TRANSFORMED with one output per destination, FILTERED, HELD (a code asks for a person), or
        ERROR (unreadable, no map, nothing valid made). Search keys and event time whenever
        readable.
    """
    course = _Course(event_at=received_at, let_go=let_go, newer=newer or {})
    try:
        return _process(raw, plan, course)
    except Exception as problem:  # noqa: BLE001  the fault is ours, and the feed must go on
        course.diagnostics.append(
            codes.PROCESSING_FAILED(step=course.step, kind=type(problem).__name__)
        )
        return course.result(State.ERROR)


def _process(raw: bytes, plan: ChannelPlan, course: _Course) -> ProcessResult:
    if is_document(raw):
        return _process_document(raw, plan, course)
    message = _decode(raw, plan, course)
    if message is None:
        return course.result(State.ERROR)
    if plan.senders:
        plan = _plan_of_sender(message, plan, course)
    if plan.rules:
        course.step = "preprocess"
        message, course.edits = preprocess(message, plan.rules)
        course.message = message
    course.step = "search keys"
    course.keys = search_keys(message, plan.readers)
    course.event_at = event_at(message, plan.context.time_zone) or course.event_at
    if not _passes(message, plan, course):
        return course.result(State.FILTERED)
    chosen = _taking(message, plan, course)
    if chosen is None:
        return course.result(State.FILTERED)
    plan = chosen
    if plan.program is None or plan.config.transform.map == PASSED_ON:
        return course.result(State.TRANSFORMED, _in_order(plan, _as_received(raw, plan)))
    return _transform(raw, message, plan, plan.program, course)


def _plan_of_sender(message: Message, plan: ChannelPlan, course: _Course) -> ChannelPlan:
    course.step = "sender"
    for index, sender in enumerate(plan.senders):
        if sender.holds(message):
            course.sender = index
            return sender.plan
    return plan


def _passes(message: Message, plan: ChannelPlan, course: _Course) -> bool:
    course.step = "filter"
    if plan.passes is None or plan.passes(message):
        return True
    course.diagnostics.append(plan.passes.refusal(message))
    return False


def _taking(message: Message, plan: ChannelPlan, course: _Course) -> ChannelPlan | None:
    """The plan with the destinations that take the message; None, said, when none does."""
    if not plan.conditions:
        return plan
    course.step = "destinations"
    found = narrowed(plan, message)
    if found is None:
        course.diagnostics.append(codes.NOBODY_TAKES())
    return found


def _process_document(raw: bytes, plan: ChannelPlan, course: _Course) -> ProcessResult:
    course.is_document = True
    facts = read_header(raw)
    header = as_message(facts, raw)
    if plan.senders:
        plan = _plan_of_sender(header, plan, course)
    course.step = "search keys"
    own_keys = channel_keys(header, plan.readers)
    course.keys = (*document_search_keys(facts), *own_keys)[:KEYS_MAX]
    course.event_at = document_event_at(facts, plan.context.time_zone) or course.event_at
    course.step = "decode"
    parsed = parse_document(
        raw,
        repair_cp1252=plan.config.decoding.repair_cp1252,
        folds_from=FOLDED_BYTES_MIN if _folds(plan, course) else None,
    )
    course.diagnostics.extend(parsed.diagnostics)
    course.document = parsed.document
    del parsed  # what is let go must be held nowhere
    if course.document is None:
        return course.result(State.ERROR)
    if not _passes(header, plan, course):
        return course.result(State.FILTERED)
    chosen = _taking(header, plan, course)
    if chosen is None:
        return course.result(State.FILTERED)
    plan = chosen
    newer = course.newer_than(facts)
    if plan.documents is None or plan.config.transform.map == PASSED_ON:
        if newer is not None:
            course.diagnostics.append(codes.LATE_PASSED_ON(message=newer.message_id))
        return course.result(State.TRANSFORMED, _in_order(plan, _as_received(raw, plan)))
    course.step = "map"
    made = plan.documents().convert(course.document, plan.context)
    if course.let_go is not None:
        course.document = None
        course.let_go(len(raw))
    course.entries = document_entries(made.entries, facts, plan.context.source_system)
    if newer is not None:
        course.diagnostics.append(codes.LATE_VERSION(message=newer.message_id))
        course.whole, course.entries = course.entries, superseded_entries(course.entries)
        if not course.entries:
            outputs = _as_received(raw, plan)
            state = State.TRANSFORMED if outputs else State.FILTERED
            return course.result(state, _in_order(plan, outputs))
    return _finish(raw, made, None, plan, course)


def _folds(plan: ChannelPlan, course: _Course) -> bool:
    return course.let_go is not None and plan.documents is not None and plan.documents().folds


def _decode(raw: bytes, plan: ChannelPlan, course: _Course) -> Message | None:
    decoding = plan.config.decoding
    parsed = parse(
        raw,
        charset=decoding.charset,
        default_charset=decoding.default_charset,
        repair_cp1252=decoding.repair_cp1252,
        line_ends=decoding.line_ends,
        header=peek(raw),
    )
    course.diagnostics.extend(parsed.diagnostics)
    course.message = parsed.message
    return parsed.message


def _transform(
    raw: bytes, message: Message, plan: ChannelPlan, program: Converter, course: _Course
) -> ProcessResult:
    course.step = "group"
    grouped = group(message, plan.places)
    course.diagnostics.extend(grouped.diagnostics)
    course.step = "map"
    made = program.convert(grouped, plan.context, plan.config.transform.map)
    course.entries = made.entries
    if plan.config.transform.embedded_documents == CONVERT and plan.documents is not None:
        course.step = "documents inside"
        _add_embedded(message, plan, plan.documents, course)
    return _finish(raw, made, instant(message), plan, course)


def _add_embedded(
    message: Message, plan: ChannelPlan, program: Callable[[], DocumentConverter], course: _Course
) -> None:
    """Join the resources of the documents inside a message with its own."""
    found, problems = embedded_documents(message)
    course.diagnostics.extend(problems)
    for one in found:
        made = program().convert(one.document, plan.context)
        course.diagnostics.extend(made.diagnostics)
        entries = document_entries(made.entries, one.facts, plan.context.source_system)
        newer = course.newer_than(one.facts)
        if newer is None:
            course.held = course.held or made.held
        else:
            course.diagnostics.append(codes.LATE_VERSION(one.place, message=newer.message_id))
            entries = superseded_entries(entries)
        course.entries, same = join_documents(course.entries, entries)
        if not same:
            course.diagnostics.append(codes.EMBEDDED_OTHER_PATIENT(one.place))
        course.keys = (*document_search_keys(one.facts), *course.keys)[:KEYS_MAX]


def _finish(
    raw: bytes, made: MapResult, stamp: str | None, plan: ChannelPlan, course: _Course
) -> ProcessResult:
    """Check what was made and write it for every destination."""
    course.diagnostics.extend(made.diagnostics)
    if made.nulls:
        course.diagnostics.append(_nulls_sent(made.nulls))
    course.entries = _updated(course.entries, plan.updates)
    if course.held or (made.held and course.whole is None):
        return course.result(State.HELD)
    if not course.entries:
        if not has_errors(made.diagnostics):
            course.diagnostics.append(codes.NOTHING_MADE())
        return course.result(State.ERROR)
    course.step = "check"
    if not _check(plan, course):
        return course.result(State.ERROR)
    course.step = "encode"
    if plan.config.transform.outcome:
        key = sha256(raw).hexdigest()
        system = plan.context.source_system
        recorded = instant_of(course.event_at)
        problems = course.diagnostics
        course.entries = with_outcome(course.entries, problems, system, key, recorded)
        if course.whole is not None:
            course.whole = with_outcome(course.whole, problems, system, key, recorded)
    encoded, more = encode_outputs(
        course.entries,
        plan.forms,
        timestamp=stamp,
        assembled_at=course.event_at if course.is_document else None,
        whole=course.whole,
    )
    course.diagnostics.extend(more)
    outputs = _as_received(raw, plan) | encoded
    if plan.composers:
        course.step = "compose"
        said = said_now(course.entries) if course.newer else course.entries
        composed = compose_outputs(said, plan.composers, _facts(raw, course))
        course.diagnostics.extend(composed.diagnostics)
        if composed.held or composed.failed:
            return course.result(State.HELD if composed.held else State.ERROR)
        outputs |= composed.outputs
    return course.result(State.TRANSFORMED, _in_order(plan, outputs))


def _facts(raw: bytes, course: _Course) -> MessageFacts:
    """What calls say of the message or document."""
    event = instant_of(course.event_at)
    if course.message is None:
        return document_facts(read_header(raw), event)
    return message_facts(course.message, event)


def _updated(entries: Sequence[Entry], updates: Mapping[str, str]) -> list[Entry]:
    """The entries with what the channel says of their types: merge or replace."""
    if not updates:
        return list(entries)
    found: list[Entry] = []
    for entry in entries:
        word = updates.get(entry.resource["resourceType"])
        merges = entry.merges if word is None else word == MERGE
        found.append(entry if merges is entry.merges else replace(entry, merges=merges))
    return found


def _nulls_sent(paths: Sequence[str]) -> Diagnostic:
    """One diagnostic a message: some senders write the explicit null all over it."""
    shown = ", ".join(paths[:NULLS_SHOWN_MAX])
    rest = len(paths) - NULLS_SHOWN_MAX
    more = f" and {rest} more" if rest > 0 else ""
    return codes.NULLS_SENT(Place(path=paths[0]), paths=shown + more)


def _check(plan: ChannelPlan, course: _Course) -> bool:
    """Make the resources valid; False when none is left, or the second validator refuses one."""
    if plan.config.transform.validate == "none":
        return True
    course.entries, problems = repair_entries(course.entries)
    course.diagnostics.extend(problems)
    if course.whole is not None:
        course.whole, _ = repair_entries(course.whole)
    if not course.entries:
        return False
    if plan.strict is None:
        return True
    refused = [
        codes.STRICT_REFUSED(Place(path=path), path=path, reason=reason)
        for entry in course.entries
        if not entry.only_merged
        for path, reason in plan.strict(entry.resource)
    ]
    course.diagnostics.extend(refused)
    return not refused


def _as_received(raw: bytes, plan: ChannelPlan) -> dict[str, Output]:
    return {
        name: Output(destination=name, content_type=HL7_V2, body=raw) for name in plan.as_received
    }


def _in_order(plan: ChannelPlan, outputs: dict[str, Output]) -> tuple[Output, ...]:
    return tuple(outputs[name] for name in plan.order if name in outputs)
