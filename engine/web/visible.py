"""Rim. Texts of senders on a page: whatever characters they hold, they are seen and do nothing.

Characters without a shape (controls, marks that turn the direction of text, ones of no width) are
shown by their number. Everything else is escaped by the template.
"""

import re
import unicodedata

from markupsafe import Markup, escape

NAMES = {"\r": "CR", "\n": "LF", "\t": "TAB", "\x0b": "VT", "\x1c": "FS", "\ufeff": "BOM"}
_BLANKS = frozenset("\r\n\t")
_ODD = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff9-\ufffb]"
)


def visible(text: str) -> Markup:
    """A text with its odd characters made visible, each in a `<span class="odd">`."""
    pieces: list[Markup] = []
    at = 0
    for match in _ODD.finditer(text):
        pieces.append(escape(text[at : match.start()]))
        pieces.append(_shown(match[0]))
        at = match.end()
    pieces.append(escape(text[at:]))
    return Markup("").join(pieces)


def _shown(character: str) -> Markup:
    number = f"U+{ord(character):04X}"
    name = unicodedata.name(character, number)
    return Markup('<span class="odd" title="{}">{}</span>').format(
        name.capitalize(), NAMES.get(character, number)
    )


def lines(text: str) -> Markup:
    """A text of several lines, each made visible."""
    return Markup("\n").join([visible(line) for line in text.split("\n")])


def narrative(xhtml: str) -> Markup:
    """The narrative of a document, which `cda.narrative` has made of nothing that runs or loads."""
    shown = _ODD.sub(lambda match: match[0] if match[0] in _BLANKS else _told(match[0]), xhtml)
    return Markup(shown)  # noqa: S704  well-formed and of a closed vocabulary


def _told(character: str) -> str:
    return f"[U+{ord(character):04X}]"


def parted(path: str, above: str) -> tuple[Markup, Markup]:
    """An element's path within its resource, in two: what it shares with the line above, the rest.

    `Patient.name[0].given[0]` below `Patient.name[0].family` is `name[0].` and `given[0]`. A line
    may break behind a dot.
    """
    steps, before = path.split(".")[1:], above.split(".")[1:]
    same = 0
    while same < min(len(steps) - 1, len(before)) and steps[same] == before[same]:
        same += 1
    dot = Markup(".<wbr>")
    shared = Markup("").join(escape(step) + dot for step in steps[:same])
    return shared, dot.join(steps[same:])
