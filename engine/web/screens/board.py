"""Rim. The board: the channels at a glance; a channel's own page, to pause, drain and resume it."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response
from starlette.routing import Route

from engine.runtime.desk.alerts import lasting_alerts
from engine.runtime.desk.board import BoardRow
from engine.runtime.desk.board_day import SLOT_SECONDS
from engine.runtime.desk.control import ControlRefused, set_control
from engine.runtime.desk.rights import Right
from engine.web import sparkline
from engine.web.access import Visit, needs, refusal

STATES = {
    "running": "ok",
    "waiting": "off",
    "paused": "pause",
    "draining": "drain",
    "errors": "bad",
    "quiet": "warn",
    "down": "bad",
    "gone": "off",
}
"""How a state is drawn."""
WAITING = ("RECEIVED", "QUEUED", "PENDING", "PARKED")
PERSON = ("HELD", "UNKNOWN")
SILENCE = "silence"
"""Kind of an alert."""
ATTENTION = "attention"
"""In the address of the board: only the channels that need it."""
ADDRESSES_KEPT = 4096
"""Of numbers: each row of the board has half a dozen, the same at every refresh."""
CALM = frozenset({"running", "waiting", "gone"})
"""States that need nobody's attention."""


def routes() -> list[Route]:
    """The routes of this screen."""
    return [
        Route("/", show, methods=["GET"]),
        Route("/board/rows", rows, methods=["GET"]),
        Route("/channels/{channel}", show_channel, methods=["GET"]),
        Route("/channels/{channel}/control", control, methods=["POST"]),
    ]


@needs(Right.SEE_MESSAGES)
def show(visit: Visit) -> Response:
    """The page."""
    monitored_at = visit.console.board.monitored_at(visit.viewer)
    return visit.page("board/board.html", monitored_at=monitored_at, **_shown(visit))


@needs(Right.SEE_MESSAGES, touch=False)
def rows(visit: Visit) -> Response:
    """What is refreshed of it."""
    return visit.page("board/rows.html", **_shown(visit))


@needs(Right.SEE_MESSAGES)
def show_channel(visit: Visit) -> Response:
    """One channel."""
    name = visit.request.path_params["channel"]
    found, _ = visit.console.board.rows(visit.viewer, configured(visit))
    row = next((one for one in found if one.channel == name), None)
    if row is None:
        return refusal(visit, 404, "There is no such channel, or it is not one of yours.")
    return _channel_page(visit, row)


@needs(Right.CONTROL)
def control(visit: Visit) -> Response:
    """Take a wish for a channel."""
    channel = visit.request.path_params["channel"]
    known, _ = visit.console.board.rows(visit.viewer, configured(visit))
    row = next((one for one in known if one.channel == channel), None)
    if row is None:
        return refusal(visit, 404, "There is no such channel, or it is not one of yours.")
    try:
        set_control(visit.desk, visit.viewer, channel, visit.value("mode"), visit.value("reason"))
    except ControlRefused as problem:
        return _channel_page(visit, row, problem=str(problem), status_code=422)
    return visit.redirect(f"/channels/{channel}")


def _channel_page(
    visit: Visit, row: BoardRow, *, problem: str = "", status_code: int = 200
) -> Response:
    loaded = visit.console.loaded()
    config = loaded.configuration.channel(row.channel) if loaded is not None else None
    return visit.page(
        "board/channel.html",
        status_code,
        row=row,
        description=config.description if config is not None else "",
        problem=problem,
        slot_seconds=SLOT_SECONDS,
        **_drawing(),
    )


def _shown(visit: Visit) -> dict[str, Any]:
    found, totals = visit.console.board.rows(visit.viewer, configured(visit))
    lasting = lasting_alerts(visit.desk, visit.viewer)
    silent = {one.channel for one in lasting if one.row.kind == SILENCE}
    states = {row.channel: _state(row, silent) for row in found}
    attention = [row for row in found if states[row.channel] not in CALM]
    only = visit.request.query_params.get("show") == ATTENTION
    return {
        "rows": attention if only else found,
        "only": only,
        "number": len(found),
        "attention": len(attention),
        "states": states,
        "totals": totals,
        "processes": visit.console.board.processes(visit.viewer),
        "alerts": lasting,
        "problems": visit.console.open_problems.seen_by(visit.viewer),
        **_drawing(),
    }


def _state(row: BoardRow, silent: set[str]) -> str:
    """A channel's state; a silence that is a fault shows where the rest is as it should be."""
    return "quiet" if row.state in CALM and row.channel in silent else row.state


def _drawing() -> dict[str, Any]:
    return {
        "kind_of": lambda state: STATES.get(state, "wait"),
        "bars": sparkline.bars,
        "most": sparkline.most,
        "width": sparkline.width,
        "height": sparkline.HEIGHT,
        "found_by": messages_url,
        "waiting": WAITING,
        "person": PERSON,
    }


def messages_url(channel: str, status: Sequence[str] = (), since: str = "") -> str:
    """The address of the messages a number counts."""
    return _url(channel, tuple(status), since)


@lru_cache(maxsize=ADDRESSES_KEPT)
def _url(channel: str, status: tuple[str, ...], since: str) -> str:
    pairs = [("channel", channel), *(("status", one) for one in status)]
    pairs += [("since", since)] if since else []
    return f"/messages?{urlencode([pair for pair in pairs if pair[1]])}"


def configured(visit: Visit) -> dict[str, tuple[str, ...]]:
    """The channels in force, each with the names of its destinations."""
    loaded = visit.console.loaded()
    channels = loaded.configuration.channels if loaded is not None else ()
    return {
        channel.name: tuple(one.name for one in channel.destinations)
        for channel in channels
        if channel.enabled
    }
