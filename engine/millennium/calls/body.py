"""Pure. The calls of one message as the body of a delivery, and back.

`application/vnd.millennium.calls+json`, sorted keys, the same calls give the same bytes:

    {"version": 1,
     "message": {"control_id": ..., "event_at": INSTANT, "type": "ADT^A01"},
     "calls": [CALL, ...]}

in the order in which they are to be made. A CALL that writes or finds a resource:

    call         name of the preset, such as patient.register, or Practitioner's practitioner.find
    name         "Patient/<engine id>": the engine's own stable name of the resource
    identifiers  [{"system", "value", "type"}]: business keys, best first; type (of table 0203) only
                 where it is known
    resource     FHIR JSON shaped for the create, without id. References to resources of other calls
                 are {"reference": "urn:engine:Patient/<engine id>"}; `calls.references` puts ids in
                 their place. Left out of calls that only find.
    verify       second factor: {"birthDate", "family", "gender"} of a Patient; of an Encounter
                 {"subject": "Patient/<engine id>"}. May be empty.
    once         key of the ledger for a resource without a business key on the server; left out of
                 others
    probe        search that tells whether a lost create was made, with {names} of elements, which
                 `calls.references.filled_probe` fills; left out where there is none
    only         "change": it can be said only of a resource that is there (a document voided, an
                 appointment cancelled); one that is not is never created by it
    demanded     elements this one must have beside what its type requires: an unknown reference in
                 one of them stops the call (`calls.references.with_references`)
    deletes      elements the message deletes, as `resources.patching.patch_of` reads them
    event_at     INSTANT of the event, for the out-of-order guard
    unmapped     [{"field", "code", "system", "code_set", "sent"}]: codes sent as something else
    resolved     [{"field", "evidence"}]: which row of which table gave each code value

and one without a request, for the ledger alone:

    {"call": "identity.merge", "survivor": [identifier, ...], "retired": [identifier, ...],
     "event_at": INSTANT}
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson

CONTENT_TYPE = "application/vnd.millennium.calls+json"
VERSION = 1
MERGE = "identity.merge"
CHANGE = "change"
"""Of `only`."""
ENGINE = "urn:engine:"
"""Begins a reference to a resource that the engine knows by its own id."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFacts:
    """What the calls say of their message."""

    control_id: str = ""
    event_at: str = ""
    """An instant."""
    message_type: str = ""
    """Such as `ADT^A01`, or `CDA^34133-9`."""


def encode_calls(message: MessageFacts, calls: Sequence[Json]) -> bytes:
    """The body."""
    whole = {
        "version": VERSION,
        "message": {
            "control_id": message.control_id,
            "event_at": message.event_at,
            "type": message.message_type,
        },
        "calls": list(calls),
    }
    return encode_json(whole)


def encode_json(value: object) -> bytes:
    """JSON with sorted keys and numbers with the digits they have: `1.50` stays `1.50`."""
    return orjson.dumps(value, default=_encode_decimal, option=orjson.OPT_SORT_KEYS)


def decode_calls(body: bytes) -> tuple[MessageFacts, list[Json]]:
    """The message and its calls.

    Raises:
        ValueError: this is no body of calls, or of a version not known here.
    """
    whole = json.loads(body, parse_float=Decimal)
    if not isinstance(whole, Mapping) or whole.get("version") != VERSION:
        raise ValueError("this is no body of Millennium calls that this version can read")
    message = whole["message"]
    facts = MessageFacts(
        control_id=message["control_id"],
        event_at=message["event_at"],
        message_type=message["type"],
    )
    return facts, list(whole["calls"])


def _encode_decimal(value: object) -> orjson.Fragment:
    if not isinstance(value, Decimal):
        raise TypeError(type(value).__name__)
    return orjson.Fragment(str(value))
