"""Pure. Element paths in one form, so that a target of the guide and one of ours can be compared.

`location[1].location(Location.physicalType.coding.code)` becomes the names `location`, `location`,
`physicalType`, `coding`, `code`: indices, labels and names of resources are dropped, an extension
is told by its URL. Names are those of R4; a slip of the guide (`sytem`, a missing `repeat`, a
bracket that is not closed) is put right when R4 leaves one reading only.
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches

from engine.fhir.definitions import resource_types, type_definition
from engine.fhir.definitions.model import TypeDefinition

Names = tuple[str, ...]

EXTENSION = "extension"
_INDEX = re.compile(r"\[[\w.-]*?[\]}]|\[[^.\])}]*|[\]}]")
_SLICE = re.compile(r":\w+")
_CLOSE = 0.8


def indexed_names(text: str) -> list[str]:
    """The names of a guide's target with their indices: `extension[1]`, `valueString`."""
    dotted = re.sub(r"[()]", ".", _SLICE.sub("", text.strip()))
    return [part for part in dotted.split(".") if part.strip("[]0123456789{}- ")]


def without_index(name: str) -> str:
    """`extension` of `extension[1]`."""
    return _INDEX.sub("", name).strip()


def element_names(text: str, root: str, urls: Mapping[Names, str] | None = None) -> Names:
    """A target of the guide in the common form.

    Args:
        text: as written.
        root: the R4 type it starts from.
        urls: URL of each extension by the names up to it, with their indices.
    """
    indexed = indexed_names(text)
    plain: list[str] = []
    for at, name in enumerate(indexed):
        one = without_index(name)
        if one == EXTENSION and urls is not None:
            url = urls.get(tuple(indexed[: at + 1]))
            one = extension_name(url) if url else one
        plain.append(one)
    return canonical(plain, root)


def extension_name(url: str) -> str:
    """The name an extension has here: with its URL."""
    return f"{EXTENSION}={url.strip().rstrip('/')}"


def canonical(names: "list[str]", root: str) -> Names:
    """Names as R4 writes them, walked from a type; what R4 does not know is left as it is."""
    found: list[str] = []
    current = root
    for name in names:
        if name[:1].isupper() or "|" in name:
            current = _capital(name, found, current, root)
            continue
        if name in ("$this", "$value") or (name == "reference" and found):
            continue
        if name.startswith(EXTENSION):
            found.append(name)
            current = "Extension"
            continue
        right, below = _right_name(name, current)
        found.extend(right)
        current = below
    return tuple(found)


def _capital(name: str, found: list[str], current: str, root: str) -> str:
    """A resource's name says what is referred to; a datatype's completes a choice (`value.Range`).

    Returns the type that follows.
    """
    if name in resource_types():
        return name
    definition = type_definition(_owner(found, root))
    whole = found[-1] + name if found else ""
    if definition is not None and whole in definition.keys:
        found[-1] = whole
        return name
    near = get_close_matches(name, sorted(resource_types()), n=1, cutoff=_CLOSE)
    return near[0] if near else current


def _owner(found: list[str], root: str) -> str:
    """The type whose element the last name is."""
    current = root
    for name in found[:-1]:
        current = _right_name(name, current)[1]
    return current


def _right_name(name: str, owner: str) -> tuple[list[str], str]:
    """(the name or names R4 has for it, the type below); the type is empty when unknown."""
    definition = type_definition(owner)
    if definition is None:
        return [name], ""
    known = _known(name, definition)
    if known is not None:
        return [known], _type_below(known, definition)
    for between, element in definition.elements.items():
        inner = type_definition(element.types[0]) if len(element.types) == 1 else None
        if inner is None or inner.kind == "primitive" or between in ("extension", "contained"):
            continue
        if element.types[0].startswith(owner) and name in {*inner.elements, *inner.keys}:
            return [between, name], _type_below(name, inner)
    near = get_close_matches(name, [*definition.keys, *definition.elements], n=1, cutoff=_CLOSE)
    if near:
        return [near[0]], _type_below(near[0], definition)
    return [name], ""


def _known(name: str, definition: TypeDefinition) -> str | None:
    if name in definition.elements or name in definition.keys:
        return name
    lowered = name.lower()
    for key in (*definition.keys, *definition.elements):
        if key.lower() == lowered:
            return key
    return None


def _type_below(name: str, definition: TypeDefinition) -> str:
    if name not in definition.keys:
        return ""
    element, kind = definition.keys[name]
    return element.content_reference.lstrip("#") if element.content_reference else kind


def compatible(first: Names, second: Names) -> bool:
    """One begins with the other. `value` stands for each of its types, `extension` for each URL."""
    return all(same_name(one, other) for one, other in zip(first, second, strict=False))


def same_name(one: str, other: str) -> bool:
    """The same element; see `compatible`."""
    if one == other:
        return True
    if EXTENSION in (one, other):
        return one.startswith(EXTENSION) and other.startswith(EXTENSION)
    if "=" in one or "=" in other:
        return _same_url(one, other)
    return _is_choice_of(one, other) or _is_choice_of(other, one)


def _same_url(one: str, other: str) -> bool:
    """URLs by their last part when both are HL7's: those of R5 extensions have several forms."""
    first, second = (text.partition("=")[2] for text in (one, other))
    if "hl7.org/" in first and "hl7.org/" in second:
        return first.rpartition("/")[2].lower() == second.rpartition("/")[2].lower()
    return False


_CHOICES = frozenset(
    {"value", "onset", "effective", "occurrence", "performed", "medication", "deceased",
     "multipleBirth", "collected", "fastingStatus", "additive", "asNeeded", "dose", "rate",
     "author", "bounds", "allowed", "product", "timing", "occurred", "reported", "abatement",
     "quantity", "serviced", "item"}
)  # fmt: skip


def _is_choice_of(base: str, typed: str) -> bool:
    """`value` and `valueString`."""
    return (
        base in _CHOICES and typed.startswith(base) and typed[len(base) : len(base) + 1].isupper()
    )
