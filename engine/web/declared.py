"""Rim. What a JSON route takes and gives, said beside it; `openapi` makes the description of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from engine.web.access import Visit

Screen = Callable[[Visit], Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryValue:
    """A name that may stand in the address."""

    name: str
    meaning: str
    repeated: bool = False
    """It may be given several times: either will do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """One JSON route."""

    answer: Any
    """The type of what is given, as msgspec reads types."""
    query: tuple[QueryValue, ...] = ()
    body: Any = None
    """The type of what is posted; None: nothing is."""


def declares(
    answer: Any, *, query: tuple[QueryValue, ...] = (), body: Any = None
) -> Callable[[Screen], Screen]:
    """Say what a screen's function takes and gives; `needs` goes above it.

    Args:
        answer: the type of the JSON it gives.
        query: names in the address.
        body: the type of the JSON it takes.
    """

    def mark(screen: Screen) -> Screen:
        screen.declared = Declared(answer=answer, query=query, body=body)  # type: ignore[attr-defined]
        return screen

    return mark
