"""Pure. Versions of a document: which is newer, told by what documents say of themselves.

Documents of one set carry version numbers (CDA R2, 4.2.1: `setId`, `versionNumber`), and a newer
one names the document it replaces (4.2.3.1: `relatedDocument`, RPLC). Where both carry numbers in
one set these decide; else what one says of the other. Times of documents do not: two may be true at
once. Messages are kept with keys that tell the same, so that the store finds what a document has
to be compared with.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from engine.cda.header import DocumentHeader, Identifier, shown
from engine.pipeline.search_keys import KEY_CHARACTERS_MAX

REPLACES = "RPLC"
SERIES = "series"
"""The kind of the key that versions of one document about one patient share."""
VERSION = "version"
REPLACED = "replaces"
SET_CHARACTERS_MAX = 100
"""A longer id of a set is none: cut, it would be that of another."""
_DIGITS_MAX = 9
_OF = " of "

Key = tuple[str, str]
"""Kind and value of a search key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentVersion:
    """What decides which of two documents is newer."""

    document: str
    """Its id, as `root^extension`; empty without one."""
    set_id: str = ""
    number: int | None = None
    """None where `versionNumber` is no number, or there is no set."""
    replaces: frozenset[str] = frozenset()
    """Ids of the documents it says it replaces, itself apart."""
    patients: tuple[str, ...] = ()
    """Numbers of the patient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A message that was delivered, or is about to be."""

    message_id: int
    keys: frozenset[Key]


@dataclass(frozen=True, slots=True, kw_only=True)
class Newer:
    """The newer version that a document comes too late for."""

    message_id: int
    """It came in."""


def version_of(facts: DocumentHeader) -> DocumentVersion:
    """What a document says of its version."""
    own, set_id, text = _cut(shown(facts.identifier)), shown(facts.set_id), facts.version_number
    counts = 0 < len(set_id) <= SET_CHARACTERS_MAX and 0 < len(text) <= _DIGITS_MAX
    counts = counts and text.isascii() and text.isdigit()
    related = (one.identifier for one in facts.related if one.kind == REPLACES)
    return DocumentVersion(
        document=own,
        set_id=set_id if counts else "",
        number=int(text) if counts else None,
        replaces=frozenset(_cut(shown(one)) for one in related) - {own},
        patients=tuple(dict.fromkeys(patient_number(one) for one in facts.patients)),
    )


def patient_number(identifier: Identifier) -> str:
    """The extension, which people know; the root where it stands alone."""
    return identifier[1] or identifier[0]


def version_keys(version: DocumentVersion) -> Iterator[Key]:
    """The keys by which a message that holds the document is found, and compared."""
    if version.number is not None:
        for one in _series(version):
            yield SERIES, one
        yield VERSION, f"{version.number}{_OF}{version.set_id}"
    for one in sorted(version.replaces):
        yield REPLACED, one


def keys_to_ask(version: DocumentVersion) -> tuple[Key, ...]:
    """Keys of which every message with a newer version has one; empty when there can be none."""
    found = [(SERIES, one) for one in _series(version)]
    if version.document:
        found.append((REPLACED, version.document))
    return tuple(found)


def newest_over(version: DocumentVersion, known: Iterable[Known]) -> Newer | None:
    """The newest of these messages that holds a newer version; None when none does.

    Args:
        version: of the document in question.
        known: messages of its channel that were delivered or will be, itself not among them.
    """
    found = [(rank, one) for one in known for rank in _ranks(version, one)]
    if not found:
        return None
    _, newest = max(found, key=lambda each: (each[0], each[1].message_id))
    return Newer(message_id=newest.message_id)


def is_older(keys: Iterable[Key], others: Iterable[Key]) -> bool:
    """True when the second message holds an earlier version of a document of the first, and none
    that is newer.

    Args:
        keys: of one message.
        others: of another.
    """
    own, their = frozenset(keys), frozenset(others)
    if not _values(own, SERIES) & _values(their, SERIES):
        return bool(_values(own, REPLACED) & _values(their, "document"))
    numbers, earlier = _numbers(own), _numbers(their)
    both = numbers.keys() & earlier.keys()
    return bool(both) and all(numbers[name] > earlier[name] for name in both)


def _series(version: DocumentVersion) -> list[str]:
    if version.number is None:
        return []
    whole = (f"{version.set_id}{_OF}{one}" for one in version.patients or ("nobody",))
    return [one for one in whole if len(one) <= KEY_CHARACTERS_MAX]


def _ranks(version: DocumentVersion, known: Known) -> Iterator[int]:
    """How much newer a message is; nothing where it is not."""
    if version.number is not None and not known.keys.isdisjoint(
        (SERIES, one) for one in _series(version)
    ):
        theirs = _numbers(known.keys).get(version.set_id)
        if theirs is not None:
            if theirs > version.number:
                yield theirs
            return
    if not version.document or (REPLACED, version.document) not in known.keys:
        return
    mutual = any(("document", one) in known.keys for one in version.replaces)
    strangers = version.patients and not any(("mrn", one) in known.keys for one in version.patients)
    if not mutual and not strangers:
        yield 0


def _numbers(keys: Iterable[Key]) -> dict[str, int]:
    """Set to the highest version number of it."""
    found: dict[str, int] = {}
    for kind, value in keys:
        number, of, set_id = value.partition(_OF)
        if kind == VERSION and of and number.isdigit():
            found[set_id] = max(int(number), found.get(set_id, 0))
    return found


def _values(keys: frozenset[Key], kind: str) -> frozenset[str]:
    return frozenset(value for found, value in keys if found == kind)


def _cut(text: str) -> str:
    return text[:KEY_CHARACTERS_MAX]
