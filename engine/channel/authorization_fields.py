"""Pure. The options of a client at an authorization server; of tenants and of FHIR destinations."""

from dataclasses import replace
from typing import Any

from engine.channel import codes, environment_forms, forms
from engine.channel.environment import (
    ALGORITHMS,
    CLIENT_SECRET_BASIC,
    METHODS,
    PRIVATE_KEY_JWT,
    SCOPE_SYNTAXES,
    AuthorizationConfig,
)
from engine.channel.fields import ComponentSpec, FieldSpec, Kind, PlaceOf, Values
from engine.diagnostics import Diagnostic

AUTO = "auto"


def _scopes(written: tuple[str, ...]) -> tuple[str, ...]:
    return () if written == (AUTO,) else written


def _check_credentials(values: Values, place: PlaceOf) -> list[Diagnostic]:
    """Each method needs credentials of its own, and none of the other's."""
    method = values["method"]
    needed = {CLIENT_SECRET_BASIC: ("secret",), PRIVATE_KEY_JWT: ("key", "key_id")}
    found = []
    for owner, options in needed.items():
        for option in options:
            # An option that is written wrongly has been reported: it is placed, but None.
            written = place(option) != place("")
            if owner == method and not written:
                found.append(codes.CREDENTIAL_MISSING(place(""), method=method, option=option))
            elif owner != method and written:
                found.append(codes.CREDENTIAL_UNUSED(place(option), method=method, option=option))
    return found


def _check_addresses(values: Values, place: PlaceOf) -> list[Diagnostic]:
    """A password in a URL is a secret in the file."""
    return [
        codes.SECRET_LITERAL(replace(place(option), secret=True), option=option)
        for option in ("token_url", "ehr_api_token_url")
        if values.get(option) and forms.has_password(values[option])
    ]


def url(name: str, description: str, example: str, **more: Any) -> FieldSpec:
    """An address, in which `{tenant}` may stand."""
    return FieldSpec(
        name=name,
        description=description,
        example=example,
        environment=True,
        form=environment_forms.check_tenant_url,
        form_name="a URL",
        **more,
    )


def text(name: str, description: str, example: str | None = None, **more: Any) -> FieldSpec:
    """A text that may come from a variable."""
    return FieldSpec(name=name, description=description, example=example, environment=True, **more)


def _of_destination(option: FieldSpec) -> FieldSpec:
    """Without a tenant's abilities: no `{tenant}`, and wildcards where the server knows them."""
    if option.name == "token_url":
        return replace(option, form=forms.check_url)
    if option.name == "scopes":
        return replace(
            option,
            description="What to ask for; left out: what the server gives unasked.",
            example="[system/*.cruds]",
            item=FieldSpec(
                name="",
                description="A scope.",
                form=environment_forms.check_scope_characters,
                form_name="a scope",
            ),
        )
    return option


AUTHORIZATION = ComponentSpec(
    key="authorization",
    title="authorization",
    summary="The client credentials of a system account. Tokens are kept until shortly before they "
    "end and are shared by all deliveries.",
    model=AuthorizationConfig,
    fields=(
        text(
            "client_id",
            "The client as registered.",
            '"${env:CERNER_CLIENT_ID}"',
            required=True,
            form=forms.check_not_empty,
            form_name="a client id",
        ),
        FieldSpec(
            name="method",
            kind=Kind.CHOICE,
            description="How the client proves itself at the token endpoint.",
            choices=METHODS,
        ),
        FieldSpec(
            name="secret",
            kind=Kind.SECRET,
            description="Client secret, for client_secret_basic.",
            example='"${secret:env:CERNER_SECRET}"',
        ),
        FieldSpec(
            name="key",
            kind=Kind.SECRET,
            description="Private key as PEM or JWK, for private_key_jwt; `engine jwks` prints its "
            "public part for registration.",
            example='"${secret:file:/run/secrets/key.pem}"',
        ),
        text("key_id", "The `kid` under which the public key is registered.", "k1"),
        FieldSpec(
            name="algorithm",
            kind=Kind.CHOICE,
            description="Signature of the assertion; the key must be RSA for RS384, P-384 for "
            "ES384.",
            choices=ALGORITHMS,
        ),
        url(
            "token_url",
            "Token endpoint; left out: discovered from the FHIR root.",
            "https://authorization.example.org/token",
        ),
        url(
            "ehr_api_token_url",
            "Token endpoint of the EHR API; left out: the discovered one with the API's host.",
            "https://authorization.example.org/hosts/api/token",
        ),
        FieldSpec(
            name="scopes",
            kind=Kind.LIST,
            description="What to ask for; `auto`, or left out: what the channels' calls need.",
            example="[system/Patient.crus, system/Encounter.crus]",
            item=FieldSpec(
                name="",
                description="A scope, or auto.",
                form=environment_forms.check_scope,
                form_name="a scope",
            ),
            convert=_scopes,
        ),
        FieldSpec(
            name="scope_syntax",
            kind=Kind.CHOICE,
            description="Version of SMART scopes the client is registered for; left out: v2 is "
            "tried, then v1.",
            choices=SCOPE_SYNTAXES,
        ),
    ),
    checks=(_check_credentials, _check_addresses),
)
OF_DESTINATION = replace(
    AUTHORIZATION,
    summary="The client credentials of this destination at its authorization server. Tokens are "
    "kept until shortly before they end and are shared by destinations with the same credentials.",
    fields=tuple(
        _of_destination(option)
        for option in AUTHORIZATION.fields
        if option.name != "ehr_api_token_url"
    ),
    checks=(_check_credentials, _check_addresses),
)
"""Of any FHIR server with SMART Backend Services."""
