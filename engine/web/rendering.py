"""Rim. Pages from templates. Everything is escaped; a name a template does not know is an error."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from engine.web.visible import lines, narrative, parted, visible

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"


class Pages:
    """Renders templates.

    Args:
        time_zone: in which times are shown, such as `Europe/Berlin`.
    """

    def __init__(self, time_zone: str = "UTC") -> None:
        self._zone = ZoneInfo(time_zone)
        self._templates = Environment(
            loader=FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.filters.update(
            clock=self.clock,
            moment=self.moment,
            iso=iso,
            count=count,
            span=span,
            plural=plural,
            rate=rate,
            when=self.when,
        )
        self._templates.filters.update(
            visible=visible, lines=lines, narrative=narrative, parted=parted
        )

    def text(self, template: str, context: Mapping[str, Any]) -> str:
        """The HTML of a template."""
        return self._templates.get_template(template).render(context)

    def page(
        self, template: str, context: Mapping[str, Any], status_code: int = 200
    ) -> HTMLResponse:
        """A template as an answer."""
        return HTMLResponse(self.text(template, context), status_code=status_code)

    def clock(self, moment: float) -> str:
        """`14:02:11`."""
        return datetime.fromtimestamp(moment, self._zone).strftime("%H:%M:%S")

    def moment(self, moment: float) -> str:
        """`2026-11-22 14:02:11`."""
        return datetime.fromtimestamp(moment, self._zone).strftime("%Y-%m-%d %H:%M:%S")

    def when(self, moment: float, now: float) -> str:
        """`14:02:11` of today, `21 Nov 14:02` of this year, else `2025-11-21 14:02`."""
        at, today = (datetime.fromtimestamp(one, self._zone) for one in (moment, now))
        if at.date() == today.date():
            return at.strftime("%H:%M:%S")
        return at.strftime("%d %b %H:%M" if at.year == today.year else "%Y-%m-%d %H:%M")


def iso(moment: float) -> str:
    """For the `datetime` of a `<time>`."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


def count(number: float) -> str:
    """`8,120`."""
    return f"{number:,.0f}"


def rate(number: float) -> str:
    """`412`, and of few `0.6`."""
    return f"{number:,.0f}" if number >= 10 or number == 0 else f"{number:.1f}"


def plural(number: int, noun: str) -> str:
    """`1 message`, `2 messages`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def span(seconds: float) -> str:
    """`8 s`, `47 min`, `3 h 10 min`, `5 d`."""
    whole = max(0, int(seconds))
    if whole < 100:
        return f"{whole} s"
    if whole < 6000:
        return f"{whole // 60} min"
    if whole < 172_800:
        hours, minutes = divmod(whole // 60, 60)
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{whole // 86400} d"
