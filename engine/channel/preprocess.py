"""Pure. Preprocess rules: small, checked edits of a message before it is mapped.

    PID-3[1].4 = "NVMRN" when PID-3[1].4 not valued
    move PID-2 to PID-3
    OBX-2 = "NM" when OBX-2 not valued and OBX-5 matches "^[0-9.]+$"
    delete ZXX

A rule is tried on each segment of its target's name; paths of that name read the same segment, all
others the whole message. The message as received stays in the log. HL7 v2.5.1 chapter 2.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from engine.channel import codes
from engine.channel.filter import Test, compile_test
from engine.channel.message_edits import delete_at, read_at, write_at
from engine.channel.message_values import value_reader
from engine.diagnostics import Diagnostic, Place
from engine.hl7v2.escape import escape
from engine.hl7v2.message import Message, Segment
from engine.hl7v2.parser import parse
from engine.mapping.checker.checker_source import check_message_path, which_repetition
from engine.mapping.expression import attempt, read_condition, read_expression
from engine.mapping.functions.record import TEXT_TYPES
from engine.mapping.functions.registry import FUNCTIONS
from engine.mapping.paths import read_path
from engine.mapping.scanner import Cursor
from engine.mapping.source_types import field_definition
from engine.mapping.syntax import Call, Condition, Expression, FirstOf, Literal, Path, Pipe
from engine.yamltext import Scalar

UTF_8 = "UNICODE UTF-8"

Read = Callable[[Message], str]
"""The decoded text of an expression; empty when there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What a rule did to one place of a message."""

    path: str
    """Such as `PID[1]-3[1].4`; of a deleted segment its name."""
    rule: str
    """As written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """One rule as read."""

    verb: str
    """set, move or delete."""
    target: Path
    source: Expression | None
    when: Condition | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PreprocessRule:
    """One rule, ready to run."""

    text: str
    verb: str
    target: Path
    source: Path | None
    """Of a move, and of a set that copies a place as it stands."""
    value: Read | None
    holds: Test | None
    problems: tuple[Diagnostic, ...] = ()
    """With an error among them the rule must not be used."""


def compile_rule(written: Scalar | str) -> PreprocessRule | None:
    """Compile one rule; None, when not even its form can be read (see `check_rule`)."""
    scalar = Scalar(written, Place()) if isinstance(written, str) else written
    line, _ = attempt(scalar.text, scalar, _read_line)
    return None if line is None else _compile(scalar.text, line)


def check_rule(scalar: Scalar) -> list[Diagnostic]:
    """Everything wrong with a rule: its form, its paths, functions it cannot use."""
    line, problems = attempt(scalar.text, scalar, _read_line)
    return problems if line is None else [*problems, *_compile(scalar.text, line).problems]


def _read_line(cursor: Cursor) -> _Line:
    if cursor.word("delete"):
        target, source, verb = read_path(cursor), None, "delete"
    elif cursor.word("move"):
        source = read_path(cursor)
        if not cursor.word("to"):
            raise cursor.fault('expected "to" after the source of "move"')
        target, verb = read_path(cursor), "move"
    else:
        target, verb = read_path(cursor), "set"
        cursor.expect("=", "the target")
        return _Line(
            verb=verb, target=target, source=read_expression(cursor), when=_read_when(cursor)
        )
    return _Line(verb=verb, target=target, source=source, when=_read_when(cursor))


def _read_when(cursor: Cursor) -> Condition | None:
    return read_condition(cursor) if cursor.word("when", "if") else None


def _compile(text: str, line: _Line) -> PreprocessRule:
    problems = _check_place(line.target, may_be_segment=line.verb == "delete")
    value: Read | None = None
    source: Path | None = None
    if isinstance(line.source, Path) and (line.verb == "move" or not line.target.components):
        source = line.source
        problems += _check_place(source, may_be_segment=False)
    elif line.source is not None:
        value = _reader(line.source, problems)
    holds = compile_test(line.when, problems) if line.when is not None else None
    return PreprocessRule(
        text=text,
        verb=line.verb,
        target=line.target,
        source=source,
        value=value,
        holds=holds,
        problems=tuple(problems),
    )


def _check_place(path: Path, *, may_be_segment: bool) -> list[Diagnostic]:
    """A place that can be edited: one field, repetition, component; or a segment to delete."""
    problems = check_message_path(path)
    if problems:
        return problems
    if path.steps or path.segment_selector is not None:
        return [codes.PREPROCESS_FORM(path.place, what="a group or one segment of several")]
    if path.field is None:
        whole = "a whole segment, other than to delete it"
        return [] if may_be_segment else [codes.PREPROCESS_FORM(path.place, what=whole)]
    if path.segment == "MSH" and path.field <= 2:
        return [codes.PREPROCESS_FORM(path.place, what="the delimiters")]
    if path.repetition is not None and path.repetition.every:
        return [codes.PREPROCESS_FORM(path.place, what="[*]")]
    field = field_definition(path.segment or "", path.field)
    if path.components and path.repetition is None and field is not None and field.repeats:
        return [which_repetition(path.place, f"{path.segment}-{path.field}")]
    return []


def _reader(one: Expression, problems: list[Diagnostic]) -> Read:
    """A function that gives the decoded text of an expression."""
    if isinstance(one, Literal):
        text = str(one.value).lower() if isinstance(one.value, bool) else str(one.value)
        return lambda _message: text
    if isinstance(one, Path):
        problems.extend(check_message_path(one))
        values = value_reader(one)
        return lambda message: next(iter(values(message)), "")
    if isinstance(one, FirstOf):
        readers = [_reader(option, problems) for option in one.options]
        return lambda message: next((text for read in readers if (text := read(message))), "")
    return _called(one, problems)


def _called(one: Pipe | Call, problems: list[Diagnostic]) -> Read:
    """Functions of text alone: `PID-3[1].1 -> upper`, `concat(PID-3[1].1, "-", PID-18.1)`."""
    calls: list[tuple[str, Sequence[Expression], tuple[tuple[str, Expression], ...]]] = []
    first: Read | None = None
    if isinstance(one, Pipe):
        first = _reader(one.source, problems)
        for step in one.steps:
            if step.kind != "function":
                problems.append(codes.PREPROCESS_FORM(step.place, what="maps or tables"))
                return lambda _message: ""
            calls.append((step.name, (), step.arguments))
    else:
        calls.append((one.name, one.arguments, one.named))
    steps = [_call(name, given, named, one.place, problems) for name, given, named in calls]

    def read(message: Message) -> str:
        text = first(message) if first is not None else None
        for step in steps:
            text = step(message, text)
            if not text:
                return ""
        return text or ""

    return read


def _call(
    name: str,
    given: Sequence[Expression],
    named: tuple[tuple[str, Expression], ...],
    place: Place,
    problems: list[Diagnostic],
) -> Callable[[Message, str | None], str]:
    record = FUNCTIONS.get(name)
    if record is None or record.uses_facts or record.returns != TEXT_TYPES or record.yields_list:
        problems.append(codes.PREPROCESS_FORM(place, what=f"the function {name}"))
        return lambda _message, _text: ""
    readers = [_reader(argument, problems) for argument in given]
    by_name = {word: _reader(argument, problems) for word, argument in named}
    names = [parameter.name for parameter in record.parameters]

    def call(message: Message, piped: str | None) -> str:
        values: list[Any] = [] if piped is None else [piped]
        values += [read(message) or None for read in readers]
        if by_name:
            values += [None] * (len(names) - len(values))
            for word, read in by_name.items():
                if word in names:
                    values[names.index(word)] = read(message) or None
        values += [None] * (sum(not one.many for one in record.parameters) - len(values))
        needed = [
            one for one, each in zip(values, record.parameters, strict=False) if each.required
        ]
        return "" if None in needed else str(record.body(*values) or "")

    return call


# -- running --


class _View:
    """The message as a rule sees it: of its target's segments only the one at hand."""

    __slots__ = ("codec", "current", "delimiters", "segments")

    def __init__(self, message: Message) -> None:
        self.delimiters = message.delimiters
        self.codec = message.codec
        self.segments = list(message.segments)
        self.current: Segment | None = None

    def segment_list(self, name: str) -> list[Segment]:
        """As of a message."""
        current = self.current
        if current is not None and current.name == name:
            return [current]
        return [segment for segment in self.segments if segment.name == name]


def preprocess(
    message: Message, rules: Sequence[PreprocessRule]
) -> tuple[Message, tuple[Edit, ...]]:
    """The message with the rules applied in order, and what they did.

    A message that no rule touches comes back as it is.
    """
    view = _View(message)
    edits: list[Edit] = []
    for rule in rules:
        counted = 0
        for index, segment in enumerate(list(view.segments)):
            if segment.name != rule.target.segment:
                continue
            counted += 1
            view.current = segment
            as_message = cast(Message, view)
            if rule.holds is not None and not rule.holds(as_message):
                continue
            edit = _apply(rule, view, as_message, index, counted)
            if edit is not None:
                edits.append(edit)
        view.current = None
        if rule.verb == "delete" and rule.target.field is None:
            view.segments = [segment for segment in view.segments if segment.name]
    if not edits:
        return message, ()
    text = "".join(f"{segment.text}\r" for segment in view.segments)
    made = parse(text.encode("utf-8"), charset=UTF_8).message
    return (message, ()) if made is None else (made, tuple(edits))


def _apply(
    rule: PreprocessRule, view: _View, message: Message, index: int, occurrence: int
) -> Edit | None:
    """Do what the rule says to one segment; None when there was nothing to do."""
    segment, target = view.segments[index], rule.target
    name = f"{segment.name}[{occurrence}]"
    if target.field is None:
        view.segments[index] = Segment("", "", index, 0, segment.separator)
        return Edit(path=name, rule=rule.text)
    delimiters = view.delimiters
    if rule.verb == "delete":
        after = delete_at(segment, target, delimiters)
        return _changed(view, index, after, target, name, rule)
    if rule.source is None:
        text = rule.value(message) if rule.value is not None else ""
        text = escape(text, delimiters)
        after = write_at(segment, target, text, delimiters) if text else None
        return _changed(view, index, after, target, name, rule)
    return _copy(rule, rule.source, view, message, index, name)


def _copy(
    rule: PreprocessRule, source: Path, view: _View, message: Message, index: int, name: str
) -> Edit | None:
    """Copy or move a place as it stands, with its components."""
    found = message.segment_list(source.segment or "")
    giver = found[0] if found else None
    text = read_at(giver, source, view.delimiters) if giver is not None else ""
    if not text or giver is None:
        return None
    target = rule.target
    after = write_at(
        view.segments[index], target, text, view.delimiters, append=rule.verb == "move"
    )
    edit = _changed(view, index, after, target, name, rule)
    if edit is not None and rule.verb == "move":
        at = index if giver.name == target.segment else view.segments.index(giver)
        view.segments[at] = delete_at(view.segments[at], source, view.delimiters) or giver
    return edit


def _changed(
    view: _View,
    index: int,
    after: Segment | None,
    target: Path,
    name: str,
    rule: PreprocessRule,
) -> Edit | None:
    before = view.segments[index]
    if after is None or after.text == before.text:
        return None
    view.segments[index] = after
    if view.current is before:
        view.current = after
    return Edit(path=f"{name}-{target.field}", rule=rule.text)
