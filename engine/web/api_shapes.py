"""Rim. Messages as the JSON routes take and give them."""

from dataclasses import dataclass, field
from typing import Annotated

from msgspec import Meta

Words = str | tuple[str, ...]
"""One value or several: either will do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchBody:
    """What is looked for."""

    query: str = ""
    """A query, or anything else that the search box takes."""
    rows: Annotated[int, Meta(ge=1, le=500)] = 50
    before: Annotated[int, Meta(ge=0, lt=1 << 62)] | None = None
    """The page behind this message."""
    channel: Words = ()
    type: Words = ()
    status: Words = ()
    destination: Words = ()
    code: Words = ()
    replayed: Words = ()
    job: Words = ()
    since: Words = ()
    until: Words = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageLine:
    """One message of a page."""

    message_id: int
    channel: str
    received_at: float
    message_type: str
    control_id: str
    status: str
    why: str
    patient: str
    """A short hash, or the identifier where values are shown."""
    origin: str
    attempts: int
    codes: tuple[str, ...]
    deliveries: dict[str, str]
    """By destination, the state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesPage:
    """A page of what was found."""

    messages: tuple[MessageLine, ...]
    next_before: int | None
    notes: tuple[str, ...]
    counted: int
    is_all: bool
    facets: dict[str, dict[str, int]] = field(default_factory=dict)
