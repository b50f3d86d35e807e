"""Pure. The options of destinations: FHIR, MLLP, file. Feeds lint, docs and JSON Schema."""

from dataclasses import replace

from engine.channel import codes, forms
from engine.channel.connection import SecretReference, TlsConfig
from engine.channel.fields import ComponentSpec, FieldSpec, Kind, PlaceOf, Values
from engine.channel.listener_fields import count, port, seconds, tls_file
from engine.channel.model import (
    FhirDestinationConfig,
    FileDestinationConfig,
    MllpDestinationConfig,
    RetryPolicy,
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


def _check_client_tls(values: Values, place: PlaceOf) -> list[Diagnostic]:
    found = []
    for present, missing in (("certificate", "key"), ("key", "certificate")):
        if values[present] and not values[missing]:
            found.append(codes.TLS_PAIR(place(present), present=present, missing=missing))
    return found


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


def _check_retry(values: Values, place: PlaceOf) -> list[Diagnostic]:
    if values["initial_seconds"] > values["maximum_seconds"]:
        return [codes.RETRY_ORDER(place("initial_seconds"))]
    return []


RETRY = ComponentSpec(
    key="retry",
    title="the retry policy",
    summary="When a failed attempt is tried again.",
    model=RetryPolicy,
    fields=(
        seconds("initial_seconds", "Delay before the second attempt."),
        FieldSpec(
            name="factor",
            kind=Kind.NUMBER,
            description="Each delay is the one before times this.",
            minimum=1,
            maximum=10,
        ),
        seconds("maximum_seconds", "No delay is longer."),
        FieldSpec(
            name="jitter",
            kind=Kind.NUMBER,
            description="Share of the delay added or taken away at random.",
            minimum=0,
            maximum=1,
        ),
        count("attempts_max", "Attempts in all; 0: no limit, the age decides.", 1_000_000, 0),
        FieldSpec(
            name="age_max_hours",
            attribute="age_max_seconds",
            kind=Kind.NUMBER,
            scale=3600.0,
            description="A delivery older than this is given up.",
            minimum=0.01,
            maximum=24 * 366,
            environment=True,
        ),
        FieldSpec(
            name="on_error",
            kind=Kind.CHOICE,
            description="After a permanent failure: continue with the lane's next message, or "
            "block the lane until a person acts.",
            choices=("continue", "block"),
        ),
        count("breaker_failures", "Transient failures in a row that open the circuit.", 1_000_000),
        seconds("breaker_seconds", "How long it stays open before one probe attempt."),
    ),
    checks=(_check_retry,),
)
CLIENT_TLS = ComponentSpec(
    key="tls",
    title="TLS of the destination",
    summary="Certificates. HTTPS without it trusts the authorities of the system.",
    model=TlsConfig,
    fields=(
        tls_file("certificate", "PEM file of the client certificate with its chain."),
        tls_file("key", "PEM file of its private key."),
        tls_file("ca", "PEM file of authorities the server is checked with."),
        FieldSpec(
            name="server_name",
            description="Name expected in the server's certificate, when it is not the host.",
            form=forms.check_host,
            form_name="a host name",
        ),
    ),
    checks=(_check_client_tls,),
)

NAME = FieldSpec(
    name="name",
    description="Tells deliveries apart in the log, in metrics and in commands.",
    example="records",
    required=True,
    form=forms.check_name,
    form_name="a name",
)
TLS = FieldSpec(
    name="tls",
    kind=Kind.OBJECT,
    description="Client certificate, authorities.",
    component=CLIENT_TLS,
)
RETRY_OPTION = FieldSpec(
    name="retry", kind=Kind.OBJECT, description="When to try again.", component=RETRY
)
TIMEOUT = seconds("timeout_seconds", "The answer must come within this time.", maximum=3600)
CONCURRENCY = count("concurrency_max", "Deliveries in flight at once, over all lanes.", 1000)
RATE = FieldSpec(
    name="rate_per_second",
    kind=Kind.NUMBER,
    description="Attempts a second; 0: no limit.",
    minimum=0,
    maximum=100_000,
    environment=True,
)
RESPONSE = count("response_bytes_max", "Of a response, this much is kept.", 100_000_000)

FHIR_DESTINATION = ComponentSpec(
    key="fhir",
    title="the FHIR destination",
    summary="A FHIR R4 server.",
    model=FhirDestinationConfig,
    fields=(
        NAME,
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
        TLS,
        TIMEOUT,
        CONCURRENCY,
        RATE,
        RESPONSE,
        RETRY_OPTION,
    ),
    checks=(_check_capabilities, _check_headers),
)
MLLP_DESTINATION = ComponentSpec(
    key="mllp",
    title="the MLLP destination",
    summary="Another HL7 v2 system: the message is sent on as received.",
    model=MllpDestinationConfig,
    fields=(
        NAME,
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
DESTINATIONS = (FHIR_DESTINATION, MLLP_DESTINATION, FILE_DESTINATION)
