"""Pure. Functions for documents: identifiers and codes by OID, words of the narrative, XHTML."""

import re
from base64 import b64encode
from fractions import Fraction
from hashlib import sha1
from typing import Any

from engine.cda.codes import ID_UNKNOWN
from engine.cda.document import Node
from engine.cda.narrative import plain_text, to_xhtml
from engine.mapping.codes import BAD_VALUE
from engine.mapping.functions.record import (
    TEXT_TYPES,
    Example,
    Facts,
    FunctionRecord,
    Kind,
    Parameter,
)
from engine.mapping.functions.systems import identifier_uri


def root_uri(facts: Facts, value: str) -> str | None:
    """The URI of a root: of the channel's authorities, FHIR's own for it, or its URN."""
    return facts.authorities.get(value) or identifier_uri(value, "ISO")


def urn(value: str) -> str | None:
    """`urn:oid:` or `urn:uuid:` of a root that is an identifier by itself."""
    found = identifier_uri(value, "ISO")
    if found is None or found.startswith("urn:"):
        return found
    return f"urn:oid:{value}"


def without_scheme(value: str) -> str | None:
    """`+1 555` of `tel:+1 555`; addresses of pages keep their scheme."""
    return _SCHEME.sub("", value).strip() or None


def per_day(value: str, unit: str | None) -> int | None:
    """How often in a day, when a length of time goes into it without a rest."""
    minutes = _MINUTES.get(unit or "")
    if minutes is None or not _NUMBER.fullmatch(value) or not Fraction(value):
        return None
    times = 1440 / (Fraction(value) * minutes)
    return int(times) if times.denominator == 1 else None


def minutes_of(value: str, unit: str | None) -> int | None:
    """Whole minutes of a length of time; before or after is said elsewhere."""
    each = _MINUTES.get(unit or "")
    if each is None or not _NUMBER.fullmatch(value):
        return None
    found = abs(Fraction(value)) * each
    return int(found) if found.denominator == 1 else None


def one_less(value: str) -> int | None:
    """A count without the first."""
    return int(value) - 1 if value.isdecimal() and len(value) < 10 and int(value) > 0 else None


def original(facts: Facts, node: Node) -> str:  # noqa: ARG001  the document is one
    """The bytes of the document as received, in base64."""
    raw = memoryview(facts.document.document.raw)
    text = ""  # grows in place: of a large document the bytes would stand beside the text
    for start in range(0, len(raw), _PIECE):
        text += b64encode(raw[start : start + _PIECE]).decode("ascii")
    return text


def original_size(facts: Facts, node: Node) -> int:  # noqa: ARG001
    """How many bytes the document has."""
    return len(facts.document.document.raw)


def original_hash(facts: Facts, node: Node) -> str:  # noqa: ARG001
    """The SHA-1 of the document, in base64 (R4, Attachment.hash)."""
    digest = sha1(facts.document.document.raw, usedforsecurity=False).digest()
    return b64encode(digest).decode("ascii")


def made_with(facts: Facts, node: Node) -> list[dict[str, str]]:  # noqa: ARG001
    """References to everything made of the document so far."""
    return [made.reference for made in facts.made]


def true_false(facts: Facts, value: str) -> bool | None:
    """A truth value of XML Schema."""
    found = {"true": True, "1": True, "false": False, "0": False}.get(value)
    if found is None:
        facts.fault(BAD_VALUE, what="true or false")
    return found


def words(facts: Facts, node: Node) -> str | None:
    """The words of an element: its own, or those of the narrative it refers to."""
    found = plain_text(node, facts.document.document)
    if found is None:
        facts.fault(ID_UNKNOWN)
    return found or None


def xhtml(node: Node) -> dict[str, Any] | None:
    """The Narrative of a section's text."""
    div = to_xhtml(node)
    return {"status": "generated", "div": div} if div else None


_SCHEME = re.compile(r"^(?:tel|mailto|fax|x-text-fax|sms):", re.IGNORECASE)
_MINUTES = {"s": Fraction(1, 60), "min": Fraction(1), "h": Fraction(60), "d": Fraction(1440)}
_PIECE = 3 * 2**18
"""Bytes that are encoded at a time: a multiple of three."""
_NUMBER = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]{1,9})?")
_NODE = Parameter(name="value", doc="an element", kind=Kind.NODE)

RECORDS = (
    FunctionRecord(
        name="root_uri",
        doc="The URI of the root of an identifier or the OID of a coding system (II.root): that of "
        "the channel's `authorities`, FHIR's own, or `urn:oid:` and `urn:uuid:`.",
        parameters=(Parameter(name="value", doc="an OID, a UUID or a URI"),),
        returns=("uri", *TEXT_TYPES),
        examples=(
            Example(arguments=("2.16.840.1.113883.4.6",), result="http://hl7.org/fhir/sid/us-npi"),
            Example(arguments=("1.2.840.1",), result="urn:oid:1.2.840.1"),
            Example(arguments=("MRN",), result=None),
            Example(
                arguments=("1.2.840.1",),
                result="https://ids.northvale.test/mrn",
                authorities=(("1.2.840.1", "https://ids.northvale.test/mrn"),),
            ),
        ),
        body=root_uri,
        uses_facts=True,
        varies=True,
    ),
    FunctionRecord(
        name="urn",
        doc="An OID or UUID as a URN, for identifiers that are nothing but a root.",
        parameters=(Parameter(name="value", doc="an OID or a UUID"),),
        returns=("uri", *TEXT_TYPES),
        examples=(
            Example(arguments=("1.2.840.1",), result="urn:oid:1.2.840.1"),
            Example(
                arguments=("6B8F3A52-9E1D-4C5A-8F7E-2D3C4B5A6978",),
                result="urn:uuid:6b8f3a52-9e1d-4c5a-8f7e-2d3c4b5a6978",
            ),
            Example(arguments=("123",), result=None),
        ),
        body=urn,
    ),
    FunctionRecord(
        name="without_scheme",
        doc="A telephone number or e-mail address without the scheme CDA puts before it.",
        parameters=(Parameter(name="value", doc="TEL.value"),),
        returns=TEXT_TYPES,
        examples=(
            Example(arguments=("tel:+1(555)555-2003",), result="+1(555)555-2003"),
            Example(arguments=("https://northvale.test",), result="https://northvale.test"),
            Example(arguments=("tel:",), result=None),
        ),
        body=without_scheme,
    ),
    FunctionRecord(
        name="per_day",
        doc="How often in a day: 4 of every 6 hours; nothing where it is no whole number.",
        parameters=(
            Parameter(name="value", doc="PIVL_TS.period.value"),
            Parameter(name="unit", doc="its unit of UCUM", required=False),
        ),
        returns=("positiveInt", "integer", "unsignedInt"),
        examples=(
            Example(arguments=("6", "h"), result=4),
            Example(arguments=("1", "d"), result=1),
            Example(arguments=("5", "h"), result=None),
            Example(arguments=("0", "h"), result=None),
        ),
        body=per_day,
    ),
    FunctionRecord(
        name="minutes_of",
        doc="Whole minutes of a quantity of time, without its sign.",
        parameters=(
            Parameter(name="value", doc="PQ.value"),
            Parameter(name="unit", doc="its unit of UCUM", required=False),
        ),
        returns=("unsignedInt", "integer", "positiveInt"),
        examples=(
            Example(arguments=("-1", "h"), result=60),
            Example(arguments=("30", "min"), result=30),
            Example(arguments=("1", "mo"), result=None),
        ),
        body=minutes_of,
    ),
    FunctionRecord(
        name="one_less",
        doc="A count without the first: repeats of a number of dispenses.",
        parameters=(Parameter(name="value", doc="IVL_INT.value"),),
        returns=("unsignedInt", "integer"),
        examples=(
            Example(arguments=("3",), result=2),
            Example(arguments=("1",), result=0),
            Example(arguments=("0",), result=None),
        ),
        body=one_less,
    ),
    FunctionRecord(
        name="original",
        doc="The whole document as received, in base64.",
        parameters=(_NODE,),
        returns=("base64Binary",),
        examples=(Example(arguments=("<id/>",), result="PGE+"),),
        body=original,
        uses_facts=True,
        varies=True,
    ),
    FunctionRecord(
        name="original_size",
        doc="The size of the whole document in bytes.",
        parameters=(_NODE,),
        returns=("unsignedInt", "integer"),
        examples=(Example(arguments=("<id/>",), result=3),),
        body=original_size,
        uses_facts=True,
        varies=True,
    ),
    FunctionRecord(
        name="original_hash",
        doc="The SHA-1 of the whole document, in base64, as Attachment.hash wants it.",
        parameters=(_NODE,),
        returns=("base64Binary",),
        examples=(Example(arguments=("<id/>",), result="DVV+Tm2Y0Mz4m7mseLTvEFgV5Ec="),),
        body=original_hash,
        uses_facts=True,
        varies=True,
    ),
    FunctionRecord(
        name="made_with",
        doc="References to everything made of the document so far, for its Provenance.",
        parameters=(_NODE,),
        returns=("Reference",),
        examples=(Example(arguments=("<id/>",), result=[]),),
        body=made_with,
        uses_facts=True,
        varies=True,
        yields_list=True,
    ),
    FunctionRecord(
        name="true_false",
        doc="True or false as XML writes it (BL.value).",
        parameters=(Parameter(name="value", doc="true, false, 1 or 0"),),
        returns=("boolean",),
        examples=(
            Example(arguments=("true",), result=True),
            Example(arguments=("0",), result=False),
            Example(arguments=("Y",), result=None, fault="T567"),
        ),
        body=true_false,
        uses_facts=True,
    ),
    FunctionRecord(
        name="words",
        doc="The words of an element: its own, or those of the part of the narrative that its "
        "`reference` names; a reference to nothing is reported (D321).",
        parameters=(_NODE,),
        returns=TEXT_TYPES,
        examples=(
            Example(
                arguments=("<originalText>Asthma,  mild</originalText>",), result="Asthma, mild"
            ),
            Example(
                arguments=('<text><reference value="#a"/></text>',),
                result=None,
                fault="D321",
            ),
        ),
        body=words,
        uses_facts=True,
        varies=True,
    ),
    FunctionRecord(
        name="xhtml",
        doc="A Narrative of the text of a section: CDA's narrative block as the XHTML that FHIR "
        "allows, scripts and links to them left out.",
        parameters=(_NODE,),
        returns=("Narrative",),
        examples=(
            Example(
                arguments=("<text><paragraph>a &lt; b</paragraph></text>",),
                result={
                    "status": "generated",
                    "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p>a &lt; b</p></div>',
                },
            ),
        ),
        body=xhtml,
    ),
)
