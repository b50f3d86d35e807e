"""Rim. `/metrics` and `/health` of a node, on loopback, for all its processes."""

import time
from pathlib import Path
from typing import Any

import msgspec
from twisted.web.resource import Resource
from twisted.web.server import Site

from engine.telemetry.health import Condition, read_health
from engine.telemetry.metrics import join_snapshots, read_snapshots


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

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def render_GET(self, request: Any) -> bytes:  # noqa: N802
        """JSON of all processes; 200 when every one is ready, else 503."""
        now = time.time()
        found = {one.process: one for one in read_health(self._folder)}
        conditions = {name: one.seen_at(now) for name, one in found.items()}
        ready = bool(conditions) and set(conditions.values()) == {Condition.READY}
        request.setResponseCode(200 if ready else 503)
        request.setHeader(b"Content-Type", b"application/json")
        return msgspec.json.encode(
            {
                "ready": ready,
                "processes": {
                    name: {
                        "condition": conditions[name].value,
                        "pid": one.pid,
                        "revision": one.revision,
                        "details": one.details,
                    }
                    for name, one in found.items()
                },
            }
        )


def serve_status(reactor: Any, port: int, folder: Path) -> Any:
    """Listen on loopback; the listening port. Raises OSError.

    Args:
        reactor: Twisted's.
        port: to listen on.
        folder: where processes write health and metrics.
    """
    root: Any = Resource()
    root.putChild(b"metrics", _Metrics(folder))
    root.putChild(b"health", _Health(folder))
    site = Site(root)
    site.noisy = False
    return reactor.listenTCP(port, site, 10, "127.0.0.1")
