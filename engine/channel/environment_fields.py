"""Pure. The options of environment files. Feeds lint, documentation and JSON Schema."""

from dataclasses import replace

from engine.channel import codes, environment_forms, forms
from engine.channel.authorization_fields import AUTHORIZATION, text, url
from engine.channel.delivery_fields import CLIENT_TLS
from engine.channel.environment import (
    NORMALISATIONS,
    REGIONS,
    AliasPool,
    CanaryConfig,
    EnvironmentClass,
    EnvironmentConfig,
    Mode,
    TenantConfig,
)
from engine.channel.fields import ComponentSpec, FieldSpec, Kind, PlaceOf, Values
from engine.channel.listener_fields import count
from engine.channel.terminology_fields import TERMINOLOGY
from engine.diagnostics import Diagnostic

CLASSES = tuple(one.value for one in EnvironmentClass)


def _check_addresses(values: Values, place: PlaceOf) -> list[Diagnostic]:
    """A password in a URL is a secret in the file."""
    addresses = {"fhir": values["fhir_root"], "ehr_api": values["ehr_api_root"]}
    addresses |= {f"services.{name}": root for name, root in values["services"].items()}
    return [
        codes.SECRET_LITERAL(replace(place(option), secret=True), option=option)
        for option, address in addresses.items()
        if address and forms.has_password(address)
    ]


def _roots(pairs: tuple[tuple[str, str], ...]) -> dict[str, str]:
    return {name: root.rstrip("/") for name, root in pairs}


def _check_authorized(values: Values, place: PlaceOf) -> list[Diagnostic]:
    """Only the open sandbox goes without a token."""
    if values["authorization"] is not None or place("authorization") != place(""):
        return []
    if values["kind"] in (None, EnvironmentClass.OPEN):
        return []
    return [codes.AUTHORIZATION_MISSING(place("kind"), kind=values["kind"].value)]


def _named_pools(pairs: tuple[tuple[str, AliasPool], ...]) -> dict[str, AliasPool]:
    return {system: replace(pool, system=system) for system, pool in pairs}


def _named_tenants(pairs: tuple[tuple[str, TenantConfig], ...]) -> dict[str, TenantConfig]:
    """Tenants by name, each knowing it, with the tenant in its addresses."""
    return {name: _placed(replace(tenant, name=name)) for name, tenant in pairs}


def _placed(tenant: TenantConfig) -> TenantConfig:
    def placed(text: str) -> str:
        return text.replace("{tenant}", tenant.tenant).rstrip("/")

    own = tenant.authorization
    if own is not None:
        own = replace(
            own, token_url=placed(own.token_url), ehr_api_token_url=placed(own.ehr_api_token_url)
        )
    return replace(
        tenant,
        fhir_root=placed(tenant.fhir_root),
        ehr_api_root=placed(tenant.ehr_api_root),
        authorization=own,
    )


ALIAS_POOL = ComponentSpec(
    key="alias_pools",
    title="an alias pool",
    summary="One identifier system: how its values are brought to the form the tenant stores.",
    model=AliasPool,
    fields=(
        FieldSpec(
            name="normalise",
            kind=Kind.LIST,
            description="Steps in order, before identifiers are searched or compared.",
            example="[strip-zeros]",
            item=FieldSpec(
                name="", kind=Kind.CHOICE, description="A step.", choices=NORMALISATIONS
            ),
        ),
        text("code_set_263", "Code value of the pool.", '"3024"', attribute="pool"),
    ),
)
CANARY = ComponentSpec(
    key="canary",
    title="the canary",
    summary="Records of a test patient that preflight reads, and writes with `--write-canary`.",
    model=CanaryConfig,
    fields=(
        text(
            "patient",
            "Patient id.",
            '"12742399"',
            form=environment_forms.check_fhir_id,
            form_name="a FHIR id",
        ),
        text(
            "patient_identifier",
            "`system|value` that must find exactly that patient, as messages say it.",
            '"urn:oid:2.16.840.1.113883.3.9999.1.4|0042"',
            form=environment_forms.check_token,
            form_name="an identifier",
        ),
        text(
            "encounter",
            "Encounter id.",
            '"97953477"',
            form=environment_forms.check_fhir_id,
            form_name="a FHIR id",
        ),
        text(
            "encounter_identifier",
            "`system|value` of the visit (FIN).",
            '"urn:oid:2.16.840.1.113883.3.9999.1.9|8001"',
            form=environment_forms.check_token,
            form_name="an identifier",
        ),
    ),
)
TENANT = ComponentSpec(
    key="tenants",
    title="a tenant",
    summary="One Millennium tenant. `{tenant}` in an address stands for `tenant`.",
    model=TenantConfig,
    fields=(
        FieldSpec(
            name="class",
            attribute="kind",
            kind=Kind.CHOICE,
            description="Class of the tenant's hosts; must be that of the environment.",
            example="sandbox",
            required=True,
            choices=CLASSES,
            convert=EnvironmentClass,
        ),
        text(
            "tenant",
            "The tenant's id, an opaque path segment.",
            "ec2458f2-1e24-41c8-b71b-0e701af7583d",
            required=True,
            form=environment_forms.check_path_segment,
            form_name="a path segment",
        ),
        url(
            "fhir",
            "FHIR R4 service root.",
            "https://fhir-ehr-code.cerner.com/r4/{tenant}",
            required=True,
            attribute="fhir_root",
        ),
        url(
            "ehr_api",
            "Root of the EHR REST API, where it is used.",
            "https://api.cernermillennium.com/{tenant}",
            attribute="ehr_api_root",
        ),
        FieldSpec(
            name="services",
            kind=Kind.TABLE,
            description="Roots of the site's own services, by the name that tenant-specific calls "
            "begin their paths with.",
            example="{mpages: https://mpages.example.org/api}",
            key_form=forms.check_identifier,
            item=FieldSpec(
                name="",
                description="The root.",
                environment=True,
                form=forms.check_url,
                form_name="a base URL",
            ),
            convert=_roots,
        ),
        FieldSpec(
            name="authorization",
            kind=Kind.OBJECT,
            description="Client credentials; only a tenant of class open goes without.",
            component=AUTHORIZATION,
        ),
        FieldSpec(
            name="tls",
            kind=Kind.OBJECT,
            description="Client certificate, authorities.",
            component=CLIENT_TLS,
        ),
        text(
            "enrolling_organization",
            "Id of the Organization that enrols patients created here.",
            '"675844"',
            form=environment_forms.check_fhir_id,
            form_name="a FHIR id",
        ),
        FieldSpec(
            name="region",
            kind=Kind.CHOICE,
            description="Decides the host of proprietary code systems.",
            choices=REGIONS,
        ),
        text(
            "snapshot",
            "File of the tenant's code values, relative to the project.",
            "codevalues/snapshots/sandbox.csv",
            form=environment_forms.check_relative_file,
            form_name="a file name",
        ),
        FieldSpec(
            name="alias_pools",
            kind=Kind.TABLE,
            description="Identifier system to its pool.",
            example='{"urn:oid:2.16.840.1.113883.3.9999.1.4": {normalise: [strip-zeros]}}',
            key_form=forms.check_uri,
            item=FieldSpec(
                name="alias_pools", kind=Kind.OBJECT, description="A pool.", component=ALIAS_POOL
            ),
            convert=_named_pools,
        ),
        FieldSpec(
            name="capabilities",
            kind=Kind.TABLE,
            description="Interactions this tenant lacks, each with what to do in its place.",
            example="{Observation.update: send corrections by MLLP}",
            key_form=environment_forms.check_interaction,
            item=FieldSpec(
                name="",
                description="The fallback, in words.",
                form=forms.check_not_empty,
                form_name="a fallback",
            ),
            convert=dict,
        ),
        FieldSpec(
            name="references",
            kind=Kind.LIST,
            description="Resources that channels refer to by id; preflight looks each up.",
            example="[Practitioner/593923, Location/21304876]",
            item=FieldSpec(
                name="",
                description="Type and id.",
                environment=True,
                form=environment_forms.check_reference,
                form_name="a reference",
            ),
        ),
        FieldSpec(
            name="canary",
            kind=Kind.OBJECT,
            description="Test records for preflight.",
            component=CANARY,
        ),
    ),
    checks=(_check_authorized, _check_addresses),
)
ENVIRONMENT = ComponentSpec(
    key="",
    title="the environment",
    summary="One file of `environments/`, named as `environment` says.",
    model=EnvironmentConfig,
    fields=(
        FieldSpec(
            name="environment",
            attribute="name",
            description="Name of the environment, that of its file.",
            example="sandbox",
            required=True,
            form=forms.check_name,
            form_name="a name",
        ),
        FieldSpec(
            name="class",
            attribute="kind",
            kind=Kind.CHOICE,
            description="What kind of systems it talks to; tenants of another class are refused.",
            example="sandbox",
            required=True,
            choices=CLASSES,
            convert=EnvironmentClass,
        ),
        FieldSpec(
            name="mode",
            kind=Kind.CHOICE,
            description="live: deliveries leave. shadow: they are made and checked, never sent.",
            choices=tuple(one.value for one in Mode),
            convert=Mode,
        ),
        count(
            "release_first",
            "Go-live: this many messages of each destination wait for a person's release.",
            1_000_000,
            0,
        ),
        FieldSpec(
            name="tenants",
            kind=Kind.TABLE,
            description="Name, as destinations use it, to the tenant.",
            key_form=forms.check_name,
            item=FieldSpec(
                name="tenants", kind=Kind.OBJECT, description="A tenant.", component=TENANT
            ),
            convert=_named_tenants,
        ),
        FieldSpec(
            name="terminology",
            kind=Kind.OBJECT,
            description="A terminology server, for `engine tables fetch`.",
            component=TERMINOLOGY,
        ),
    ),
)
