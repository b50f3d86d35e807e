"""Pure. Functions that make numbers and quantities.

A FHIR decimal keeps its precision (`1.20` is not `1.2`). A number is an `int` or `float` when
Python writes it back with the same digits, which is cheap to encode, and a `decimal.Decimal`
otherwise; the encoder writes that digit by digit (`orjson.Fragment`). HL7 NM and SN: v2.5.1 ch.
2.A.47 and 2.A.70.
"""

import re
from decimal import Decimal
from typing import Any

from engine.mapping.codes import BAD_NUMBER, BAD_VALUE
from engine.mapping.functions.codes import LOCAL, ORIGINAL_TEXT
from engine.mapping.functions.record import Example, Facts, FunctionRecord, Kind, Parameter
from engine.mapping.functions.systems import coding_system

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"([+-]?)([0-9]{0,30})(?:\.([0-9]{0,30}))?")
_MEASURED = re.compile(r"(<=|>=|<|>)?\s*([+-]?[0-9]*\.?[0-9]+|[+-]?[0-9]+\.)")

_COMPARATORS = frozenset({"<", "<=", ">", ">="})
_YES = {
    "Y": True, "N": False, "y": True, "n": False, "1": True, "0": False,
    "YES": True, "NO": False, "Yes": True, "No": False, "T": True, "F": False,
}  # fmt: skip

_POWERS = frozenset({"10", "x10", "X10", "*10", "10*", "E"})

_UNIT_MAX = 100
"""Characters of a unit that is kept."""

UCUM = "http://unitsofmeasure.org"

Number = int | float | Decimal


def read_number(text: str) -> Number | None:
    """The number a text of HL7 NM stands for, precision kept; None when it is none."""
    if text.isascii() and text.isdigit() and len(text) < 16 and (text[0] != "0" or text == "0"):
        return int(text)
    whole, point, fraction = text.partition(".")
    if (
        point
        and len(text) < 16
        and whole.isdigit()
        and fraction.isdigit()
        and text.isascii()
        and (whole[0] != "0" or whole == "0")
        and (fraction[-1] != "0" or fraction == "0")
    ):
        number = float(text)
        if number >= 0.0001 or fraction == "0":  # smaller ones are written with an exponent
            return number
    match = _NUMBER.fullmatch(text.strip())
    if match is None or not (match.group(2) or match.group(3)):
        return None
    digits = match.group(2).lstrip("0") or "0"
    fraction = match.group(3) or ""
    sign = "-" if match.group(1) == "-" else ""
    written = sign + digits + (f".{fraction}" if fraction else "")
    if not fraction and len(digits) < 16:
        return int(written)
    if len(written) < 16 and repr(float(written)) == written:
        return float(written)
    return Decimal(written)


def decimal(facts: Facts, value: str) -> Number | None:
    """A FHIR decimal."""
    found = read_number(value)
    if found is None:
        facts.fault(BAD_NUMBER)
    return found


def integer(facts: Facts, value: str) -> int | None:
    """A FHIR integer (32 bits)."""
    text = value.strip()
    if _INTEGER.fullmatch(text) and -2_147_483_648 <= int(text) <= 2_147_483_647:
        return int(text)
    facts.fault(BAD_NUMBER)
    return None


def positive_int(facts: Facts, value: str) -> int | None:
    """An integer of 1 and more."""
    text = value.strip()
    if _INTEGER.fullmatch(text) and 1 <= int(text) <= 2_147_483_647:
        return int(text)
    facts.fault(BAD_NUMBER)
    return None


def unsigned_int(facts: Facts, value: str) -> int | None:
    """An integer of 0 and more."""
    text = value.strip()
    if _INTEGER.fullmatch(text) and 0 <= int(text) <= 2_147_483_647:
        return int(text)
    facts.fault(BAD_NUMBER)
    return None


def yes_no(facts: Facts, value: str) -> bool | None:
    """A boolean from table 0136."""
    found = _YES.get(value)
    if found is None:
        facts.fault(BAD_VALUE, what="Y or N")
    return found


def quantity(facts: Facts, value: list[str], unit: list[str] | None) -> dict[str, Any] | None:
    """A Quantity from NM (`5.40`, `<5`), from SN (`<^5`) or from CQ (`5^mg`)."""
    if len(value) > 1 and (value[0] in _COMPARATORS or not value[0] or value[0] in ("=", "<>")):
        return _structured(facts, value, unit)
    if len(value) > 1 and unit is None:
        unit = value[1:]
    if value and value[0] and "0" <= value[0][0] <= "9":
        number = read_number(value[0])
        if number is not None:
            return {"value": number, **measure_of(unit, facts)} if unit else {"value": number}
    match = _MEASURED.fullmatch(value[0].strip()) if value else None
    if match is None:
        facts.fault(BAD_NUMBER)
        return None
    return _quantity(match.group(1), match.group(2), unit, facts)


def _structured(facts: Facts, value: list[str], unit: list[str] | None) -> dict[str, Any] | None:
    """SN with one number; a range or ratio yields nothing here."""
    if len(value) > 2 and value[2]:
        return None
    if value[0] == "<>" or len(value) < 2:
        return None
    comparator = value[0] if value[0] in _COMPARATORS else None
    found = _quantity(comparator, value[1], unit, facts)
    if found is None:
        facts.fault(BAD_NUMBER)
    return found


def _quantity(
    comparator: str | None, number: str, unit: list[str] | None, facts: Facts
) -> dict[str, Any] | None:
    value = read_number(number)
    if value is None:
        return None
    found: dict[str, Any] = {"value": value}
    if comparator:
        found["comparator"] = comparator
    if unit:
        found.update(measure_of(unit, facts))
    return found


def measure_of(unit: list[str], facts: Facts) -> dict[str, Any]:
    """The same as `unit_of`, kept for the feed; it must not be changed."""
    key = ("unit", *unit)
    found: dict[str, Any] | None = facts.memory.get(key)
    if found is None:
        found = unit_of(unit, facts)
        if sum(map(len, unit)) <= _UNIT_MAX:
            facts.memory[key] = found
    return found


def unit_of(unit: list[str], facts: Facts) -> dict[str, Any]:
    """Unit, code and system of a CWE of units (OBX-6): a code without a known system is a unit.

    A Quantity may hold no code without a system (qty-3), so such a code, and the name of a system
    that has no URI, are kept as original texts. A power of ten whose `^` was not escaped arrives in
    two components and is put together again.
    """
    code = unit[0]
    if code in _POWERS and len(unit) > 1 and unit[1] and not any(unit[2:3]):
        return {"unit": f"{code}^{unit[1]}"}
    name = (unit[1] if len(unit) > 1 else "") or code
    found: dict[str, Any] = {"unit": name} if name else {}
    for at in (0, 3):
        if len(unit) > at + 2 and unit[at] and unit[at + 2]:
            uri = coding_system(unit[at + 2], facts.authorities)
            if uri is not None:
                return {**found, "system": uri, "code": unit[at]}
    if code and code != name:
        found["_unit"] = _as_sent(code)
    if len(unit) > 2 and unit[2] and unit[2] not in LOCAL:
        found["_system"] = _as_sent(unit[2])
    return found


def _as_sent(text: str) -> dict[str, Any]:
    return {"extension": [{"url": ORIGINAL_TEXT, "valueString": text}]}


def quantity_range(facts: Facts, value: list[str], unit: list[str] | None) -> dict[str, Any] | None:
    """A Range from SN with the separator `-` (`^1^-^5`), or from text `1-5`."""
    if len(value) >= 4 and value[2] == "-":
        low, high = value[1], value[3]
    elif len(value) == 1 and value[0].count("-") == 1:
        low, _, high = (part.strip() for part in value[0].partition("-"))
    else:
        return None
    found = _pair("low", low, "high", high, unit, facts)
    # R4 rng-2: low is not above high
    return found if found and found["low"]["value"] <= found["high"]["value"] else None


def ratio(facts: Facts, value: list[str], unit: list[str] | None) -> dict[str, Any] | None:
    """A Ratio from SN with the separator `:` or `/` (`^1^:^128`), or from text `1:128`."""
    if len(value) >= 4 and value[2] in (":", "/"):
        first, second = value[1], value[3]
    elif len(value) == 1 and value[0].count(":") == 1:
        first, _, second = (part.strip() for part in value[0].partition(":"))
    else:
        return None
    found = _pair("numerator", first, "denominator", second, unit, facts)
    if found is not None and value[0] in _COMPARATORS:
        found["numerator"]["comparator"] = value[0]
    return found


def _pair(
    first_name: str, first: str, second_name: str, second: str, unit: list[str] | None, facts: Facts
) -> dict[str, Any] | None:
    one = _quantity(None, first, unit, facts)
    two = _quantity(None, second, unit, facts)
    return {first_name: one, second_name: two} if one and two else None


def structured_text(value: list[str]) -> str | None:
    """SN written out as people write it: `>1:128`."""
    return "".join(value[:4]).strip() or None


_COMPOSITE = Parameter(name="value", doc="NM, SN or CQ", kind=Kind.COMPOSITE)
_UNIT = Parameter(name="unit", doc="a CWE of units, OBX-6", kind=Kind.COMPOSITE, required=False)
_TEXT = Parameter(name="value", doc="the text")

RECORDS = (
    FunctionRecord(
        name="decimal",
        doc="A decimal with its trailing zeros kept.",
        parameters=(_TEXT,),
        returns=("decimal",),
        accepts=("NM", "ST", "SI"),
        examples=(
            Example(arguments=("7.2",), result=7.2),
            Example(arguments=("1.20",), result=Decimal("1.20")),
            Example(arguments=("<5",), result=None, fault="T564"),
            Example(arguments=("1,000",), result=None, fault="T564"),
        ),
        body=decimal,
        uses_facts=True,
    ),
    FunctionRecord(
        name="integer",
        doc="An integer of 32 bits.",
        parameters=(_TEXT,),
        returns=("integer",),
        accepts=("NM", "SI", "ST", "ID", "IS"),
        examples=(
            Example(arguments=("007",), result=7),
            Example(arguments=("1.5",), result=None, fault="T564"),
        ),
        body=integer,
        uses_facts=True,
    ),
    FunctionRecord(
        name="positive_int",
        doc="An integer of 1 and more (`positiveInt`).",
        parameters=(_TEXT,),
        returns=("positiveInt", "unsignedInt", "integer"),
        accepts=("NM", "SI", "ST", "ID", "IS"),
        examples=(
            Example(arguments=("3",), result=3),
            Example(arguments=("0",), result=None, fault="T564"),
        ),
        body=positive_int,
        uses_facts=True,
    ),
    FunctionRecord(
        name="unsigned_int",
        doc="An integer of 0 and more (`unsignedInt`).",
        parameters=(_TEXT,),
        returns=("unsignedInt", "integer"),
        accepts=("NM", "SI", "ST", "ID", "IS"),
        examples=(
            Example(arguments=("0",), result=0),
            Example(arguments=("-1",), result=None, fault="T564"),
        ),
        body=unsigned_int,
        uses_facts=True,
    ),
    FunctionRecord(
        name="yes_no",
        doc="true or false from table 0136 (Y, N).",
        parameters=(_TEXT,),
        returns=("boolean",),
        accepts=("ID", "IS", "ST", "CWE", "CE"),
        examples=(
            Example(arguments=("Y",), result=True),
            Example(arguments=("N",), result=False),
            Example(arguments=("maybe",), result=None, fault="T567"),
        ),
        body=yes_no,
        uses_facts=True,
    ),
    FunctionRecord(
        name="quantity",
        doc="A Quantity from NM, SN with one number, or CQ; `unit` is OBX-6.",
        parameters=(_COMPOSITE, _UNIT),
        returns=("Quantity", "SimpleQuantity", "Age", "Duration", "Count", "Distance"),
        accepts=("NM", "SN", "CQ", "ST", "TX"),
        examples=(
            Example(
                arguments=(["182"], ["mg/dL", "", "UCUM"]),
                result={"value": 182, "unit": "mg/dL", "system": UCUM, "code": "mg/dL"},
            ),
            Example(arguments=(["<5"], None), result={"value": 5, "comparator": "<"}),
            Example(arguments=(["5"], ["10", "9/L"]), result={"value": 5, "unit": "10^9/L"}),
            Example(arguments=(["", "182"], None), result={"value": 182}),
            Example(arguments=([">", "5.0"], None), result={"value": 5.0, "comparator": ">"}),
            Example(arguments=(["", "1", "-", "5"], None), result=None),
            Example(arguments=(["high"], None), result=None, fault="T564"),
        ),
        body=quantity,
        uses_facts=True,
    ),
    FunctionRecord(
        name="range",
        doc="A Range from SN (`^1^-^5`) or from text such as `1-5`; nothing when it is no range.",
        parameters=(_COMPOSITE, _UNIT),
        returns=("Range",),
        accepts=("SN", "ST", "TX", "NR"),
        examples=(
            Example(
                arguments=(["", "1", "-", "5"], None),
                result={"low": {"value": 1}, "high": {"value": 5}},
            ),
            Example(arguments=(["negative"], None), result=None),
            Example(arguments=(["", "10", "-", "-20"], None), result=None),
        ),
        body=quantity_range,
        uses_facts=True,
    ),
    FunctionRecord(
        name="ratio",
        doc="A Ratio from SN (`^1^:^128`) or from text such as `1:128`.",
        parameters=(_COMPOSITE, _UNIT),
        returns=("Ratio",),
        accepts=("SN", "ST", "TX"),
        examples=(
            Example(
                arguments=(["", "1", ":", "128"], None),
                result={"numerator": {"value": 1}, "denominator": {"value": 128}},
            ),
            Example(
                arguments=([">", "1", ":", "64"], None),
                result={
                    "numerator": {"value": 1, "comparator": ">"},
                    "denominator": {"value": 64},
                },
            ),
        ),
        body=ratio,
        uses_facts=True,
    ),
    FunctionRecord(
        name="structured_text",
        doc="SN written out: `>1:128`.",
        parameters=(_COMPOSITE,),
        returns=("string", "text"),
        accepts=("SN",),
        examples=(Example(arguments=([">", "1", ":", "128"],), result=">1:128"),),
        body=structured_text,
    ),
)
