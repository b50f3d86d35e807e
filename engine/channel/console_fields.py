"""Pure. The options of `console.yaml`. Feeds lint and documentation."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from engine.channel import codes, forms
from engine.channel.alert_fields import ALERTS
from engine.channel.connection import TlsConfig
from engine.channel.console import ROLE_NAMES, ConsoleConfig, MaskingConfig, OidcConfig
from engine.channel.fields import ComponentSpec, FieldSpec, Kind, PlaceOf, Values
from engine.channel.listener_fields import ADDRESS, count, tls_file
from engine.channel.reading import Reading, read_component
from engine.diagnostics import Diagnostic, Place, has_errors, sort_key
from engine.yamltext import parse_yaml

CONSOLE_FILE = "console.yaml"

_FIELD = re.compile(r"[A-Z][A-Z0-9]{2}-[1-9][0-9]?\Z")


def _check_field(text: str) -> str | None:
    """A field of a message, such as PV1-3."""
    return None if _FIELD.match(text) else "write the segment, a dash and a number, as PV1-3"


def _check_origin(text: str) -> str | None:
    """How browsers reach the console: scheme, host and port, nothing more."""
    wrong = forms.check_url(text)
    if wrong:
        return wrong
    if urlsplit(text).path not in ("", "/") or forms.has_password(text):
        return "write scheme, host and port only: the console answers at the root"
    return None


def _check_exposed(values: Values, place: PlaceOf) -> list[Diagnostic]:
    """Beyond this machine the console is reached over TLS, its own or a proxy's."""
    address = values["address"]
    if address is None or ipaddress.ip_address(address).is_loopback:
        return []
    if values["tls"] is not None or place("tls") != place(""):
        return []
    if (values["url"] or "").startswith("https://"):
        return []
    return [codes.CONSOLE_EXPOSED(place("address"), address=address)]


def _check_tls(values: Values, place: PlaceOf) -> list[Diagnostic]:
    return [
        codes.TLS_PAIR(place(present), present=present, missing=missing)
        for present, missing in (("certificate", "key"), ("key", "certificate"))
        if values[present] and not values[missing]
    ]


def _check_issuer(values: Values, place: PlaceOf) -> list[Diagnostic]:
    """Who signs in is what the provider says: nobody may stand in for it on the way."""
    issuer = values["issuer"]
    if not issuer:
        return []
    if forms.has_password(issuer):
        return [codes.SECRET_LITERAL(replace(place("issuer"), secret=True), option="issuer")]
    parts = urlsplit(issuer)
    if parts.scheme == "https" or parts.hostname in ("127.0.0.1", "::1", "localhost"):
        return []
    return [codes.ISSUER_WITHOUT_TLS(place("issuer"), host=parts.hostname or "")]


def _minutes(name: str, attribute: str, description: str, maximum: float) -> FieldSpec:
    return FieldSpec(
        name=name,
        attribute=attribute,
        kind=Kind.NUMBER,
        description=description,
        scale=60,
        minimum=1,
        maximum=maximum,
        environment=True,
    )


def _text(name: str, description: str, example: str | None = None, **more: bool) -> FieldSpec:
    return FieldSpec(
        name=name,
        description=description,
        example=example,
        environment=True,
        form=forms.check_not_empty,
        form_name="text",
        **more,  # type: ignore[arg-type]
    )


def _fields(name: str, description: str, example: str) -> FieldSpec:
    return FieldSpec(
        name=name,
        kind=Kind.LIST,
        description=description,
        example=example,
        item=FieldSpec(name="", description="A field.", form=_check_field, form_name="a field"),
    )


CONSOLE_TLS = ComponentSpec(
    key="tls",
    title="TLS of the console",
    summary="Encrypts the port. Read when the console starts.",
    model=TlsConfig,
    fields=(
        tls_file("certificate", "PEM file of the certificate with its chain."),
        tls_file("key", "PEM file of its private key."),
    ),
    checks=(_check_tls,),
)
MASKING = ComponentSpec(
    key="masking",
    title="the masking",
    summary="Changes to which fields masked users see. Hiding wins.",
    model=MaskingConfig,
    fields=(
        _fields("show", "Fields shown to everybody who may see contents.", "[PV1-3]"),
        _fields("hide", "Fields hidden, also those the shipped policy shows.", "[OBR-4, ZPD-2]"),
    ),
)
OIDC = ComponentSpec(
    key="oidc",
    title="the OpenID provider",
    summary="Signing in with an account of the site, beside local users.",
    model=OidcConfig,
    fields=(
        FieldSpec(
            name="issuer",
            description="Its name, below which `/.well-known/openid-configuration` is.",
            example="https://id.example.org/realms/hospital",
            required=True,
            environment=True,
            form=forms.check_url,
            form_name="a URL",
        ),
        _text("client_id", "The console's id there.", "interface-engine", required=True),
        FieldSpec(
            name="client_secret",
            kind=Kind.SECRET,
            description="The console's secret there; without it it is a public client.",
            example='"${secret:env:OIDC_SECRET}"',
        ),
        FieldSpec(
            name="scopes",
            kind=Kind.LIST,
            description="What is asked for.",
            item=_text("", "A scope."),
        ),
        _text("name_claim", "Claim with the user's name.", "email"),
        _text("role_claim", "Claim with the groups or roles.", "groups"),
        FieldSpec(
            name="roles",
            kind=Kind.TABLE,
            description="Value of that claim to role; who has none may not sign in.",
            example="{HL7-Support: support}",
            required=True,
            item=FieldSpec(name="", kind=Kind.CHOICE, description="A role.", choices=ROLE_NAMES),
            convert=dict,
        ),
        FieldSpec(
            name="channels",
            kind=Kind.TABLE,
            description="Value of that claim to the channels it opens; without it all are open.",
            example="{HL7-Lab: [lab-results]}",
            item=FieldSpec(
                name="channels",
                kind=Kind.LIST,
                description="Channels.",
                item=FieldSpec(
                    name="", description="A channel.", form=forms.check_name, form_name="a name"
                ),
            ),
            convert=dict,
        ),
        _text("label", "The words on the button."),
    ),
    checks=(_check_issuer,),
)
CONSOLE = ComponentSpec(
    key="",
    title="the console",
    summary="The file `console.yaml` of the project. Without it the console runs on its defaults.",
    model=ConsoleConfig,
    fields=(
        _text("environment", "What this engine is called on every page.", "production"),
        ADDRESS,
        FieldSpec(
            name="port",
            kind=Kind.INTEGER,
            description="Port; `--console-port` wins.",
            minimum=1,
            maximum=65535,
            environment=True,
        ),
        FieldSpec(
            name="url",
            description="How browsers reach it, when a proxy stands before it.",
            example="https://console.example.org",
            environment=True,
            form=_check_origin,
            form_name="an origin",
        ),
        FieldSpec(
            name="tls", kind=Kind.OBJECT, description="Encrypt the port.", component=CONSOLE_TLS
        ),
        FieldSpec(
            name="proxies",
            kind=Kind.LIST,
            description="Addresses of proxies whose `X-Forwarded-For` is believed.",
            example="[10.0.0.5]",
            item=FieldSpec(
                name="",
                description="An address.",
                environment=True,
                form=forms.check_network,
                form_name="an address or network",
            ),
        ),
        FieldSpec(
            name="time_zone",
            description="In which times are shown.",
            example="America/Chicago",
            environment=True,
            form=forms.check_time_zone,
            form_name="a time zone",
        ),
        _minutes("idle_minutes", "idle_seconds", "Sign out who does nothing for so long.", 480),
        FieldSpec(
            name="session_hours",
            attribute="session_seconds",
            kind=Kind.NUMBER,
            description="Sign out after so long, whatever is done.",
            scale=3600,
            minimum=0.25,
            maximum=168,
            environment=True,
        ),
        count("sessions_per_user", "A further sign-in ends the one used longest ago.", 50),
        count(
            "searches_at_once",
            "Searches that read the store at the same time; others wait their turn.",
            64,
        ),
        count(
            "niceness",
            "How much the console's process gives way to those that move messages: 0 not at all.",
            19,
            minimum=0,
        ),
        FieldSpec(
            name="audit_key",
            kind=Kind.SECRET,
            description="Seals the audit trail; without it a key in the store does.",
            example='"${secret:file:/etc/engine/audit.key}"',
        ),
        count(
            "second_approval_from",
            "A replay of so many messages waits until another person agrees; 0: none does.",
            10_000_000,
            0,
        ),
        FieldSpec(
            name="masking",
            kind=Kind.OBJECT,
            description="Changes to what masked users see.",
            component=MASKING,
        ),
        FieldSpec(
            name="oidc",
            kind=Kind.OBJECT,
            description="Sign in at an OpenID provider.",
            component=OIDC,
        ),
        FieldSpec(
            name="alerts",
            kind=Kind.OBJECT,
            description="What is a fault, and who is told.",
            component=ALERTS,
        ),
    ),
    checks=(_check_exposed,),
)


def read_console(
    text: str, variables: Mapping[str, str], file: str = CONSOLE_FILE
) -> tuple[ConsoleConfig | None, list[Diagnostic]]:
    """Read and check `console.yaml`.

    Args:
        text: the whole file; empty: the defaults.
        variables: variable name to value, for `${env:NAME}`.
        file: its name, for places.

    Returns:
        The settings (None when there is an error) and all problems, in file order.
    """
    root, problems = parse_yaml(text, file)
    if root is None:
        return (None if has_errors(problems) else ConsoleConfig()), problems
    reading = Reading(environment=variables, problems=problems)
    reading.places[""] = Place(file=file, line=1, column=1)
    config = read_component(root, CONSOLE, "", reading)
    problems = sorted(reading.problems, key=sort_key)
    return (None if has_errors(problems) else config), problems
