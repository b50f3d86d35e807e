"""Rim. Alerts: what lasts, what ended in the last day, and the rhythm of the channels."""

from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from engine.runtime.desk.alerts import alerts
from engine.runtime.desk.rights import Right
from engine.web.access import Visit, needs

KINDS = {
    "silence": "silence",
    "queue": "queue",
    "errors": "error rate",
    "outage": "destination down",
    "certificate": "certificate",
    "disk": "disk",
}


def routes() -> list[Route]:
    """The routes of this screen."""
    return [
        Route("/alerts", show, methods=["GET"]),
        Route("/alerts/state", state, methods=["GET"]),
    ]


@needs(Right.SEE_MESSAGES)
def show(visit: Visit) -> Response:
    """The page."""
    return visit.page("alerts/alerts.html", **_shown(visit))


@needs(Right.SEE_MESSAGES, touch=False)
def state(visit: Visit) -> Response:
    """What is refreshed of it."""
    return visit.page("alerts/state.html", **_shown(visit))


def _shown(visit: Visit) -> dict[str, Any]:
    loaded = visit.console.loaded()
    channels = loaded.configuration.channels if loaded is not None else ()
    names = [one.name for one in channels if one.enabled]
    return {"found": alerts(visit.desk, visit.viewer, names), "kinds": KINDS}
