"""Rim. A plain FHIR R4 server on a port, for the demo, tests and benchmarks: not for patients'
data.

    python -m engine.simulator.fhir_server --port 8090

FHIR is under `/fhir`. `/_simulator/counts` tells what has been received, `/_simulator/faults` takes
the rules of `simulator.faults` (PUT, JSON), `/_simulator/reset` (POST) forgets everything.
"""

import argparse
import asyncio
import uuid
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import orjson
from aiohttp import web

from engine.fhir import definitions
from engine.simulator.faults import FaultRule, Faults, Kind, read_rules
from engine.simulator.fhir_bundle import run_bundle
from engine.simulator.fhir_memory import (
    RESOURCES_MAX,
    FhirMemory,
    RefusedError,
    Reply,
    refuse,
)

FHIR_JSON = "application/fhir+json"
BODY_BYTES_MAX = 64_000_000


class FhirServer:
    """The web application around a `FhirMemory`."""

    def __init__(
        self, *, resources_max: int = RESOURCES_MAX, refuse_future_births: bool = False
    ) -> None:
        """Args: how many resources are kept; whether a birth date to come is refused."""
        self._resources_max = resources_max
        self._rule = _birth_rule if refuse_future_births else _no_rule
        self.memory = self._empty()
        self.faults = Faults()
        self.statuses: Counter[int] = Counter()
        self.requests = 0

    def _empty(self) -> FhirMemory:
        return FhirMemory(
            new_id=lambda: str(uuid.uuid4()),
            instant=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"),
            rule=self._rule,
            resources_max=self._resources_max,
        )

    def application(self) -> web.Application:
        """The aiohttp application."""
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.router.add_get("/_simulator/counts", self._counts)
        app.router.add_put("/_simulator/faults", self._set_faults)
        app.router.add_post("/_simulator/reset", self._reset)
        app.router.add_route("*", "/fhir", self._fhir)
        app.router.add_route("*", "/fhir/{path:.*}", self._fhir)
        return app

    # -- FHIR --

    async def _fhir(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.requests += 1
        rule = self.faults.strike(body)
        if rule is not None and not rule.after_commit and rule.fault is not Kind.SLOW:
            return await self._spoiled(request, rule)
        try:
            reply = self._answer(request, body)
        except RefusedError as refused:
            reply = refused.reply
        if rule is not None:
            if rule.fault is not Kind.SLOW:
                return await self._spoiled(request, rule)
            await asyncio.sleep(rule.seconds)
        return self._response(request, reply)

    def _answer(self, request: web.Request, body: bytes) -> Reply:
        path = request.match_info.get("path", "").strip("/")
        query = request.query_string
        if not path:
            return self._system(request, body)
        if path == "metadata":
            return Reply(200, _capability_statement())
        kind, _, identity = path.partition("/")
        if identity == "_search" and request.method == "POST":
            return self.memory.search(kind, body.decode("ascii", "replace"))
        if request.method == "GET":
            return self.memory.read(kind, identity) if identity else self.memory.search(kind, query)
        if request.method == "DELETE" and identity:
            return self.memory.delete(kind, identity)
        resource = _decoded(body)
        if request.method == "POST" and not identity:
            condition = request.headers.get("If-None-Exist", "")
            return self.memory.create(kind, resource, condition)
        if request.method == "PUT":
            if identity:
                if_match = request.headers.get("If-Match", "")
                return self.memory.update(kind, identity, resource, if_match)
            return self.memory.update_where(kind, query, resource)
        raise refuse(405, "not-supported", "the interaction is not supported")

    def _system(self, request: web.Request, body: bytes) -> Reply:
        if request.method != "POST":
            raise refuse(405, "not-supported", "the interaction is not supported")
        minimal = "return=minimal" in request.headers.get("Prefer", "")
        return Reply(200, run_bundle(self.memory, _decoded(body), minimal=minimal))

    def _response(self, request: web.Request, reply: Reply) -> web.Response:
        self.statuses[reply.status] += 1
        headers = {}
        if reply.location:
            headers["Location"] = f"{request.scheme}://{request.host}/fhir/{reply.location}"
        if reply.etag:
            headers["ETag"] = reply.etag
        content = orjson.dumps(reply.body) if reply.body is not None else b""
        return web.Response(
            status=reply.status, body=content, content_type=FHIR_JSON, headers=headers
        )

    async def _spoiled(self, request: web.Request, rule: FaultRule) -> web.StreamResponse:
        """What the sender gets instead of the answer."""
        if rule.fault is Kind.STATUS:
            self.statuses[rule.status] += 1
            headers = {}
            if rule.retry_after_seconds is not None:
                headers["Retry-After"] = str(rule.retry_after_seconds)
            text = refuse(rule.status, "transient", "a fault made on purpose").reply.body
            return web.Response(
                status=rule.status,
                body=orjson.dumps(text),
                content_type=FHIR_JSON,
                headers=headers,
            )
        if rule.fault is Kind.HANG:
            await asyncio.sleep(rule.seconds)
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)

    # -- the simulator itself --

    async def _counts(self, _request: web.Request) -> web.Response:
        counts = {
            "requests": self.requests,
            "statuses": {str(status): count for status, count in self.statuses.items()},
            "events": dict(self.memory.counts),
            "resources": self.memory.resource_counts(),
        }
        return web.Response(body=orjson.dumps(counts), content_type="application/json")

    async def _set_faults(self, request: web.Request) -> web.Response:
        try:
            self.faults.set(read_rules(await request.read()))
        except (msgspec.MsgspecError, ValueError) as problem:
            answer = orjson.dumps({"error": str(problem)})
            return web.Response(status=400, body=answer, content_type="application/json")
        return web.Response(status=204)

    async def _reset(self, _request: web.Request) -> web.Response:
        self.memory = self._empty()
        self.faults.set([])
        self.statuses.clear()
        self.requests = 0
        return web.Response(status=204)


def _no_rule(_resource: dict[str, Any]) -> str:
    return ""


def _birth_rule(resource: dict[str, Any]) -> str:
    """What a real registry refuses though R4 allows it."""
    birth = resource.get("birthDate", "")
    if resource["resourceType"] == "Patient" and birth > datetime.now(UTC).date().isoformat():
        return "the birth date lies in the future"
    return ""


def _decoded(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise refuse(400, "structure", "the body is not JSON") from None


def _capability_statement() -> dict[str, Any]:
    resources = [
        {
            "type": name,
            "interaction": [{"code": code} for code in ("read", "create", "update", "delete")],
            "updateCreate": True,
            "conditionalCreate": True,
            "conditionalUpdate": True,
            "searchParam": [{"name": "identifier", "type": "token"}],
        }
        for name in sorted(definitions.resource_types())
    ]
    interactions = [{"code": "transaction"}, {"code": "batch"}]
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-01-01",
        "kind": "instance",
        "software": {"name": "interface-engine simulator"},
        "implementation": {"description": "simulated FHIR R4 server"},
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [{"mode": "server", "resource": resources, "interaction": interactions}],
    }


def run(server: FhirServer, *, address: str, port: int) -> None:
    """Serve until interrupted. Raises OSError when the port is taken."""
    web.run_app(
        server.application(), host=address, port=port, access_log=None, print=lambda *_: None
    )


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="simulated FHIR R4 server")
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--faults", type=Path, help="JSON file with fault rules")
    parser.add_argument("--resources-max", type=int, default=RESOURCES_MAX)
    parser.add_argument(
        "--refuse-future-births", action="store_true", help="refuse patients not yet born"
    )
    options = parser.parse_args()
    server = FhirServer(
        resources_max=options.resources_max, refuse_future_births=options.refuse_future_births
    )
    if options.faults is not None:
        server.faults.set(read_rules(options.faults.read_bytes()))
    run(server, address=options.address, port=options.port)


if __name__ == "__main__":
    main()
