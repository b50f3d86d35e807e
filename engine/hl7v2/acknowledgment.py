"""Pure. THE acknowledgment table: whether a message is answered, with which code, and the answer's
bytes.

HL7 v2.5.1 chapter 2.9.2 (original mode) and 2.9.3 (enhanced mode), tables 0008, 0155 and 0357.
Everything that decides about an acknowledgment is in this file. Two moments exist: a message is
*received* (stored durably, or refused), and later *processed* (transformed or delivered, or
failed).

Original mode, MSH-15 and MSH-16 both empty: one application acknowledgment, at receipt; or, where
the channel acknowledges on `transformed` or `delivered`, after processing. Enhanced mode, at least
one of them valued: an accept acknowledgment at receipt as MSH-15 asks and an application
acknowledgment after processing as MSH-16 asks; an empty one of the two asks for nothing. An
acknowledgment is never acknowledged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from engine.diagnostics import Diagnostic, Severity
from engine.hl7v2.definitions import DEFAULT_VERSION, VERSIONS, nearest_version
from engine.hl7v2.escape import escape
from engine.hl7v2.header import Header, peek, peek_fields
from engine.hl7v2.path import parse_path


class Moment(Enum):
    """When an acknowledgment may be due."""

    RECEIVED = "received"
    PROCESSED = "processed"


class Outcome(Enum):
    """What became of the message at that moment."""

    ACCEPTED = "accepted"
    ERROR = "error"
    """Something in its content is wrong; the same message will fail again."""
    REJECTED = "rejected"
    """Refused for its type, or for reasons outside it; the same message may succeed later."""


class Mode(Enum):
    """The acknowledgment mode, which the sender chooses by MSH-15 and MSH-16."""

    ORIGINAL = "original"
    ENHANCED = "enhanced"


_EVERY = frozenset(Outcome)
_NO_OUTCOME: frozenset[Outcome] = frozenset()
_FAILURES = frozenset({Outcome.ERROR, Outcome.REJECTED})

ACCEPT_CODES = {Outcome.ACCEPTED: "CA", Outcome.ERROR: "CE", Outcome.REJECTED: "CR"}
APPLICATION_CODES = {Outcome.ACCEPTED: "AA", Outcome.ERROR: "AE", Outcome.REJECTED: "AR"}
"""Table 0008."""

CONDITIONS = {
    "AL": _EVERY,
    "NE": _NO_OUTCOME,
    "ER": _FAILURES,
    "SU": frozenset({Outcome.ACCEPTED}),
    "": _NO_OUTCOME,
}
"""Table 0155: for which outcomes MSH-15 and MSH-16 ask for an answer. Another value asks for all of
them, because a sender that gets no answer stops."""

_ORIGINAL = {
    # (moment, the channel acknowledges after processing): outcomes that are answered
    (Moment.RECEIVED, False): _EVERY,
    (Moment.RECEIVED, True): _FAILURES,
    (Moment.PROCESSED, False): _NO_OUTCOME,
    (Moment.PROCESSED, True): _EVERY,
}
_NEVER_ACKNOWLEDGED = frozenset({"ACK", "MCF"})

ERROR_CONDITIONS = {
    "0": "Message accepted",
    "100": "Segment sequence error",
    "101": "Required field missing",
    "102": "Data type error",
    "103": "Table value not found",
    "200": "Unsupported message type",
    "201": "Unsupported event code",
    "202": "Unsupported processing id",
    "203": "Unsupported version id",
    "204": "Unknown key identifier",
    "205": "Duplicate key identifier",
    "206": "Application record locked",
    "207": "Application internal error",
}
"""Table 0357."""

_CONDITION_OF = {
    # diagnostic code, or its first characters: table 0357
    "H201": "100",
    "H202": "100",
    "H203": "100",
    "H204": "100",
    "H22": "101",
    "H225": "203",
    "H226": "200",
    "H227": "200",
    "H23": "102",
    "H24": "100",
    "T52": "103",
}
_OTHER_CONDITION = "207"
_ERRORS_MAX = 10
"""ERR segments of one acknowledgment."""
_SEVERITIES = {Severity.ERROR: "E", Severity.WARNING: "W", Severity.INFO: "I"}
_ERR_IS_STRUCTURED_FROM = VERSIONS.index("2.5")
_STRUCTURE_FROM = VERSIONS.index("2.3.1")
_EVENT_FROM = VERSIONS.index("2.3")


def mode(header: Header) -> Mode:
    """Original or enhanced, by MSH-15 and MSH-16."""
    if len(header.parts) > 14 and (header.accept_type or header.application_type):
        return Mode.ENHANCED
    return Mode.ORIGINAL


def decide(
    header: Header, moment: Moment, outcome: Outcome, *, deferred: bool = False
) -> str | None:
    """The acknowledgment code to send now, or None to send nothing.

    Args:
        header: of the message.
        moment: received, or processed.
        outcome: what became of it.
        deferred: the channel acknowledges on `transformed` or `delivered`.
    """
    if outcome not in _answered(header, moment, deferred=deferred):
        return None
    accept = moment is Moment.RECEIVED and mode(header) is Mode.ENHANCED
    return (ACCEPT_CODES if accept else APPLICATION_CODES)[outcome]


def _answered(header: Header, moment: Moment, *, deferred: bool) -> frozenset[Outcome]:
    """The outcomes that are answered at a moment."""
    if len(header.parts) > 8 and header.message_code in _NEVER_ACKNOWLEDGED:
        return _NO_OUTCOME
    if mode(header) is Mode.ORIGINAL:
        return _ORIGINAL[moment, deferred]
    asked = header.accept_type if moment is Moment.RECEIVED else header.application_type
    return CONDITIONS.get(asked.strip(), _EVERY)


def accept_acknowledgment_code(
    header: Header, outcome: Outcome = Outcome.ACCEPTED, *, deferred: bool = False
) -> str | None:
    """The code due at receipt; `decide` for the moment RECEIVED."""
    return decide(header, Moment.RECEIVED, outcome, deferred=deferred)


def owes_application_acknowledgment(header: Header, *, deferred: bool = False) -> bool:
    """True when some outcome of processing will have to be answered later."""
    return bool(_answered(header, Moment.PROCESSED, deferred=deferred))


def build_acknowledgment(
    header: Header,
    code: str,
    *,
    control_id: str,
    timestamp: str,
    text_code0357: str | None = None,
    diagnostics: Sequence[Diagnostic] = (),
) -> bytes:
    """The acknowledgment of a message, in its sender's delimiters and character set, without a
    frame.

    Args:
        header: of the message; an unreadable one is answered with standard delimiters and an empty
            MSA-2.
        code: of table 0008.
        control_id: MSH-10 of the acknowledgment, ours.
        timestamp: MSH-7 of the acknowledgment.
        text_code0357: of table 0357, when it is known better than by the diagnostics.
        diagnostics: become ERR segments, warnings only beside errors; their texts hold no patient
            data.
    """
    head = _acknowledging_msh(header, control_id, timestamp)
    mark = header.delimiters.field
    answered = header.exact_control_id
    if not text_code0357 and not diagnostics:
        if answered is None:
            return f"{head}MSA{mark}{code}{mark}{header.control_id}\r".encode("ascii", "replace")
        return _join(header, head, f"MSA{mark}{code}{mark}", answered, "\r")
    tail, errors = _errors(header, text_code0357, diagnostics)
    exact = header.control_id_bytes
    return _join(header, head, f"MSA{mark}{code}{mark}", exact, f"{tail}\r{errors}")


def _join(header: Header, head: str, before: str, exact: bytes, after: str) -> bytes:
    codec = header.codec
    encoded = (head + before).encode(codec, "replace")
    return encoded + exact + after.encode(codec, "replace")


def _acknowledging_msh(header: Header, control_id: str, timestamp: str) -> str:
    """MSH with sender and receiver changed places."""
    parts = header.parts
    if len(parts) < 12:
        parts = (parts + ("",) * 12)[:12]
    marks = header.delimiters
    before, between, after = _constant_msh(
        (marks.field, marks.component, parts[1] or marks.encoding_characters),
        parts[2:6],
        (header.trigger_event, header.version),
        (parts[10], parts[11], header.field(18)),
    )
    return f"{before}{timestamp}{between}{control_id}{after}"


@lru_cache(maxsize=256)
def _constant_msh(
    marks: tuple[str, str, str],
    partners: tuple[str, ...],
    event_and_version: tuple[str, str],
    kept: tuple[str, str, str],
) -> tuple[str, str, str]:
    """What is the same in all acknowledgments to one sender: MSH before, between and after MSH-7
    and MSH-10.

    Args:
        marks: field and component separators and MSH-2.
        partners: MSH-3 to MSH-6 of the message.
        event_and_version: MSH-9.2 and MSH-12.1.
        kept: MSH-11, MSH-12 and MSH-18 as they stand.
    """
    field, component, encoding = marks
    event, version = event_and_version
    processing_id, full_version, charset = kept
    at = VERSIONS.index(nearest_version(version))
    kind = "ACK"
    if event and at >= _EVENT_FROM:
        kind += component + event
        if at >= _STRUCTURE_FROM:
            kind += component + "ACK"
    application, facility, own_application, own_facility = partners
    before = field.join(("MSH", encoding, own_application, own_facility, application, facility, ""))
    after = field.join(("", processing_id or "P", full_version or DEFAULT_VERSION))
    if charset:
        after += field * 6 + charset
    return before, f"{field}{field}{kind}{field}", f"{after}\r"


def _errors(
    header: Header, condition: str | None, diagnostics: Sequence[Diagnostic]
) -> tuple[str, str]:
    """What follows MSA-2, and the ERR segments."""
    chosen = [found for found in diagnostics if found.severity is Severity.ERROR]
    chosen += [found for found in diagnostics if found.severity is not Severity.ERROR]
    chosen = chosen[:_ERRORS_MAX]
    first = condition or condition_of(chosen[0].code)
    marks = header.delimiters
    at = VERSIONS.index(nearest_version(header.version))
    if at >= _ERR_IS_STRUCTURED_FROM:
        if not chosen:
            return "", _structured_err(header, None, first)
        return "", "".join(
            _structured_err(header, found, condition or condition_of(found.code))
            for found in chosen
        )
    text = escape(chosen[0].message if chosen else ERROR_CONDITIONS.get(first, ""), marks)
    tail = f"{marks.field}{text}"
    if at >= _EVENT_FROM:  # MSA-6 exists from 2.3 on
        tail += marks.field * 3 + _coded(header, first, marks.component)
    places = [
        place + marks.component + _coded(header, condition_of(found.code), marks.subcomponent)
        for found in chosen
        if (place := _location(header, found, 3))
    ]
    if not places:
        return tail, ""
    return tail, f"ERR{marks.field}{marks.repetition.join(places)}\r"


def _structured_err(header: Header, found: Diagnostic | None, condition: str) -> str:
    """ERR as of 2.5: place in ERR-2, table 0357 in ERR-3, severity, our code, hint, text."""
    field = header.delimiters.field
    coded = _coded(header, condition, header.delimiters.component)
    if found is None:
        return f"ERR{field}{field}{field}{coded}{field}E\r"
    marks = header.delimiters
    own = f"{found.code}{marks.component}{marks.component}L"
    hint = escape(found.hint or "", marks)
    text = escape(found.message, marks)
    return (
        f"ERR{field}{field}{_location(header, found, 6)}{field}{coded}{field}"
        f"{_SEVERITIES[found.severity]}{field}{own}{field}{field}{hint}{field}{text}\r"
    )


def _coded(header: Header, condition: str, mark: str) -> str:
    text = escape(ERROR_CONDITIONS.get(condition, ""), header.delimiters)
    return f"{condition}{mark}{text}{mark}HL70357"


def _location(header: Header, found: Diagnostic, count: int) -> str:
    """ERL: segment, sequence, field, repetition, component, subcomponent; empty when unknown."""
    path, _ = parse_path(found.place.path or "")
    if path is None:
        return ""
    repetition = path.repetition if isinstance(path.repetition, int) else None
    numbers = (path.occurrence or 1, path.field, repetition, path.component, path.subcomponent)
    parts = [path.segment, *("" if part is None else str(part) for part in numbers)]
    return header.delimiters.component.join(parts[:count]).rstrip(header.delimiters.component)


def condition_of(code: str) -> str:
    """The code of table 0357 for one of our diagnostics."""
    return _CONDITION_OF.get(code) or _CONDITION_OF.get(code[:3]) or _OTHER_CONDITION


@dataclass(frozen=True, slots=True)
class Acknowledgment:
    """What an acknowledgment says."""

    code: str
    """MSA-1."""
    control_id: str
    """MSA-2: MSH-10 of the message it answers."""

    @property
    def outcome(self) -> Outcome | None:
        """What the receiver did; None when MSA-1 is not of table 0008."""
        return _OUTCOME_OF.get(self.code)

    @property
    def is_accept(self) -> bool:
        """True for CA, CE and CR: the application's answer may follow."""
        return self.code[:1] == "C"


_OUTCOME_OF = {
    code: outcome for table in (ACCEPT_CODES, APPLICATION_CODES) for outcome, code in table.items()
}


def read_acknowledgment(raw: bytes) -> Acknowledgment | None:
    """Read MSA-1 and MSA-2; None when the bytes are no acknowledgment."""
    header = peek(raw)
    if not header.readable:
        return None
    code, control_id = peek_fields(raw[header.start :], (("MSA", 1), ("MSA", 2)))
    if not code:
        return None
    return Acknowledgment(code.strip(), control_id)
