"""Pure. What can become of a populated leaf of a message, or of a statement of a document."""

from dataclasses import dataclass

MAPPED = "mapped"
IGNORED = "ignored"
NULL = "null"
UNWRITTEN = "unwritten"
"""Rules read it, and nothing of what they wrote is in the output: a diagnostic says why."""
CONDITION = "condition"
"""Only conditions read it: it decides, and its value is in no element."""
UNMAPPED = "unmapped"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafAccount:
    """What became of one populated leaf, or of one clinical statement."""

    path: str
    state: str
    """One of the constants above."""
    reason: str = ""
    """Of an ignored leaf, or of a null."""
    group: tuple[str, str] | None = None
    """Of a statement: the LOINC code of its section, and its template by name."""
