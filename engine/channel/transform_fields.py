"""Pure. The options of a channel's transform, and of single senders on top of it."""

from engine.channel import forms
from engine.channel.fields import ComponentSpec, FieldSpec, Kind
from engine.channel.model import UPDATES, SenderConfig, TransformConfig

TEXT_ITEM = FieldSpec(name="", description="A text.")


def form_list(name: str, description: str, example: str) -> FieldSpec:
    """A list of texts, or one of them."""
    return FieldSpec(
        name=name, kind=Kind.LIST, description=description, example=example, item=TEXT_ITEM
    )


OVERLAYS = form_list("overlays", "Overlay folders; later ones win.", "[overlays/north]")
PREPROCESS = form_list(
    "preprocess",
    "Edits of the message before it is mapped, in order.",
    "[move PID-2 to PID-3]",
)
IDENTIFIERS = form_list(
    "identifiers",
    "Types (table 0203) or systems of identifiers, best first: ids and searches use the best.",
    '[PI, "urn:oid:2.16.840.1.113883.3.9999.1.4"]',
)
TIME_ZONE = FieldSpec(
    name="time_zone",
    description="IANA zone of times without an offset; without it they are cut to a date.",
    example="America/Chicago",
    environment=True,
    form=forms.check_time_zone,
    form_name="a time zone",
)
SOURCE_SYSTEM = FieldSpec(
    name="source_system",
    description="URI of the sending facility, the root of derived ids.",
    example="urn:oid:2.16.840.1.113883.3.9999.1",
    environment=True,
    form=forms.check_uri,
    form_name="a URI",
)
AUTHORITIES = FieldSpec(
    name="authorities",
    kind=Kind.TABLE,
    description="Assigning authority (namespace or OID) to system URI.",
    example='{NORTH: "urn:oid:2.16.840.1.113883.3.9999.1.4"}',
    item=FieldSpec(
        name="",
        description="A system URI.",
        environment=True,
        form=forms.check_uri,
        form_name="a URI",
    ),
)
UPDATES_OF = FieldSpec(
    name="updates",
    kind=Kind.TABLE,
    description="Resource types of which this sender says only a part (merge), or all "
    "(replace); goes before what the maps say.",
    example="{Patient: merge}",
    key_form=forms.check_resource_type,
    item=FieldSpec(name="", kind=Kind.CHOICE, description="merge or replace.", choices=UPDATES),
)
TRANSFORM = ComponentSpec(
    key="transform",
    title="the transform",
    summary="Which map makes the output, and what it is told.",
    model=TransformConfig,
    fields=(
        FieldSpec(
            name="map",
            description="A message map; auto: by structure and event; none: pass on as received.",
            example="ADT_A01",
            form=forms.check_not_empty,
            form_name="a map",
        ),
        OVERLAYS,
        TIME_ZONE,
        SOURCE_SYSTEM,
        AUTHORITIES,
        FieldSpec(
            name="parameters",
            kind=Kind.TABLE,
            description="Values for the message map's parameters.",
            key_form=forms.check_identifier,
            item=FieldSpec(name="", description="A text.", environment=True),
        ),
        UPDATES_OF,
        PREPROCESS,
        IDENTIFIERS,
        FieldSpec(
            name="embedded_documents",
            kind=Kind.CHOICE,
            description="C-CDA documents inside messages (OBX-5 as ED, TX or FT). convert: their "
            "resources join those of the message. keep: the document stays an attachment.",
            choices=("convert", "keep"),
        ),
        FieldSpec(
            name="outcome",
            kind=Kind.BOOLEAN,
            description="Send what the conversion noticed, with paths: a Provenance that contains "
            "an OperationOutcome.",
        ),
        FieldSpec(
            name="validate",
            kind=Kind.CHOICE,
            description="compiled: the R4 checker. strict: the models of fhir.resources too. none.",
            choices=("compiled", "strict", "none"),
        ),
    ),
)
SENDER = ComponentSpec(
    key="senders",
    title="a sender",
    summary="What differs for the messages of one sender. Overlays and preprocess rules come after "
    "those of `transform`, tables are joined, other options take the place of the channel's.",
    model=SenderConfig,
    fields=(
        FieldSpec(
            name="when",
            description="A condition over the message, mostly on MSH.",
            example='MSH-4.1 = "NORTH"',
            required=True,
            form=forms.check_not_empty,
            form_name="a condition",
        ),
        FieldSpec(name="name", description="For people.", example="north"),
        OVERLAYS,
        TIME_ZONE,
        SOURCE_SYSTEM,
        AUTHORITIES,
        UPDATES_OF,
        PREPROCESS,
        IDENTIFIERS,
    ),
)
