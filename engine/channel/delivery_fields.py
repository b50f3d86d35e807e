"""Pure. Options that several kinds of destinations share: name, TLS, limits, the retry policy."""

from engine.channel import codes, forms
from engine.channel.connection import TlsConfig
from engine.channel.fields import ComponentSpec, FieldSpec, Kind, PlaceOf, Values
from engine.channel.listener_fields import count, seconds, tls_file
from engine.channel.model import RetryPolicy
from engine.diagnostics import Diagnostic


def _check_client_tls(values: Values, place: PlaceOf) -> list[Diagnostic]:
    found = []
    for present, missing in (("certificate", "key"), ("key", "certificate")):
        if values[present] and not values[missing]:
            found.append(codes.TLS_PAIR(place(present), present=present, missing=missing))
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
WHEN = FieldSpec(
    name="when",
    description="A condition over the message; where it is false nothing is delivered here. Of a "
    "document it sees the header as routes do: MSH-4, MSH-9 (`CDA` and the code of its type), "
    "MSH-10, MSH-12.",
    example='MSH-9.2 in ("A40", "A34")',
    form=forms.check_not_empty,
    form_name="a condition",
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
