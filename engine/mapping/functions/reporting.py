"""Pure. Functions that hand a value on and report what is odd about it.

A map decides by them what deserves a word to the sender; what they are given is never changed.
"""

from typing import Any

from engine.mapping.codes import NOT_SENT, TYPE_UNKNOWN
from engine.mapping.functions.record import Example, Facts, FunctionRecord, Kind, Parameter


def untyped(facts: Facts, value: Any) -> Any:
    """The value as it is; reported, because its type was not named and had to be guessed."""
    facts.fault(TYPE_UNKNOWN)
    return value


def expected(facts: Facts, value: Any) -> Any:
    """The value as it is; reported when there is none."""
    if not value:
        facts.fault(NOT_SENT)
    return value or None


RECORDS = (
    FunctionRecord(
        name="untyped",
        doc="The value as it is, reported: the sender did not say what type it is of (OBX-2).",
        parameters=(Parameter(name="value", doc="the value", kind=Kind.VALUE),),
        returns=("any",),
        examples=(Example(arguments=("182",), result="182", fault="T576"),),
        body=untyped,
        uses_facts=True,
        varies=True,
    ),
    FunctionRecord(
        name="expected",
        doc="The value as it is; reported when there is none, though the resource needs it.",
        parameters=(Parameter(name="value", doc="the value", kind=Kind.VALUE, required=False),),
        returns=("any",),
        examples=(
            Example(arguments=("a",), result="a"),
            Example(arguments=(None,), result=None, fault="T577"),
        ),
        body=expected,
        uses_facts=True,
        takes_absent=True,
        varies=True,
    ),
)
