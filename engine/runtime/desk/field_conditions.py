"""Rim. Conditions on what a message says: `PID-8:X`, `PV1-3.1:4W*`, `"chest pain"`.

They cannot be asked of an index: each message is parsed and looked into, so whoever uses them
bounds how many (`scanning`). Letters compare without case; a `*` at either end of a value stands
for anything, and alone for "is populated".
"""

from dataclasses import dataclass, field

from engine.cda.reader import is_document
from engine.hl7v2.escape import unescape
from engine.hl7v2.message import Message
from engine.hl7v2.parser import parse
from engine.hl7v2.path import MessagePath, find

ANYTHING = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldCondition:
    """One of the populated places that a path means has a value."""

    path: MessagePath
    value: str = field(repr=False)

    def holds(self, message: Message) -> bool:
        """True when a leaf of the message meets it."""
        return any(_agrees(leaf.text, self.value) for leaf in find(message, self.path))


def meets(raw: bytes, conditions: tuple[FieldCondition, ...], texts: tuple[str, ...]) -> bool:
    """True when a message meets all conditions and holds all texts. Never raises.

    A document meets no condition on a field: it has none.
    """
    if is_document(raw):
        return not conditions and _holds_all(raw.decode("utf-8", "replace"), texts)
    message = parse(raw).message
    if message is None:
        return not conditions and _holds_all(raw.decode("utf-8", "replace"), texts)
    if not all(condition.holds(message) for condition in conditions):
        return False
    if not texts or _holds_all(message.text, texts):
        return True
    escape = message.delimiters.escape
    return escape in message.text and _holds_all(unescape(message.text, message.delimiters), texts)


def _holds_all(text: str, wanted: tuple[str, ...]) -> bool:
    plain = text.casefold()
    return all(one.casefold() in plain for one in wanted)


def _agrees(text: str, wanted: str) -> bool:
    if wanted == ANYTHING:
        return True
    plain, value = text.strip().casefold(), wanted.casefold()
    begins, ends = value.startswith(ANYTHING), value.endswith(ANYTHING)
    value = value.strip(ANYTHING)
    if begins and ends:
        return value in plain
    if ends:
        return plain.startswith(value)
    return plain.endswith(value) if begins else plain == value
