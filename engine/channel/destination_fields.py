"""Pure. The options of destinations by kind. Feeds lint, docs and JSON Schema."""

from dataclasses import replace

from engine.channel import codes, forms
from engine.channel.authorization_fields import OF_DESTINATION
from engine.channel.connection import SecretReference
from engine.channel.delivery_fields import (
    CONCURRENCY,
    NAME,
    RATE,
    RESPONSE,
    RETRY_OPTION,
    TIMEOUT,
    TLS,
    WHEN,
)
from engine.channel.fields import ComponentSpec, FieldSpec, Kind, PlaceOf, Values
from engine.channel.listener_fields import count, port, seconds
from engine.channel.millennium_fields import MILLENNIUM_DESTINATION
from engine.channel.model import (
    FhirDestinationConfig,
    FileDestinationConfig,
    MllpDestinationConfig,
)
from engine.diagnostics import Diagnostic

CAPABILITIES = (
    "transaction",
    "batch",
    "conditional-update",
    "conditional-create",
    "conditional-reference",
    "update-create",
)


def _check_capabilities(values: Values, place: PlaceOf) -> list[Diagnostic]:
    """Interaction and identity against what the server is said to do."""
    needs = {
        ("interaction", "transaction"): "transaction",
        ("interaction", "batch"): "batch",
        ("identity", "update"): "update-create",
        ("identity", "conditional"): "conditional-update",
    }
    found = []
    for option in ("interaction", "identity"):
        capability = needs.get((option, values[option]))
        if capability and capability not in values["capabilities"]:
            found.append(
                codes.CAPABILITY_MISSING(
                    place(option),
                    option=option,
                    value=values[option],
                    capability=capability,
                    hint=f"add {capability} to `capabilities` when the server has it, "
                    f"or choose another {option}",
                )
            )
    return found


def _check_headers(values: Values, place: PlaceOf) -> list[Diagnostic]:
    """Headers that carry credentials must be secret references; so must passwords in the URL."""
    found = [
        codes.SECRET_LITERAL(replace(place(f"headers.{name}"), secret=True), option=name)
        for name, value in values["headers"]
        if name.lower() in forms.SECRET_HEADERS and not isinstance(value, SecretReference)
    ]
    if values["url"] and forms.has_password(values["url"]):
        found.append(codes.SECRET_LITERAL(replace(place("url"), secret=True), option="url"))
    return found


def _check_bearer(values: Values, place: PlaceOf) -> list[Diagnostic]:
    """One Authorization header: a bearer token, or tokens by client credentials."""
    if values["authorization"] is None:
        return []
    named = {name.lower() for name, _ in values["headers"]}
    if values["bearer"] is None and "authorization" not in named:
        return []
    return [codes.TWO_AUTHORIZATIONS(place("authorization"))]


FHIR_DESTINATION = ComponentSpec(
    key="fhir",
    title="the FHIR destination",
    summary="A FHIR R4 server.",
    model=FhirDestinationConfig,
    fields=(
        NAME,
        WHEN,
        FieldSpec(
            name="url",
            description="Base URL.",
            example="https://fhir.example.org/r4",
            required=True,
            environment=True,
            form=forms.check_url,
            form_name="a base URL",
        ),
        FieldSpec(
            name="interaction",
            kind=Kind.CHOICE,
            description="Resources of a message in one transaction, one batch, or each alone.",
            choices=("transaction", "batch", "single"),
        ),
        FieldSpec(
            name="identity",
            kind=Kind.CHOICE,
            description="update: PUT by derived id. conditional: PUT by identifier. create: POST, "
            "with If-None-Exist where the resource has an identifier.",
            choices=("update", "conditional", "create"),
        ),
        FieldSpec(
            name="bundle",
            kind=Kind.CHOICE,
            description="What a C-CDA document is sent as. transaction: its resources, as those of "
            "messages. document: one Bundle of type document, kept whole at `/Bundle`.",
            choices=("transaction", "document"),
        ),
        FieldSpec(
            name="merge",
            kind=Kind.CHOICE,
            description="Resources a message says only a part of. read: read, merge, write if "
            "unchanged meanwhile. create: write only where there is none. replace: write them as "
            "they are.",
            choices=("read", "create", "replace"),
        ),
        seconds(
            "merge_memory_seconds",
            "Staff, places, organisations and devices that the server was seen to have, and of "
            "which a message says nothing else, are neither read nor sent so long; 0: always.",
            minimum=0,
        ),
        FieldSpec(
            name="capabilities",
            kind=Kind.LIST,
            description="What the server can do; the interaction and identity must be among it.",
            item=FieldSpec(
                name="", kind=Kind.CHOICE, description="A capability.", choices=CAPABILITIES
            ),
            convert=frozenset,
        ),
        FieldSpec(
            name="headers",
            kind=Kind.TABLE,
            description="Headers of each request; those with credentials as secret references.",
            example='{X-Tenant: north, X-Api-Key: "${secret:env:API_KEY}"}',
            key_form=forms.check_header_name,
            item=FieldSpec(
                name="", kind=Kind.TEXT_OR_SECRET, description="The value.", environment=True
            ),
        ),
        FieldSpec(
            name="bearer",
            kind=Kind.SECRET,
            description="Bearer token.",
            example='"${secret:file:/run/secrets/fhir_token}"',
        ),
        FieldSpec(
            name="authorization",
            kind=Kind.OBJECT,
            description="Tokens by client credentials, in place of `bearer`.",
            component=OF_DESTINATION,
        ),
        TLS,
        TIMEOUT,
        CONCURRENCY,
        RATE,
        RESPONSE,
        RETRY_OPTION,
    ),
    checks=(_check_capabilities, _check_headers, _check_bearer),
)
MLLP_DESTINATION = ComponentSpec(
    key="mllp",
    title="the MLLP destination",
    summary="Another HL7 v2 system: the message is sent on as received.",
    model=MllpDestinationConfig,
    fields=(
        NAME,
        WHEN,
        FieldSpec(
            name="host",
            description="Host name or IP address.",
            example="lab.example.org",
            required=True,
            environment=True,
            form=forms.check_host,
            form_name="a host",
        ),
        port("TCP port."),
        TLS,
        TIMEOUT,
        seconds(
            "connect_timeout_seconds", "A connection must stand within this time.", maximum=600
        ),
        count("connections_max", "Connections kept open.", 100),
        FieldSpec(
            name="lost_answer",
            kind=Kind.CHOICE,
            description="When no acknowledgment came: hold for a person, or resend with the same "
            "control id, where the receiver knows repeats by it.",
            choices=("hold", "resend"),
        ),
        CONCURRENCY,
        RATE,
        RESPONSE,
        RETRY_OPTION,
    ),
)
FILE_DESTINATION = ComponentSpec(
    key="file",
    title="the file destination",
    summary="A folder: one file a message, written aside and renamed.",
    model=FileDestinationConfig,
    fields=(
        NAME,
        WHEN,
        FieldSpec(
            name="path",
            description="The folder.",
            example="/data/out",
            required=True,
            environment=True,
            form=forms.check_not_empty,
            form_name="a folder",
        ),
        FieldSpec(
            name="pattern",
            description="File name. Fields: received, message_id, channel, message_type, "
            "control_id_hash.",
            form=forms.check_file_pattern,
            form_name="a file name pattern",
        ),
        FieldSpec(
            name="content",
            kind=Kind.CHOICE,
            description="bundle: the FHIR JSON. document: the same, but of a C-CDA document a "
            "Bundle of type document. message: the bytes as received.",
            choices=("bundle", "document", "message"),
        ),
        CONCURRENCY,
        RATE,
        RETRY_OPTION,
    ),
)
DESTINATIONS = (FHIR_DESTINATION, MLLP_DESTINATION, FILE_DESTINATION, MILLENNIUM_DESTINATION)
