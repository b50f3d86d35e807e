"""Pure. The options of a channel itself. Feeds lint, documentation and JSON Schema."""

from engine.channel import codes, forms
from engine.channel.destination_fields import DESTINATIONS
from engine.channel.fields import ComponentSpec, FieldSpec, Kind, PlaceOf, Values
from engine.channel.listener_fields import LISTENERS, count, seconds
from engine.channel.model import (
    Acknowledge,
    ChannelConfig,
    ChannelTest,
    DecodingConfig,
    DuplicatePolicy,
    RouteConfig,
)
from engine.channel.transform_fields import SENDER, TEXT_ITEM, TRANSFORM, form_list
from engine.diagnostics import Diagnostic


def _route(pairs: tuple[tuple[str, tuple[str, ...]], ...]) -> RouteConfig:
    return RouteConfig(fields=pairs)


def _check_destinations(values: Values, place: PlaceOf) -> list[Diagnostic]:
    if values["destinations"] or place("destinations") != place(""):
        return []
    found = [codes.NO_DESTINATION(place(""))]
    if values["acknowledge"] is Acknowledge.DELIVERED:
        found.append(codes.DELIVERED_NOWHERE(place("acknowledge")))
    return found


def _check_test(values: Values, place: PlaceOf) -> list[Diagnostic]:
    if (values["message"] is None) == (values["file"] is None):
        return [codes.TEST_FORM(place("name"), problem="needs either `message` or `file`")]
    return []


DECODING = ComponentSpec(
    key="decoding",
    title="decoding",
    summary="How bytes become text.",
    model=DecodingConfig,
    fields=(
        FieldSpec(
            name="charset",
            description="Used in place of what MSH-18 says.",
            example="8859/1",
            form=forms.check_charset,
            form_name="a character set",
        ),
        FieldSpec(
            name="default_charset",
            description="Used when MSH-18 is empty and there is no byte order mark.",
            form=forms.check_charset,
            form_name="a character set",
        ),
        FieldSpec(
            name="repair_cp1252",
            kind=Kind.BOOLEAN,
            description="Read undecodable text as Windows-1252, with a diagnostic, in place of "
            "refusing it.",
        ),
        FieldSpec(
            name="line_ends",
            kind=Kind.CHOICE,
            description="strict: only CR ends a segment. any: LF and CRLF too, with a diagnostic.",
            choices=("any", "strict"),
        ),
    ),
)
DUPLICATES = ComponentSpec(
    key="duplicates",
    title="the duplicate policy",
    summary="What happens to a control id seen before from the same sender. Same bytes: the stored "
    "acknowledgment again.",
    model=DuplicatePolicy,
    fields=(
        FieldSpec(
            name="window_days",
            kind=Kind.NUMBER,
            description="A control id is remembered this long.",
            minimum=0,
            maximum=366,
        ),
        count("ids_max", "The newest control ids remembered.", 50_000_000, 0),
        FieldSpec(
            name="different",
            kind=Kind.CHOICE,
            description="Same id, other bytes: accept as new and flag it, reject with AR, or hold "
            "for a person.",
            choices=("accept", "reject", "hold"),
        ),
    ),
)
TEST = ComponentSpec(
    key="tests",
    title="a test",
    summary="A message and what must come of it; `engine test` runs them.",
    model=ChannelTest,
    fields=(
        FieldSpec(
            name="name",
            description="What is promised.",
            required=True,
            form=forms.check_not_empty,
            form_name="a name",
        ),
        FieldSpec(
            name="message", description="The message, its segments on lines of their own (`|`)."
        ),
        FieldSpec(
            name="file",
            description="Or the file it is in.",
            example="samples/hl7v2/ADT_A01/inpatient-full.hl7",
            form=forms.check_not_empty,
            form_name="a file name",
        ),
        FieldSpec(
            name="expect",
            kind=Kind.TABLE,
            description="`state`, `diagnostics`, a resource type with its count, or an element.",
            example="{state: TRANSFORMED, Patient: 1, Patient.gender: female}",
            required=True,
            attribute="expect",
            item=FieldSpec(
                name="", kind=Kind.LIST, description="What is expected.", item=TEXT_ITEM
            ),
        ),
    ),
    checks=(_check_test,),
)
CHANNEL = ComponentSpec(
    key="",
    title="the channel",
    summary="One file in `channels/` is one channel.",
    model=ChannelConfig,
    fields=(
        FieldSpec(
            name="channel",
            attribute="name",
            description="The channel's name.",
            example="adt-in",
            required=True,
            form=forms.check_name,
            form_name="a name",
        ),
        FieldSpec(name="description", description="One line for people."),
        FieldSpec(
            name="enabled",
            kind=Kind.BOOLEAN,
            description="false: checked, not started.",
            environment=True,
        ),
        FieldSpec(
            name="listener",
            kind=Kind.ONE_OF,
            description="Where messages come in.",
            example="{mllp: {port: 2575}}",
            required=True,
            variants=LISTENERS,
        ),
        FieldSpec(
            name="route",
            kind=Kind.TABLE,
            description="Which messages of a shared listener are this channel's: MSH fields and "
            "their values. Without it: the rest.",
            example="{MSH-9.1: ADT, MSH-4.1: [NORTH, SOUTH]}",
            item=FieldSpec(name="", kind=Kind.LIST, description="Values.", item=TEXT_ITEM),
            convert=_route,
        ),
        FieldSpec(
            name="decoding", kind=Kind.OBJECT, description="Bytes to text.", component=DECODING
        ),
        FieldSpec(
            name="duplicates",
            kind=Kind.OBJECT,
            description="Control ids seen before.",
            component=DUPLICATES,
        ),
        FieldSpec(
            name="acknowledge",
            kind=Kind.CHOICE,
            description="stored: after the durable commit. transformed: after processing, AE when "
            "it fails. delivered: after every destination.",
            choices=tuple(choice.value for choice in Acknowledge),
            convert=Acknowledge,
        ),
        seconds(
            "acknowledge_timeout_seconds",
            "For transformed and delivered: after it nothing is sent, and the sender sends again.",
            maximum=3600,
        ),
        FieldSpec(
            name="filter",
            description="A condition over the message; where it is false the message is FILTERED.",
            example='PID-3 valued and PV1-2 in ("I", "E")',
            form=forms.check_not_empty,
            form_name="a condition",
        ),
        FieldSpec(
            name="transform", kind=Kind.OBJECT, description="What is made.", component=TRANSFORM
        ),
        FieldSpec(
            name="senders",
            kind=Kind.LIST,
            description="What differs for the messages of single senders; the first whose "
            "condition holds applies, on top of `transform`.",
            item=FieldSpec(
                name="sender", kind=Kind.OBJECT, description="A sender.", component=SENDER
            ),
        ),
        form_list(
            "lane",
            "Paths tried in order: messages with the same value stay in order. Without it: the "
            "patient, else the visit.",
            "PID-3[type=MR].1",
        ),
        FieldSpec(
            name="search_keys",
            kind=Kind.TABLE,
            description="More values to find messages by: a kind and its path.",
            example="{account: PID-18.1}",
            key_form=forms.check_identifier,
            item=FieldSpec(name="", description="A path."),
        ),
        FieldSpec(
            name="destinations",
            kind=Kind.LIST,
            description="Where messages go.",
            item=FieldSpec(
                name="destination",
                kind=Kind.ONE_OF,
                description="A destination.",
                variants=DESTINATIONS,
            ),
        ),
        FieldSpec(
            name="tests",
            kind=Kind.LIST,
            description="Messages and what must come of them.",
            item=FieldSpec(name="test", kind=Kind.OBJECT, description="A test.", component=TEST),
        ),
    ),
    checks=(_check_destinations,),
)
