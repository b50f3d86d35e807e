"""Rim. Why an element is not there: the rules that would have written it, and what kept them; and
the rules themselves, as text.
"""

import re
from dataclasses import dataclass, field

from engine.mapping.trace import Miss, SourceSpan
from engine.runtime.desk.benches import SharedBenches
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.masking import HIDDEN, MaskingPolicy
from engine.runtime.desk.opened_message import open_message, revision_of
from engine.runtime.desk.rights import Right, Viewer
from engine.runtime.desk.source_ids import short
from engine.runtime.desk.workbench import Traced

ANSWERS_MAX = 30
LISTED_MAX = 300
SAW_MAX = 20
VALUE_CHARACTERS_MAX = 200
LINES_AROUND = 3

ELEMENT = re.compile(r"[A-Z][A-Za-z]{1,60}(?:\.[A-Za-z_]{1,80}(?:\[(?:\d{1,5}|x)\])?){0,20}")
"""An element that can be asked for: `Patient.deceasedBoolean`, `Patient.name[0].family`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotWritten:
    """A rule that wrote nothing."""

    element: str
    """What it writes, as the map says."""
    rule: str
    """`transforms/hl7v2/segments/PID_Patient.yaml:31`."""
    map_name: str
    reason: str
    saw: tuple[tuple[str, str], ...] = field(repr=False)
    """(path, value) of what its condition or it read."""
    reads: tuple[str, ...]
    """What it would read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyNot:
    """The answer."""

    element: str
    written_by: tuple[str, ...]
    """Rules that did write it."""
    rules: tuple[NotWritten, ...]
    is_all: bool


def why_not(
    desk: Desk,
    viewer: Viewer,
    policy: MaskingPolicy,
    benches: SharedBenches,
    message_id: int,
    element: str,
) -> WhyNot | None:
    """Why a message has not an element, or which rules wrote nothing at all (empty element).

    Returns:
        None when there is no such message within the viewer's channels.

    Raises:
        ValueError: that is no element.
        LookupError: there is no configuration to ask, or nothing was made of the message.
    """
    if element and ELEMENT.fullmatch(element) is None:
        raise ValueError("an element is written as Patient.name[0].family")
    opened = open_message(
        desk, viewer, policy, message_id, Right.SEE_BODIES, subject=f"why not {element}".strip()
    )
    if opened is None:
        return None
    receipt = opened.detail.receipt
    with benches.lend(revision_of(opened.detail)) as lent:
        traced = lent.bench.trace(receipt.raw, receipt.channel)
    if traced is None:
        raise LookupError("the message cannot be read")
    most = ANSWERS_MAX if element else LISTED_MAX
    misses = traced.trace.why_not(element) if element else _latest_of_each(traced.trace.misses)
    written = traced.trace.why(element) if element else []
    places = (f"{one.rule.place.file}:{one.rule.place.line}" for one in written)
    return WhyNot(
        element=element,
        written_by=tuple(dict.fromkeys(places)),
        rules=tuple(_not_written(traced, one, opened.policy) for one in misses[:most]),
        is_all=len(misses) <= most,
    )


def _latest_of_each(misses: list[Miss]) -> list[Miss]:
    """One miss for each rule."""
    return list({miss.rule.number: miss for miss in misses}.values())


def _not_written(traced: Traced, miss: Miss, policy: MaskingPolicy | None) -> NotWritten:
    seen = (miss.conditions if miss.refused else miss.sources)[:SAW_MAX]
    raw = traced.trace.message.raw if traced.trace.message is not None else b""
    spans = traced.trace.spans(seen)
    return NotWritten(
        element=miss.rule.target,
        rule=f"{miss.rule.place.file}:{miss.rule.place.line}",
        map_name=miss.rule.map_name,
        reason="its condition was false"
        if miss.refused
        else "what it reads is empty, or could not be used",
        saw=tuple((short(span.path), _value(span, raw, policy)) for span in spans),
        reads=miss.rule.sources,
    )


def _value(span: SourceSpan, raw: bytes, policy: MaskingPolicy | None) -> str:
    if policy is not None and (span.line is not None or not policy.shows(span.path)):
        return HIDDEN
    if span.line is not None:
        return span.text[:VALUE_CHARACTERS_MAX]
    return raw[span.start : span.end].decode("utf-8", "backslashreplace")[:VALUE_CHARACTERS_MAX]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleText:
    """Some lines of a map."""

    file: str
    line: int
    lines: tuple[tuple[int, str], ...]
    """(number, text), the rule's own among them."""


def rule_text(benches: SharedBenches, revision: str, rule: str) -> RuleText | None:
    """The lines around a rule such as `transforms/hl7v2/segments/PID_Patient.yaml:23`.

    None when no configuration has that file. Raises LookupError when there is no configuration.
    """
    file, _, number = rule.rpartition(":")
    if not (number.isascii() and number.isdigit() and len(number) < 7):
        return None
    with benches.lend(revision) as lent:
        files = lent.bench.loaded.files
    text = files.transforms.get(file) or files.overlays.get(file) or files.channels.get(file)
    if text is None:
        return None
    lines = text.splitlines()
    at = int(number)
    first = max(1, at - LINES_AROUND)
    shown = enumerate(lines[first - 1 : at + LINES_AROUND], first)
    return RuleText(file=file, line=at, lines=tuple(shown))
