"""Rim. `/.well-known/jwks.json`: the public keys by which others know our clients. Open to all."""

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from engine.destinations.interface import AuthorizationFailed
from engine.telemetry.logs import error_caught
from engine.web.access import Visit, for_all

PATH = "/.well-known/jwks.json"
_KIND = "application/jwk-set+json"


def routes() -> list[Route]:
    """The route of the keys."""
    return [Route(PATH, client_keys, methods=["GET"])]


@for_all
def client_keys(visit: Visit) -> Response:
    """The JWK Set (RFC 7517); 503 while a key cannot be read, which the log explains."""
    loaded = visit.console.loaded()
    if loaded is None:
        return JSONResponse({"error": "no configuration is in force here"}, 404)
    try:
        keys = visit.console.client_keys.of(loaded.configuration)
    except AuthorizationFailed as problem:
        visit.console.recorder.record(error_caught(problem))
        return JSONResponse({"error": "a key cannot be read; see the log"}, 503)
    return JSONResponse(keys, media_type=_KIND)
