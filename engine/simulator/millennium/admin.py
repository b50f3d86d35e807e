"""Rim. `/_simulator/`: what tests and people ask of the simulator itself. Loopback alone, no login.

GET counts, resources, keys, writes, faults; PUT faults, client, code-value, resource; POST merge,
touch, obstruct, tokens, reset. None of it counts as a request.
"""

import ipaddress
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any, Protocol

import msgspec
import orjson
from aiohttp import web

from engine.simulator.millennium.code_values import CodeValue
from engine.simulator.millennium.elements import business_keys
from engine.simulator.millennium.fault_rules import Faults, read_rules
from engine.simulator.millennium.options import RegisteredClient
from engine.simulator.millennium.tenant import Tenant, shown
from engine.simulator.millennium.tokens import TokenHost

PREFIX = "/_simulator"
Answering = Callable[[web.Request, Any], Awaitable[Any] | Any]


class Simulated(Protocol):
    """What is asked of the simulator: `server.MillenniumSimulator`."""

    faults: Faults
    tenants: dict[str, Tenant]
    tokens: TokenHost
    paths: Counter[str]
    """Requests."""
    statuses: Counter[str]

    def reset(self) -> None:
        """Begin anew."""


class _UnknownError(Exception):
    """What was asked for is not there."""


class _Merge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    retired: str
    survivor: str
    type: str = "Patient"
    tenant: str = ""


class _Tokens(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    action: str
    client_id: str = ""


class _Touch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    type: str
    id: str
    tenant: str = ""


OBSTACLES = {"locked": 423, "dependency": 424, "none": 0}
"""What a change of an appointment can meet (appointment.md), and how it is answered."""


class _Obstruct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str
    by: str
    type: str = "Appointment"
    tenant: str = ""


def add_admin_routes(app: web.Application, simulator: Simulated) -> None:
    """Put the admin paths into the application."""
    desk = _Desk(simulator)
    routes: dict[tuple[str, str], Callable[[web.Request, bytes], Any]] = {
        ("GET", "counts"): desk.counts,
        ("GET", "resources"): desk.resources,
        ("GET", "keys"): desk.keys,
        ("GET", "writes"): desk.writes,
        ("GET", "faults"): desk.faults,
        ("PUT", "faults"): desk.set_faults,
        ("PUT", "client"): desk.set_client,
        ("PUT", "code-value"): desk.set_code_value,
        ("PUT", "resource"): desk.set_resource,
        ("POST", "merge"): desk.merge,
        ("POST", "touch"): desk.touch,
        ("POST", "obstruct"): desk.obstruct,
        ("POST", "tokens"): desk.tokens,
        ("POST", "reset"): desk.reset,
    }
    for (method, name), act in routes.items():
        app.router.add_route(method, f"{PREFIX}/{name}", _guarded(act))
    app.router.add_route("*", f"{PREFIX}/{{rest:.*}}", _guarded(_unknown))


def _guarded(
    act: Callable[[web.Request, bytes], Any],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        if not _is_local(request.remote):
            return _reply({"error": "the admin paths are for loopback alone"}, 403)
        try:
            found = act(request, await request.read())
        except _UnknownError as problem:
            return _reply({"error": f"there is no {problem}"}, 404)
        except KeyError as problem:
            return _reply({"error": f"{problem.args[0]} is missing"}, 400)
        except (msgspec.MsgspecError, ValueError, TypeError) as problem:
            return _reply({"error": str(problem)}, 400)
        return web.Response(status=204) if found is None else _reply(found, 200)

    return answer


def _unknown(request: web.Request, _body: bytes) -> Any:
    raise _UnknownError(f"{request.method} {request.path}")


def _reply(value: Any, status: int) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(value), content_type="application/json")


def _is_local(remote: str | None) -> bool:
    try:
        return remote is not None and ipaddress.ip_address(remote).is_loopback
    except ValueError:
        return False


class _Desk:
    def __init__(self, simulator: Simulated) -> None:
        self._simulator = simulator

    def _tenant(self, name: str) -> Tenant:
        tenants = self._simulator.tenants
        if not name:
            return next(iter(tenants.values()))
        if name not in tenants:
            raise _UnknownError("such tenant")
        return tenants[name]

    def counts(self, _request: web.Request, _body: bytes) -> Any:
        """Requests by path, statuses, tokens, faults struck, resources and writes by type."""
        simulator = self._simulator
        return {
            "requests": sum(simulator.paths.values()),
            "paths": dict(simulator.paths),
            "statuses": dict(simulator.statuses),
            "tokens_issued": simulator.tokens.issued,
            "faults_struck": simulator.faults.struck,
            "resources": {
                name: tenant.chart.counts() for name, tenant in simulator.tenants.items()
            },
            "writes": {
                name: tenant.chart.write_counts() for name, tenant in simulator.tenants.items()
            },
        }

    def resources(self, request: web.Request, _body: bytes) -> Any:
        """`?tenant=&type=`: the resources of a type as they are read."""
        chart = self._tenant(request.query.get("tenant", "")).chart
        kinds = [request.query["type"]] if "type" in request.query else list(chart.counts())
        return [shown(record) for kind in kinds for record in chart.all(kind)]

    def keys(self, request: web.Request, _body: bytes) -> Any:
        """`?tenant=&type=`: business key -> ids; a key with two ids is a duplicate."""
        chart = self._tenant(request.query.get("tenant", "")).chart
        kinds = [request.query["type"]] if "type" in request.query else list(chart.counts())
        found: dict[str, list[str]] = {}
        for kind in kinds:
            for record in chart.all(kind):
                for key in business_keys(record.resource):
                    found.setdefault(key, []).append(record.identity)
        return found

    def writes(self, request: web.Request, _body: bytes) -> Any:
        """`?tenant=&patient=`: the writes in their order."""
        chart = self._tenant(request.query.get("tenant", "")).chart
        patient = request.query.get("patient", "")
        return [asdict(one) for one in chart.writes if not patient or one.patient == patient]

    def faults(self, _request: web.Request, _body: bytes) -> Any:
        """The rules with what they have seen and struck."""
        return self._simulator.faults.counts()

    def set_faults(self, _request: web.Request, body: bytes) -> Any:
        """A list of rules; replaces those in force."""
        self._simulator.faults.set(read_rules(body))

    def set_client(self, _request: web.Request, body: bytes) -> Any:
        """Register a client, or replace the one with its id."""
        client = msgspec.json.decode(body, type=RegisteredClient)
        self._simulator.tokens.clients[client.client_id] = client

    def set_code_value(self, request: web.Request, body: bytes) -> Any:
        """Add a code value, or replace the one with its id."""
        row = msgspec.json.decode(body, type=CodeValue)
        self._tenant(request.query.get("tenant", "")).codes.put(row)

    def set_resource(self, request: web.Request, body: bytes) -> Any:
        """Put a resource with an id into the chart, as if Millennium had it; no rule is asked."""
        resource = orjson.loads(body)
        kind, identity = str(resource["resourceType"]), str(resource["id"])
        chart = self._tenant(request.query.get("tenant", "")).chart
        record = chart.get(kind, identity)
        if record is None:
            chart.add(kind, resource, identity, why="seed")
        else:
            chart.replace(record, resource, "seed")

    def merge(self, _request: web.Request, body: bytes) -> Any:
        """Combine a patient or an encounter into another, as done inside Millennium."""
        order = msgspec.json.decode(body, type=_Merge)
        chart = self._tenant(order.tenant).chart
        retired, survivor = (chart.get(order.type, one) for one in (order.retired, order.survivor))
        if retired is None or survivor is None:
            raise _UnknownError(f"such {order.type}")
        chart.combine(retired, survivor)

    def touch(self, _request: web.Request, body: bytes) -> Any:
        """A new version of a resource, as if somebody else had written it."""
        order = msgspec.json.decode(body, type=_Touch)
        chart = self._tenant(order.tenant).chart
        record = chart.get(order.type, order.id)
        if record is None:
            raise _UnknownError(f"such {order.type}")
        chart.touch(record)

    def obstruct(self, _request: web.Request, body: bytes) -> Any:
        """`{"id": ID, "by": "locked" | "dependency" | "none"}`: an appointment somebody else is
        at, or one that lacks what a change of it needs, until it is said to have neither."""
        order = msgspec.json.decode(body, type=_Obstruct)
        if order.type != "Appointment" or order.by not in OBSTACLES:
            raise ValueError(f"by is one of {', '.join(OBSTACLES)}, and type Appointment")
        chart = self._tenant(order.tenant).chart
        if chart.get(order.type, order.id) is None:
            raise _UnknownError(f"such {order.type}")
        chart.obstacles.pop((order.type, order.id), None)
        if OBSTACLES[order.by]:
            chart.obstacles[order.type, order.id] = OBSTACLES[order.by]

    def tokens(self, _request: web.Request, body: bytes) -> Any:
        """`{"action": "revoke" | "expire"}`: all tokens, or revoke those of one client."""
        order = msgspec.json.decode(body, type=_Tokens)
        host = self._simulator.tokens
        if order.action == "revoke":
            return {"tokens": host.revoke(order.client_id)}
        if order.action == "expire":
            return {"tokens": host.expire()}
        raise ValueError("action is revoke or expire")

    def reset(self, _request: web.Request, _body: bytes) -> Any:
        """As newly started."""
        self._simulator.reset()
