"""Pure. Portable targets: what names one code value in every tenant.

A code value is a number that differs per tenant. Its CKI is shared across them for values the
vendor ships, its concept CKI names a concept, its CDF meaning is the word that programs read; the
display is the last resort, because sites change it. Report section 4.
"""

from dataclasses import dataclass
from enum import StrEnum


class TargetKind(StrEnum):
    """By what a target names its code value."""

    CKI = "cki"
    CONCEPT_CKI = "concept_cki"
    MEANING = "meaning"
    DISPLAY = "display"


@dataclass(frozen=True, slots=True)
class Target:
    """`cki:CKI.EC!1234`, as kind and key."""

    kind: TargetKind
    key: str

    def __str__(self) -> str:
        return f"{self.kind.value}:{self.key}"

    @property
    def folded(self) -> str:
        """The key as it is compared: of meanings and displays case and spaces do not matter."""
        return fold(self.key) if self.kind in _FOLDED else self.key


_FOLDED = frozenset({TargetKind.MEANING, TargetKind.DISPLAY})


def fold(text: str) -> str:
    """A text without what people do not see as a difference."""
    return " ".join(text.split()).casefold()


def parse_target(text: str) -> Target | None:
    """The target that a cell names, or None."""
    kind, colon, key = text.partition(":")
    key = key.strip()
    if not colon or not key or kind.strip() not in {one.value for one in TargetKind}:
        return None
    return Target(TargetKind(kind.strip()), key)
