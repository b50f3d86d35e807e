"""Pure. What a run holds of a message: the resources made, and problems without a place yet."""

from typing import Any

from engine.diagnostics import Code
from engine.fhir.entries import Entry
from engine.fhir.merging import Seen


class Made:
    """A resource of the bundle, named by the message map."""

    __slots__ = (
        "deletes",
        "entry",
        "merges",
        "owned",
        "reference",
        "resource",
        "resource_id",
        "resource_type",
        "seen",
    )

    def __init__(
        self,
        resource: dict[str, Any],
        resource_type: str,
        identity: str,
        reference: dict[str, str] | None = None,
    ) -> None:
        self.resource = resource
        self.resource_type = resource_type
        self.resource_id = identity
        self.reference = reference or {"reference": f"{resource_type}/{identity}"}
        self.entry: Entry | None = None
        """Set when the resource is shared with other messages: it must not be changed."""
        self.owned: tuple[str, ...] = ()
        """Lists of the resource that were made for it alone."""
        self.seen: dict[str, Seen] | None = None
        """Of long lists that descriptions add to."""
        self.merges = False
        """The message says only a part: what it does not say stays on the server."""
        self.deletes: tuple[str, ...] = ()
        """Elements that the sender wants deleted, as in `Entry.deletes`."""


class Pending:
    """A problem on its way up: the rule and the path are added by those who know them."""

    __slots__ = ("about", "again", "code", "level", "path", "rule", "values")

    def __init__(
        self, code: Code, values: dict[str, Any], about: str | None = None, *, again: bool = False
    ) -> None:
        self.code = code
        self.values = values
        self.about = about
        """Of a problem that is reported once a message: what it is about."""
        self.again = again
        """Reported before: noted for what is kept of the value, or of what it became."""
        self.rule: int | None = None
        self.path: tuple[int, ...] = ()
        self.level = 0
