"""Rim. `/metrics`, `/health`, `/ready`, `/live` of a node, on loopback, for all its processes."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from twisted.web.resource import Resource
from twisted.web.server import Site

from engine.telemetry.health import Condition, read_health
from engine.telemetry.metrics import join_snapshots, read_snapshots

READY = 200


class _Metrics(Resource):
    isLeaf = True  # noqa: N815  Twisted's name

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def render_GET(self, request: Any) -> bytes:  # noqa: N802
        """Prometheus text of all processes."""
        request.setHeader(b"Content-Type", b"text/plain; version=0.0.4; charset=utf-8")
        return join_snapshots(read_snapshots(self._folder)).encode("utf-8")


class _Health(Resource):
    isLeaf = True  # noqa: N815  Twisted's name

    def __init__(self, folder: Path, running: Callable[[], Mapping[str, bool]]) -> None:
        super().__init__()
        self._folder = folder
        self._running = running

    def render_GET(self, request: Any) -> bytes:  # noqa: N802
        """JSON of all processes; 200 when every one is ready, else 503."""
        found = node_health(self._folder, self._running(), time.time())
        request.setResponseCode(READY if found["ready"] else 503)
        request.setHeader(b"Content-Type", b"application/json")
        return msgspec.json.encode(found)


class _Ready(_Health):
    def render_GET(self, request: Any) -> bytes:  # noqa: N802
        """The same without words: 200 when every process is ready, else 503."""
        super().render_GET(request)
        request.setHeader(b"Content-Type", b"text/plain; charset=utf-8")
        return b"ready\n" if request.code == READY else b"not ready\n"


class _Live(Resource):
    isLeaf = True  # noqa: N815  Twisted's name

    def render_GET(self, request: Any) -> bytes:  # noqa: N802
        """200 as long as the supervisor answers: it starts again what has died."""
        request.setHeader(b"Content-Type", b"text/plain; charset=utf-8")
        return b"live\n"


def node_health(folder: Path, running: Mapping[str, bool], now: float) -> dict[str, Any]:
    """How a node is.

    Args:
        folder: where processes write their health.
        running: every process there should be, and whether it runs.
        now: Unix seconds.

    Returns:
        `ready` (every process runs and says so) and `processes` with condition and details of each.
    """
    beats = {one.process: one for one in read_health(folder)}
    processes: dict[str, Any] = {}
    for name, runs in running.items():
        beat = beats.get(name)
        condition = beat.seen_at(now).value if beat is not None else Condition.STARTING.value
        processes[name] = {
            "condition": condition if runs else "down",
            "pid": beat.pid if beat is not None else None,
            "revision": beat.revision if beat is not None else "",
            "details": beat.details if beat is not None else {},
        }
    ready = all(one["condition"] == Condition.READY.value for one in processes.values())
    return {"ready": ready, "processes": processes}


def serve_status(
    reactor: Any, port: int, folder: Path, running: Callable[[], Mapping[str, bool]]
) -> Any:
    """Listen on loopback; the listening port. Raises OSError.

    Args:
        reactor: Twisted's.
        port: to listen on.
        folder: where processes write health and metrics.
        running: every process there should be, and whether it runs.
    """
    root: Any = Resource()
    root.putChild(b"metrics", _Metrics(folder))
    root.putChild(b"health", _Health(folder, running))
    root.putChild(b"ready", _Ready(folder, running))
    root.putChild(b"live", _Live())
    site = Site(root)
    site.noisy = False
    return reactor.listenTCP(port, site, 10, "127.0.0.1")
