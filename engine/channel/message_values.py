"""Pure. The texts a path names in a whole message, read fast: filters run on every message.

Only the fields named are split. The explicit null `""` and empty parts read as nothing; escapes are
decoded. HL7 v2.8.2 chapter 2.
"""

from collections.abc import Callable, Iterator

from engine.hl7v2.delimiters import Delimiters
from engine.hl7v2.escape import unescape
from engine.hl7v2.message import Message, Segment
from engine.mapping.source_types import component_number
from engine.mapping.syntax import Path, Selector

Values = Callable[[Message], tuple[str, ...] | list[str]]
NULL = '""'


def value_reader(path: Path) -> Values:
    """A function from message to every populated text that `path` names, in message order.

    A path of a segment alone gives the segment's name for each occurrence, so that presence can be
    asked. The path has been checked (`check_message_path`); one that was refused reads nothing.
    """
    name, field = path.segment, path.field
    if name is None or path.steps:
        return lambda _message: ()
    pick = path.segment_selector
    if field is None:
        return lambda message: [name] * sum(1 for _ in _occurrences(message, name, pick))
    repetition, components = path.repetition, path.components
    wanted = _wanted_component(path)

    def read(message: Message) -> list[str]:
        delimiters = message.delimiters
        found: list[str] = []
        for segment in _occurrences(message, name, pick):
            text = segment.field(field)
            if not text or text == NULL:
                continue
            for one in _repetitions(text, delimiters, repetition, wanted):
                leaf = _component(one, components, delimiters)
                if leaf and leaf != NULL:
                    found.append(unescape(leaf, delimiters))
        return found

    return read


def _wanted_component(path: Path) -> int:
    """The component number of `[type=MR]`; 1 when there is no such selector."""
    if path.repetition is None or path.repetition.component is None:
        return 1
    found = component_number(path.segment or "", path.field or 0, path.repetition.component)
    return found or 1


def _occurrences(message: Message, name: str, pick: Selector | None) -> Iterator[Segment]:
    segments = message.segment_list(name)
    if pick is None or pick.index is None:
        yield from segments
    elif len(segments) >= pick.index:
        yield segments[pick.index - 1]


def _repetitions(
    text: str, delimiters: Delimiters, selector: Selector | None, wanted: int
) -> list[str]:
    parts = text.split(delimiters.repetition) if delimiters.repetition in text else [text]
    if selector is None or selector.every:
        return parts
    if selector.index is not None:
        return parts[selector.index - 1 : selector.index]
    for part in parts:
        if unescape(_component(part, (wanted,), delimiters), delimiters) == selector.value:
            return [part]
    return []


def _component(text: str, numbers: tuple[int, ...], delimiters: Delimiters) -> str:
    """The component and subcomponent; a whole component reads as its first subcomponent."""
    separators = (delimiters.component, delimiters.subcomponent)
    for depth, separator in enumerate(separators):
        number = numbers[depth] if len(numbers) > depth else 1
        if separator in text:
            parts = text.split(separator)
            text = parts[number - 1] if len(parts) >= number else ""
        elif number > 1:
            return ""
    return text
