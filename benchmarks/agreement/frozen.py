"""Which modules decide the figures, and their digest: a change of them is seen, not slipped in."""

import hashlib
from pathlib import Path

MODULES = ("canonical.py", "elements.py", "assignment.py", "compare.py", "pairs.py")


def digest() -> str:
    """The digest of the frozen modules, as docs/agreement.md gives it."""
    folder = Path(__file__).resolve().parent
    together = hashlib.sha256()
    for name in MODULES:
        together.update(name.encode() + b"\0" + (folder / name).read_bytes() + b"\0")
    return together.hexdigest()[:16]
