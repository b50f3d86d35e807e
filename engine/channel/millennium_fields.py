"""Pure. The options of a Millennium destination. Feeds lint, docs and JSON Schema."""

from engine.channel import forms
from engine.channel.delivery_fields import (
    CONCURRENCY,
    NAME,
    RATE,
    RESPONSE,
    RETRY_OPTION,
    TIMEOUT,
    WHEN,
)
from engine.channel.fields import ComponentSpec, FieldSpec, Kind, PlaceOf, Values
from engine.channel.model import MillenniumDestinationConfig
from engine.diagnostics import Diagnostic
from engine.millennium import codes
from engine.millennium.identity.verifying import MatchPolicy
from engine.millennium.resources.rules_reader import is_policy


def _check_policies(values: Values, place: PlaceOf) -> list[Diagnostic]:
    return [
        codes.NOT_A_POLICY(place(f"unmapped.{name}"), policy=policy)
        for name, policy in values["unmapped"]
        if not is_policy(policy)
    ]


MILLENNIUM_DESTINATION = ComponentSpec(
    key="millennium",
    title="the Millennium destination",
    summary="One Oracle Health Millennium tenant. What calls can say is in docs/millennium.md.",
    model=MillenniumDestinationConfig,
    fields=(
        NAME,
        WHEN,
        FieldSpec(
            name="tenant",
            attribute="tenant_name",
            description="A tenant of the environment in force.",
            example="main",
            required=True,
            form=forms.check_name,
            form_name="a name",
        ),
        FieldSpec(
            name="calls",
            attribute="call_names",
            kind=Kind.LIST,
            description="What is written there, as calls of transforms/millennium.",
            example="[patient.register, encounter.register, observation.record]",
            required=True,
            item=FieldSpec(name="", description="A call."),
        ),
        FieldSpec(
            name="contributor_source",
            description="Whose local codes the messages hold (code set 73): the folder of their "
            "alias tables.",
            example="LAB_A",
            form=forms.check_not_empty,
            form_name="a contributor source",
        ),
        FieldSpec(
            name="accept_gaps",
            kind=Kind.LIST,
            description="Events or message types of which Millennium cannot be told all, and that "
            "come here all the same: what it can be told is sent.",
            example="[A02, A03]",
            item=FieldSpec(name="", description="An event such as A02, or a type such as ORM."),
        ),
        FieldSpec(
            name="unmapped",
            kind=Kind.TABLE,
            description="What happens to a code without a code value, by field: reject, hold, "
            "text, pass (a standard code where Millennium takes one) or fixed and what is sent: a "
            "portable target of the field's code set, a code value, or SYSTEM|CODE of a standard.",
            example='{Observation.code: hold, Encounter.type: "fixed meaning:INPATIENT"}',
            item=FieldSpec(name="", description="The policy."),
        ),
        FieldSpec(
            name="match",
            kind=Kind.CHOICE,
            description="How sure one must be that a patient found by number is the one meant. "
            "standard: the birth date and one of family name and gender agree. strict: all that "
            "is said agrees. identifier: the number is enough.",
            choices=tuple(MatchPolicy),
        ),
        FieldSpec(
            name="verify_hours",
            attribute="verify_seconds",
            kind=Kind.NUMBER,
            scale=3600.0,
            description="What the ledger knows for longer is looked at again before it is used; "
            "0: always.",
            minimum=0,
            maximum=24 * 366,
        ),
        FieldSpec(
            name="park_hours",
            attribute="park_seconds",
            kind=Kind.NUMBER,
            scale=3600.0,
            description="So long a message waits beside its lane for the patient or visit it "
            "refers to; then a person decides.",
            minimum=0.001,
            maximum=24 * 366,
        ),
        TIMEOUT,
        CONCURRENCY,
        RATE,
        RESPONSE,
        RETRY_OPTION,
    ),
    checks=(_check_policies,),
)
