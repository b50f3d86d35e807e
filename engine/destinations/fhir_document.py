"""Rim. A document on its way to a FHIR server: one Bundle that the server keeps whole at `/Bundle`.

It is created with If-None-Exist on its identifier where the server knows that, so that sending it
twice leaves it there once. R4 documents.html, http.html#ccreate; Bundle's search by identifier.
"""

from collections.abc import Iterator

import orjson

from engine.destinations.http_exchange import Headers
from engine.fhir.forms import identifier_query
from engine.pipeline.result import FHIR_DOCUMENT

CONDITIONAL_CREATE = "conditional-create"


def is_whole(content_type: str) -> bool:
    """True for a Bundle of type document."""
    return content_type == FHIR_DOCUMENT


def document_headers(headers: Headers, body: bytes, capabilities: frozenset[str]) -> Headers:
    """The headers of the request that creates it.

    Raises:
        ValueError, KeyError, TypeError: the body is no Bundle with an identifier.
    """
    if CONDITIONAL_CREATE not in capabilities:
        return headers
    sent = headers.copy()
    sent["If-None-Exist"] = identifier_query(_identifier(body))
    return sent


def document_identifiers(body: bytes) -> Iterator[tuple[str, str]]:
    """("Bundle", `system|value`), by which a lost answer is settled; raises as the other."""
    system, value = _identifier(body)
    yield "Bundle", f"{system}|{value}"


def _identifier(body: bytes) -> tuple[str, str]:
    found = orjson.loads(body)["identifier"]
    return found["system"], found["value"]
