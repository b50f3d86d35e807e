"""Pure. The options of a terminology server, of an environment."""

from dataclasses import replace

from engine.channel import codes, forms
from engine.channel.authorization_fields import text
from engine.channel.delivery_fields import CLIENT_TLS
from engine.channel.environment import TerminologyConfig
from engine.channel.fields import ComponentSpec, FieldSpec, Kind, PlaceOf, Values
from engine.diagnostics import Diagnostic


def _check_address(values: Values, place: PlaceOf) -> list[Diagnostic]:
    if values["server"] and forms.has_password(values["server"]):
        return [codes.SECRET_LITERAL(replace(place("server"), secret=True), option="server")]
    return []


TERMINOLOGY = ComponentSpec(
    key="terminology",
    title="the terminology server",
    summary="Asked by `engine tables fetch` for translations, never while messages are processed.",
    model=TerminologyConfig,
    fields=(
        text(
            "server",
            "Its FHIR R4 service root.",
            "https://tx.example.org/r4",
            required=True,
            form=forms.check_url,
            form_name="a URL",
        ),
        FieldSpec(
            name="token",
            kind=Kind.SECRET,
            description="Sent as bearer token, where it wants one.",
            example='"${secret:env:TERMINOLOGY_TOKEN}"',
        ),
        FieldSpec(
            name="tls",
            kind=Kind.OBJECT,
            description="Client certificate, authorities.",
            component=CLIENT_TLS,
        ),
    ),
    checks=(_check_address,),
)
