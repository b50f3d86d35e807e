"""Pure. Functions on the numbers of records that are merged, moved or changed.

MRG repeats numbers that PID, PD1 and PV1 have too: those of the survivor are not merged away.
HL7 v2.5.1 ch. 3.4.9 (MRG) and 3.6.2 (patient merge and move).
"""

from typing import Any

from engine.mapping.codes import LEFT_OUT
from engine.mapping.functions.record import (
    TEXT_TYPES,
    Example,
    Facts,
    FunctionRecord,
    Kind,
    Parameter,
)

_AUTHORITY, _TYPE = 3, 4
"""Positions of CX.4 and CX.5."""


def among(value: list[str] | None, *others: list[str] | None) -> str | None:
    """The number (CX.1) when one of the others is the same: authority and type must not differ."""
    if not value or not value[0]:
        return None
    for other in others:
        if other and other[0] == value[0] and not _differ(value, other):
            return value[0]
    return None


def _differ(one: list[str], other: list[str]) -> bool:
    """Whether both say who issued the number, or of which kind it is, and say otherwise."""
    for position in (_AUTHORITY, _TYPE):
        if len(one) > position and len(other) > position:
            first, second = one[position], other[position]
            if first and second and first != second:
                return True
    return False


def left_out(facts: Facts, value: Any, reason: str | None) -> None:
    """Nothing; a value that is there is reported as left out."""
    if value:
        facts.fault(LEFT_OUT, reason=reason or "it has no place here")


RECORDS = (
    FunctionRecord(
        name="among",
        doc="The number of an identifier (CX.1) when one of the others is the same, else nothing. "
        "Authority (CX.4) and type (CX.5) count where both have them.",
        parameters=(
            Parameter(name="value", doc="a CX", kind=Kind.COMPOSITE),
            Parameter(name="others", doc="any number of CX", kind=Kind.COMPOSITE, many=True),
        ),
        returns=TEXT_TYPES,
        accepts=("CX", "CK", "CM_PAT_ID", "ST"),
        examples=(
            Example(arguments=(["1", "", "", "NV", "MR"], ["1", "", "", "NV"]), result="1"),
            Example(arguments=(["1"], ["2"], ["1", "", "", "NV", "MR"]), result="1"),
            Example(arguments=(["1", "", "", "NV"], ["1", "", "", "OLD"]), result=None),
            Example(arguments=(["1", "", "", "", "MR"], ["1", "", "", "", "AN"]), result=None),
        ),
        body=among,
    ),
    FunctionRecord(
        name="left_out",
        doc="Nothing; a value that is there is reported as left out (T579).",
        parameters=(
            Parameter(name="value", doc="what is left out", kind=Kind.VALUE),
            Parameter(name="reason", doc="why, in words; never from the message", required=False),
        ),
        returns=("any",),
        examples=(
            Example(arguments=("500001", "the survivor's own"), result=None, fault="T579"),
            Example(arguments=(None, "the survivor's own"), result=None),
        ),
        body=left_out,
        uses_facts=True,
        varies=True,
    ),
)
