"""Rim. The board: the channels at a glance; pause, drain and resume."""

from starlette.responses import Response
from starlette.routing import Route

from engine.runtime.desk.board import board
from engine.runtime.desk.control import ControlRefused, set_control
from engine.runtime.desk.rights import Right
from engine.web.access import Visit, needs


def routes() -> list[Route]:
    """The routes of this screen."""
    return [
        Route("/", show, methods=["GET"]),
        Route("/board/rows", rows, methods=["GET"]),
        Route("/channels/{channel}/control", control, methods=["POST"]),
    ]


@needs(Right.SEE_MESSAGES)
def show(visit: Visit) -> Response:
    """The page."""
    return visit.page("board/board.html", rows=_rows(visit))


@needs(Right.SEE_MESSAGES, touch=False)
def rows(visit: Visit) -> Response:
    """The table alone, for the refresh."""
    return visit.page("board/rows.html", rows=_rows(visit))


@needs(Right.CONTROL)
def control(visit: Visit) -> Response:
    """Take a wish for a channel."""
    channel = visit.request.path_params["channel"]
    try:
        set_control(visit.desk, visit.viewer, channel, visit.value("mode"), visit.value("reason"))
    except ControlRefused as problem:
        return visit.page("refusal.html", 422, text=str(problem), status_code_shown=422)
    return visit.redirect("/")


def _rows(visit: Visit) -> object:
    loaded = visit.console.loaded()
    channels = loaded.configuration.channels if loaded is not None else ()
    return board(visit.desk, visit.viewer, frozenset(channel.name for channel in channels))
