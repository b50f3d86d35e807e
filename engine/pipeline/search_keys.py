"""Pure. What support staff find a message by: MRN, visit, accession and order numbers, and the
channel's.

Read from the parsed message, so they exist for messages whose mapping fails too. Names of persons
are never keys. The control id is not among them: intake stores it for every message, readable or
not.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from engine.channel.message_values import value_reader
from engine.diagnostics import NOWHERE
from engine.hl7v2.delimiters import Delimiters
from engine.hl7v2.escape import unescape
from engine.hl7v2.message import Message
from engine.mapping.expression import parse_path
from engine.yamltext import Scalar

KEYS_MAX = 200
"""Keys of one message; a batch of results has a few for each order."""
KEY_CHARACTERS_MAX = 128

BUILT_IN: tuple[tuple[str, str, int], ...] = (
    ("mrn", "PID", 3),
    ("mrn", "MRG", 1),
    ("account", "PID", 18),
    ("visit", "PV1", 19),
    ("order", "ORC", 2),
    ("order", "ORC", 3),
    ("order", "OBR", 2),
    ("order", "OBR", 3),
    ("accession", "OBR", 18),
    ("accession", "SPM", 30),
)
"""(kind, segment, field): the first component of every repetition of every such segment. OBR-18
holds the accession number in radiology (IHE RAD TF-2 4.1), SPM-30 in the laboratory (v2.7)."""

KeyReader = Callable[[Message], Iterable[str]]


def channel_readers(
    search_keys: Sequence[tuple[str, str]],
) -> tuple[tuple[str, KeyReader], ...]:
    """(kind, reader) of the channel's own keys; lint has refused paths that cannot be read."""
    found: list[tuple[str, KeyReader]] = []
    for kind, text in search_keys:
        path, _ = parse_path(text, Scalar(text, NOWHERE))
        if path is not None:
            found.append((kind, value_reader(path)))
    return tuple(found)


def search_keys(
    message: Message, readers: Sequence[tuple[str, KeyReader]]
) -> tuple[tuple[str, str], ...]:
    """(kind, value) pairs, each once, in the order of the message's fields."""
    found: dict[tuple[str, str], None] = {}
    delimiters = message.delimiters
    for kind, name, number in BUILT_IN:
        for segment in message.segment_list(name):
            if text := segment.field(number):
                for value in _first_components(text, delimiters):
                    found[kind, value] = None
        if len(found) >= KEYS_MAX:
            break
    found.update(dict.fromkeys(channel_keys(message, readers)))
    return tuple(found)[:KEYS_MAX]


def channel_keys(
    message: Message, readers: Sequence[tuple[str, KeyReader]]
) -> Iterator[tuple[str, str]]:
    """(kind, value) pairs of the channel's own keys."""
    for kind, reader in readers:
        for value in reader(message):
            yield kind, value[:KEY_CHARACTERS_MAX]


def _first_components(text: str, delimiters: Delimiters) -> Iterable[str]:
    """Component 1 of every repetition, decoded; nothing for empty ones and the explicit null."""
    escape, component, subcomponent = (
        delimiters.escape,
        delimiters.component,
        delimiters.subcomponent,
    )
    for repetition in text.split(delimiters.repetition):
        value = repetition.partition(component)[0].partition(subcomponent)[0].strip()
        if value and value != '""':
            plain = unescape(value, delimiters) if escape in value else value
            yield plain[:KEY_CHARACTERS_MAX]
