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
_BORDER = ["|"]


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


def merge_role(value: list[str] | None, *numbers: list[str] | None) -> str | None:
    """What a number of MRG-1 stands for.

    `own`: one of the survivor. `first`: the first that is not. `same`: of the same kind, so another
    record. `other`: of another kind, so a number of the first one's record.
    """
    if not value or not value[0]:
        return None
    present = [one for one in numbers if one]
    border = present.index(_BORDER) if _BORDER in present else len(present)
    kept = present[border + 1 :]
    if among(value, *kept):
        return "own"
    first = next((one for one in present[:border] if not among(one, *kept)), value)
    if first == value:
        return "first"
    return "same" if _kind(first) == _kind(value) else "other"


def _kind(number: list[str]) -> tuple[str, str]:
    """Authority and type; either may be empty."""
    whole = [*number, "", "", "", "", ""]
    return whole[_AUTHORITY], whole[_TYPE]


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
        name="merge_role",
        doc="What a number of MRG-1 stands for: `own` of the survivor, `first` that is not, the "
        "`same` kind as the first (another record), or `other` kind (of the first one's record).",
        parameters=(
            Parameter(name="value", doc="a CX of MRG-1", kind=Kind.COMPOSITE),
            Parameter(
                name="numbers",
                doc='all of MRG-1, then "|", then all of PID-3',
                kind=Kind.COMPOSITE,
                many=True,
            ),
        ),
        returns=TEXT_TYPES,
        accepts=("CX", "CK", "CM_PAT_ID", "ST"),
        examples=(
            Example(arguments=(["1"], ["1"], ["2"], ["|"], ["1"]), result="own"),
            Example(arguments=(["2"], ["1"], ["2"], ["|"], ["1"]), result="first"),
            Example(arguments=(["3"], ["2"], ["3"], ["|"], ["1"]), result="same"),
            Example(
                arguments=(["3", "", "", "X"], ["2"], ["3", "", "", "X"], ["|"]), result="other"
            ),
        ),
        body=merge_role,
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
