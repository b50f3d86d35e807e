"""Pure. Fields with the explicit null `""` blanked: it reads as nothing (HL7 v2.5.1 ch. 2.5.3)."""


def blank_nulls(text: str) -> str:
    """The field with `\"\"` blanked wherever it is a whole value."""
    if text == '""':
        return ""
    pieces: list[str] = []
    start = 0
    while (found := text.find('""', start)) >= 0:
        end = found + 2
        alone = (found == 0 or text[found - 1] in _JOINTS) and (
            end == len(text) or text[end] in _JOINTS
        )
        pieces.append(text[start:found] if alone else text[start:end])
        start = end
    pieces.append(text[start:])
    return "".join(pieces)


_JOINTS = frozenset("^~&|!@#$%*+,;:/<>{}[]()=?")
"""Characters in use as delimiters; a quote or letter beside the null makes it text."""
