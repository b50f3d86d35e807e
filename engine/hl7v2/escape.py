"""Pure. Escape sequences in text, both ways. HL7 v2.5.1 chapter 2.7.

Read: delimiters (`\\F\\ \\S\\ \\T\\ \\R\\ \\E\\`, `\\P\\` for the truncation character),
hexadecimal data (`\\X..\\`), and the formatting commands of FT, which become line breaks and spaces
or nothing. Not read, and kept as they are: site escapes (`\\Z..\\`) and character set switches
(`\\C..\\`, `\\M..\\`). An escape character that begins no such sequence is text, as in
`\\\\server\\share`: it is kept.
"""

import re

from engine.hl7v2.delimiters import Delimiters

_FORMATTING = {
    "H": "",  # highlighting on and off: no meaning for data
    "N": "",
    ".br": "\n",
    ".ce": "\n",  # end the line, centre the next
    ".fi": "",  # word wrap on and off
    ".nf": "",
}
_COUNTED = re.compile(r"\.(sp|sk|in|ti)([+-]?\d{0,3})")
_HEXADECIMAL = re.compile(r"X((?:[0-9A-Fa-f]{2})+)")
_SEQUENCE_MAX = 4096
"""Characters of one sequence; `\\X..\\` may carry whole values, nothing carries more."""


def unescape(text: str, delimiters: Delimiters, codec: str = "utf-8") -> str:
    """The text that a sender meant.

    Args:
        text: a leaf as it stands in the message.
        delimiters: those of the message.
        codec: of the message, for `\\X..\\`. Four-digit values that begin with 00 are read as
            UTF-16, `\\X00E0\\` as à, because senders write them so.
    """
    mark = delimiters.escape
    begin = text.find(mark)
    if begin < 0:
        return text
    found = [text[:begin]]
    while begin >= 0:
        end = text.find(mark, begin + 1, begin + _SEQUENCE_MAX)
        if end < 0:
            # no closing character near: this one is text, and so is what follows up to the next
            following = text.find(mark, begin + 1)
            found.append(text[begin:] if following < 0 else text[begin:following])
            begin = following
            continue
        meaning = _meaning(text[begin + 1 : end], delimiters, codec)
        if meaning is None:
            found.append(text[begin:end])
            begin = end
            continue
        found.append(meaning)
        begin = text.find(mark, end + 1)
        found.append(text[end + 1 : begin] if begin >= 0 else text[end + 1 :])
    return "".join(found)


def _meaning(body: str, delimiters: Delimiters, codec: str) -> str | None:
    """What stands for a sequence, or None when it is none."""
    if len(body) == 1:
        if body == "F":
            return delimiters.field
        if body == "S":
            return delimiters.component
        if body == "T":
            return delimiters.subcomponent
        if body == "R":
            return delimiters.repetition
        if body == "E":
            return delimiters.escape
        if body == "P":
            return delimiters.truncation or "#"
    if body.startswith("X"):
        return _hexadecimal(body, codec)
    simple = _FORMATTING.get(body)
    if simple is not None:
        return simple
    if body.startswith("."):
        counted = _COUNTED.fullmatch(body)
        if counted:
            return _spacing(counted[1], counted[2])
    return None


def _spacing(command: str, digits: str) -> str:
    """`.sp3` is three line breaks, `.sk3` three spaces; indents say nothing about data."""
    if command in {"in", "ti"}:
        return ""
    count = int(digits) if digits.lstrip("+-") else 1
    return ("\n" if command == "sp" else " ") * max(0, count)


def _hexadecimal(body: str, codec: str) -> str | None:
    """The characters of `\\X..\\`, or None when it is malformed, undecodable or a NUL."""
    matched = _HEXADECIMAL.fullmatch(body)
    if not matched:
        return None
    data = bytes.fromhex(matched[1])
    if len(data) > 1 and len(data) % 2 == 0 and all(byte == 0 for byte in data[::2]):
        codec = "utf-16-be"
    try:
        decoded = data.decode(codec)
    except UnicodeDecodeError:
        return None
    return None if "\0" in decoded else decoded


def escape(text: str, delimiters: Delimiters) -> str:
    """The text with delimiters and line ends escaped, fit to stand in a leaf.

    `unescape` gives the same text back.
    """
    mark = delimiters.escape
    found = text.replace(mark, f"{mark}E{mark}")
    for character, letter in (
        (delimiters.field, "F"),
        (delimiters.component, "S"),
        (delimiters.subcomponent, "T"),
        (delimiters.repetition, "R"),
    ):
        if character in found and character != mark:
            found = found.replace(character, f"{mark}{letter}{mark}")
    return found.replace("\r", f"{mark}X0D{mark}").replace("\n", f"{mark}X0A{mark}")


def lone_escapes(text: str, delimiters: Delimiters, codec: str = "utf-8") -> bool:
    """True when an escape character of `text` begins no sequence that `unescape` reads."""
    mark = delimiters.escape
    begin = text.find(mark)
    while begin >= 0:
        end = text.find(mark, begin + 1, begin + _SEQUENCE_MAX)
        if end < 0:
            return True
        body = text[begin + 1 : end]
        if _meaning(body, delimiters, codec) is None and body[:1] not in {"Z", "C", "M"}:
            return True
        begin = text.find(mark, end + 1)
    return False
