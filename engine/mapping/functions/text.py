"""Pure. Functions on text: case, white space, joining, splitting, narrative, base64."""

import base64 as base64_codec
import re

from engine.mapping.codes import BAD_VALUE
from engine.mapping.functions.record import (
    TEXT_TYPES,
    Example,
    Facts,
    FunctionRecord,
    Kind,
    Parameter,
)

_VALUE = Parameter(name="value", doc="the text")

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_BREAK = re.compile(r"\\(?:\.br|X0D|X0A|X0D0A|E)\\", re.IGNORECASE)


def upper(value: str) -> str:
    """Capital letters."""
    return value.upper()


def lower(value: str) -> str:
    """Small letters."""
    return value.lower()


def trim(value: str) -> str | None:
    """No white space at the ends."""
    return value.strip() or None


def string(value: str) -> str | None:
    """A FHIR string: no control characters, no white space at the ends."""
    return _CONTROL.sub("", value).strip() or None


def markdown(value: str) -> str | None:
    """Text with its line breaks kept; characters that markdown would act on are escaped."""
    kept = _CONTROL.sub("", value).strip()
    return re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", kept) or None


def narrative(value: str) -> dict[str, str] | None:
    """A Narrative of plain text: escaped, line breaks as `<br/>`."""
    kept = _CONTROL.sub("", value).strip()
    if not kept:
        return None
    escaped = kept.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    body = "<br/>".join(escaped.splitlines())
    return {
        "status": "generated",
        "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{body}</div>',
    }


def piece(value: str, separator: str, number: str | int) -> str | None:
    """One of the parts of a text between separators, counted from 1."""
    if not separator:
        return None
    found = value.split(separator)
    at = int(number) - 1 if str(number).isdecimal() else -1
    return (found[at].strip() or None) if 0 <= at < len(found) else None


def concat(*values: str | None) -> str | None:
    """What is populated, one after the other."""
    return "".join([value for value in values if value]).strip() or None


def join(separator: str | None, *values: str | None) -> str | None:
    """What is populated, with `separator` between."""
    return (" " if separator is None else separator).join(
        [value for value in values if value]
    ) or None


def lines(*values: str) -> str | None:
    """One text of several lines; blank ones at its ends are dropped."""
    kept = [_CONTROL.sub("", value).rstrip() for value in values]
    return "\n".join(kept).strip("\n") or None


def split(value: str, separator: str | None) -> list[str] | None:
    """The parts of the text; white space around them is dropped."""
    parts = value.split(separator) if separator else value.split()
    return [part.strip() for part in parts if part.strip()] or None


def substring(value: str, start: str | int, length: str | int | None) -> str | None:
    """`length` characters from `start`, counted from 1."""
    begin = max(1, int(start)) - 1
    return value[begin : begin + int(length)] if length is not None else value[begin:] or None


def replace(value: str, old: str, new: str | None) -> str | None:
    """Every `old` replaced."""
    return value.replace(old, new or "") or None


def default(value: object, otherwise: object) -> object:
    """The first that is populated."""
    return otherwise if value is None or value == "" else value


def coalesce(*values: object) -> object:
    """The first that is populated."""
    return next((value for value in values if value is not None and value != ""), None)


def base64(facts: Facts, value: str, encoding: str | None) -> str | None:
    """Base64 of an ED or RP value.

    Line breaks inside the data, sent as white space or as escape sequences, are dropped. `encoding`
    is ED.4 (table 0299): `A` is text to be encoded, `Hex` is hexadecimal, all else is base64
    already.
    """
    form = (encoding or "").lower()
    if form == "a":
        return base64_codec.b64encode(value.encode("utf-8")).decode("ascii")
    data = _BREAK.sub("", value) if "\\" in value else value
    data = "".join(data.split())
    if form == "hex":
        try:
            return base64_codec.b64encode(bytes.fromhex(data)).decode("ascii")
        except ValueError:
            facts.fault(BAD_VALUE, what="hexadecimal data")
            return None
    if len(data) % 4 or _BASE64.fullmatch(data) is None:
        facts.fault(BAD_VALUE, what="base64 data")
        return None
    return data or None


def decode_size(value: str) -> int:
    """Bytes that base64 data stands for."""
    return len(value) // 4 * 3 - value.count("=", -2)


RECORDS = (
    FunctionRecord(
        name="upper",
        doc="The text in capital letters.",
        parameters=(_VALUE,),
        returns=TEXT_TYPES,
        examples=(Example(arguments=("doe",), result="DOE"),),
        body=upper,
    ),
    FunctionRecord(
        name="lower",
        doc="The text in small letters.",
        parameters=(_VALUE,),
        returns=TEXT_TYPES,
        examples=(Example(arguments=("DOE",), result="doe"),),
        body=lower,
    ),
    FunctionRecord(
        name="trim",
        doc="The text without white space at its ends.",
        parameters=(_VALUE,),
        returns=TEXT_TYPES,
        examples=(
            Example(arguments=(" a b ",), result="a b"),
            Example(arguments=("  ",), result=None),
        ),
        body=trim,
    ),
    FunctionRecord(
        name="string",
        doc="A FHIR string: control characters dropped, no white space at the ends.",
        parameters=(_VALUE,),
        returns=("string", "text"),
        examples=(Example(arguments=(" a\x01b ",), result="ab"),),
        body=string,
    ),
    FunctionRecord(
        name="text",
        doc="The same as `string`, for long texts: line breaks are kept.",
        parameters=(_VALUE,),
        returns=("string", "text"),
        examples=(Example(arguments=("one\ntwo",), result="one\ntwo"),),
        body=string,
    ),
    FunctionRecord(
        name="markdown",
        doc="Text as markdown that shows the same: characters with a meaning are escaped.",
        parameters=(_VALUE,),
        returns=("markdown",),
        examples=(Example(arguments=("*a*",), result="\\*a\\*"),),
        body=markdown,
    ),
    FunctionRecord(
        name="narrative",
        doc="A Narrative (`Resource.text`) of plain text, safe as XHTML.",
        parameters=(_VALUE,),
        returns=("Narrative",),
        examples=(
            Example(
                arguments=("a < b\nc",),
                result={
                    "status": "generated",
                    "div": '<div xmlns="http://www.w3.org/1999/xhtml">a &lt; b<br/>c</div>',
                },
            ),
        ),
        body=narrative,
    ),
    FunctionRecord(
        name="piece",
        doc="One of the parts of a text between separators.",
        parameters=(
            _VALUE,
            Parameter(name="separator", doc="text between"),
            Parameter(name="number", doc="which part, from 1", kind=Kind.VALUE),
        ),
        returns=TEXT_TYPES,
        examples=(
            Example(arguments=("DOE, JANE", ",", 2), result="JANE"),
            Example(arguments=("DOE", ",", 2), result=None),
        ),
        body=piece,
    ),
    FunctionRecord(
        name="concat",
        doc="What is populated, one after the other; nothing when all sources are empty.",
        parameters=(Parameter(name="values", doc="texts and literals", many=True),),
        returns=TEXT_TYPES,
        examples=(
            Example(arguments=("313", " ", "5551212"), result="313 5551212"),
            Example(arguments=(None, " ", "5551212"), result="5551212"),
        ),
        body=concat,
    ),
    FunctionRecord(
        name="join",
        doc='What is populated, with a separator between: `join(", ", XAD.1, XAD.2)`.',
        parameters=(
            Parameter(name="separator", doc="text between", required=False),
            Parameter(name="values", doc="the texts", many=True),
        ),
        returns=TEXT_TYPES,
        examples=(Example(arguments=(", ", "a", None, "b"), result="a, b"),),
        body=join,
    ),
    FunctionRecord(
        name="lines",
        doc="One text of lines as they stand, in `lines(OBSERVATION[*].OBX-5[*])`: blanks at their "
        "beginning and blank lines between are kept.",
        parameters=(Parameter(name="values", doc="the lines", kind=Kind.LINE, many=True),),
        returns=TEXT_TYPES,
        examples=(
            Example(arguments=("FINDINGS", "", "  clear  "), result="FINDINGS\n\n  clear"),
            Example(arguments=("", ""), result=None),
        ),
        body=lines,
    ),
    FunctionRecord(
        name="split",
        doc="The parts of a text, each an item of an append target.",
        parameters=(
            _VALUE,
            Parameter(name="separator", doc="text between; default: white space", required=False),
        ),
        returns=TEXT_TYPES,
        examples=(
            Example(arguments=("Ann  Mary", None), result=["Ann", "Mary"]),
            Example(arguments=("a; b", ";"), result=["a", "b"]),
        ),
        body=split,
        yields_list=True,
    ),
    FunctionRecord(
        name="substring",
        doc="A part of the text, counted from 1.",
        parameters=(
            _VALUE,
            Parameter(name="start", doc="first character, from 1", kind=Kind.VALUE),
            Parameter(name="length", doc="how many", kind=Kind.VALUE, required=False),
        ),
        returns=TEXT_TYPES,
        examples=(Example(arguments=("20260102", 1, 4), result="2026"),),
        body=substring,
    ),
    FunctionRecord(
        name="replace",
        doc="Every occurrence of one text replaced by another.",
        parameters=(
            _VALUE,
            Parameter(name="old", doc="text to be replaced"),
            Parameter(name="new", doc="what stands there instead", required=False),
        ),
        returns=TEXT_TYPES,
        examples=(Example(arguments=("123-45-6789", "-", None), result="123456789"),),
        body=replace,
    ),
    FunctionRecord(
        name="default",
        doc="The value, or another when it is empty. `a | b` says the same.",
        parameters=(
            Parameter(name="value", doc="the value", kind=Kind.VALUE),
            Parameter(name="otherwise", doc="taken when it is empty", kind=Kind.VALUE),
        ),
        returns=("any",),
        examples=(
            Example(arguments=("a", "b"), result="a"),
            Example(arguments=(None, "b"), result="b"),
        ),
        body=default,
        takes_absent=True,
    ),
    FunctionRecord(
        name="coalesce",
        doc="The first value that is populated.",
        parameters=(Parameter(name="values", doc="the values", kind=Kind.VALUE, many=True),),
        returns=("any",),
        examples=(Example(arguments=(None, "", "c"), result="c"),),
        body=coalesce,
        takes_absent=True,
    ),
    FunctionRecord(
        name="base64",
        doc="Data of an ED value as base64: line breaks dropped; `encoding` is ED.4.",
        parameters=(
            Parameter(name="value", doc="the data, ED.5"),
            Parameter(name="encoding", doc="ED.4: A, Hex or Base64", required=False),
        ),
        returns=("base64Binary",),
        accepts=("ED", "TX", "ST", "FT"),
        examples=(
            Example(arguments=("SGVs\nbG8=", "Base64"), result="SGVsbG8="),
            Example(arguments=("SGVs\\.br\\bG8=", None), result="SGVsbG8="),
            Example(arguments=("Hello", "A"), result="SGVsbG8="),
            Example(arguments=("48656c6c6f", "Hex"), result="SGVsbG8="),
            Example(arguments=("SGVsbG8", None), result=None, fault="T567"),
        ),
        body=base64,
        uses_facts=True,
    ),
    FunctionRecord(
        name="base64_size",
        doc="How many bytes base64 data stands for (`Attachment.size`).",
        parameters=(Parameter(name="value", doc="base64 data"),),
        returns=("unsignedInt",),
        examples=(Example(arguments=("SGVsbG8=",), result=5),),
        body=decode_size,
    ),
)
