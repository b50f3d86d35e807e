"""Pure. The options of `alerts:` in `console.yaml`. Feeds lint and documentation."""

import re

from engine.channel import codes, forms
from engine.channel.alerts import AlertsConfig, EmailConfig, WebhookConfig
from engine.channel.fields import ComponentSpec, FieldSpec, Kind, PlaceOf, Values
from engine.diagnostics import Diagnostic

_MAILBOX = re.compile(r"[^@\s,<>]+@[^@\s,<>]+\Z")


def _check_mailbox(text: str) -> str | None:
    """One bare address."""
    return None if _MAILBOX.match(text) else "write a bare address, as support@example.org"


def _check_password(values: Values, place: PlaceOf) -> list[Diagnostic]:
    """A name without a password, or a password that would go over the wire in the clear."""
    if values["password"] and values["security"] == "none":
        return [codes.MAIL_IN_CLEAR(place("security"))]
    return []


def _mailbox(name: str, description: str, **more: object) -> FieldSpec:
    return FieldSpec(
        name=name,
        description=description,
        form=_check_mailbox,
        form_name="an e-mail address",
        environment=True,
        **more,  # type: ignore[arg-type]
    )


def _minutes(name: str, attribute: str, description: str) -> FieldSpec:
    return FieldSpec(
        name=name,
        attribute=attribute,
        kind=Kind.NUMBER,
        description=description,
        scale=60,
        minimum=1,
        maximum=10_080,
    )


def _percent(name: str, description: str) -> FieldSpec:
    return FieldSpec(name=name, kind=Kind.NUMBER, description=description, minimum=0, maximum=100)


EMAIL = ComponentSpec(
    key="email",
    title="e-mail of alerts",
    summary="A mail server, and who is written to.",
    model=EmailConfig,
    fields=(
        FieldSpec(
            name="host",
            description="The mail server.",
            example="mail.example.org",
            required=True,
            environment=True,
            form=forms.check_not_empty,
            form_name="a host name",
        ),
        FieldSpec(
            name="port", kind=Kind.INTEGER, description="Its port.", minimum=1, maximum=65535
        ),
        FieldSpec(
            name="security",
            kind=Kind.CHOICE,
            description="How the connection is encrypted.",
            choices=("starttls", "tls", "none"),
        ),
        FieldSpec(
            name="user",
            description="Name to sign in with.",
            environment=True,
            form=forms.check_not_empty,
            form_name="text",
        ),
        FieldSpec(
            name="password",
            kind=Kind.SECRET,
            description="Password to sign in with.",
            example='"${secret:env:MAIL_PASSWORD}"',
        ),
        _mailbox("from", "The sender.", example="engine@example.org", attribute="sender",
                 required=True),
        FieldSpec(
            name="to",
            kind=Kind.LIST,
            description="Who is written to.",
            example="[interfaces@example.org]",
            required=True,
            item=_mailbox("", "An address."),
        ),
    ),
    checks=(_check_password,),
)  # fmt: skip
WEBHOOK = ComponentSpec(
    key="webhook",
    title="webhook of alerts",
    summary="An address that is sent JSON: `alert`, `subject`, `state`, `since`, `text`.",
    model=WebhookConfig,
    fields=(
        FieldSpec(
            name="url",
            description="Where to.",
            example="https://chat.example.org/hooks/interfaces",
            required=True,
            environment=True,
            form=forms.check_url,
            form_name="a URL",
        ),
        FieldSpec(
            name="token",
            kind=Kind.SECRET,
            description="Sent as `Authorization: Bearer`.",
            example='"${secret:env:HOOK_TOKEN}"',
        ),
    ),
)
ALERTS = ComponentSpec(
    key="alerts",
    title="the alerts",
    summary="What is a fault, and who is told: once when it begins, once when it ends.",
    model=AlertsConfig,
    fields=(
        FieldSpec(
            name="silence",
            kind=Kind.BOOLEAN,
            description="A channel is quiet for twice its longest gap at that hour of the week.",
        ),
        _minutes("queue_minutes", "queue_seconds", "The oldest message of a channel waits longer."),
        _percent("error_percent", "Of what a channel received in a quarter of an hour."),
        FieldSpec(
            name="errors_min",
            kind=Kind.INTEGER,
            description="Fewer errors are no error rate.",
            minimum=1,
            maximum=1_000_000,
        ),
        _minutes("outage_minutes", "outage_seconds", "A destination does not answer for longer."),
        FieldSpec(
            name="certificate_days",
            kind=Kind.INTEGER,
            description="A certificate of the configuration ends sooner.",
            minimum=0,
            maximum=400,
        ),
        _percent("disk_percent", "Free on the disk of the data folder, less."),
        FieldSpec(name="email", kind=Kind.OBJECT, description="Write mail.", component=EMAIL),
        FieldSpec(name="webhook", kind=Kind.OBJECT, description="Send JSON.", component=WEBHOOK),
    ),
)
