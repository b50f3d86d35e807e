"""Pure. Functions that make codes, codings and concepts.

A CWE holds a code, its text and its system twice or three times over (HL7 v2.5.1 ch. 2.A.13): every
triplet becomes a coding, the original text is kept, and a table adds its coding beside the
sender's.
"""

import re
from typing import Any

from engine.mapping.codes import BAD_VALUE
from engine.mapping.functions.record import (
    TEXT_TYPES,
    Example,
    Facts,
    FunctionRecord,
    Kind,
    Parameter,
)
from engine.mapping.functions.systems import coding_system, identifier_uri

_SPACES = re.compile(r"\s+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_MEDIA = re.compile(r"(?:application|audio|font|image|message|model|multipart|text|video)/[\w.+-]+")

LANGUAGES: dict[str, str] = {
    "ara": "ar", "chi": "zh", "zho": "zh", "cze": "cs", "ces": "cs", "dan": "da", "dut": "nl",
    "nld": "nl", "eng": "en", "fin": "fi", "fre": "fr", "fra": "fr", "ger": "de", "deu": "de",
    "gre": "el", "ell": "el", "heb": "he", "hin": "hi", "hun": "hu", "ita": "it", "jpn": "ja",
    "kor": "ko", "nor": "no", "pol": "pl", "por": "pt", "rum": "ro", "ron": "ro", "rus": "ru",
    "spa": "es", "swe": "sv", "tha": "th", "tur": "tr", "ukr": "uk", "urd": "ur", "vie": "vi",
}  # fmt: skip
"""ISO 639-2 to 639-1, which BCP 47 prefers where both exist."""

MEDIA_TYPES: dict[str, str] = {
    "pdf": "application/pdf", "rtf": "text/rtf", "html": "text/html", "xml": "text/xml",
    "sgml": "text/sgml", "jpeg": "image/jpeg", "jpg": "image/jpeg", "gif": "image/gif",
    "tiff": "image/tiff", "png": "image/png", "dicom": "application/dicom", "plain": "text/plain",
    "x-hl7-cda-level-one": "text/xml", "cda": "text/xml", "txt": "text/plain",
    "octet-stream": "application/octet-stream",
    "fax": "image/g3fax", "basic": "audio/basic", "json": "application/json",
}  # fmt: skip
"""Subtypes of table 0291 whose media type does not depend on the main type sent."""

MEDIA_KINDS: dict[str, str] = {
    "ap": "application", "au": "audio", "ft": "text", "im": "image", "multipart": "multipart",
    "ns": "image", "sd": "application", "si": "image", "text": "text", "tx": "text",
}  # fmt: skip
"""Table 0191 to the first half of a media type."""

TRIPLETS = (
    (0, 1, 2, 6, 13, 14, 15),
    (3, 4, 5, 7, 16, 17, 18),
    (9, 10, 11, 12, 19, 20, 21),
)
"""Positions of code, text, system, version, system's OID, value set and its version in a CWE
(HL7 v2.7 ch. 2.A.13)."""

ORIGINAL_TEXT = "http://hl7.org/fhir/StructureDefinition/originalText"
VALUE_SET = "http://hl7.org/fhir/StructureDefinition/valueset-reference"
LOCAL = frozenset({"L", "99", "Local", "LOCAL"})
"""Names that say no more than that the code is the sender's own."""


def code(value: str) -> str | None:
    """A FHIR code: no white space at the ends, single spaces inside."""
    return _SPACES.sub(" ", value.strip()) or None


def coding(system: str | None, code: str | None, display: str | None) -> dict[str, str] | None:
    """A Coding."""
    if not code and not display:
        return None
    found: dict[str, str] = {}
    if system:
        found["system"] = system
    if code:
        found["code"] = code
    if display:
        found["display"] = display
    return found


def concept(*values: str | dict[str, Any] | None) -> dict[str, Any] | None:
    """A CodeableConcept of texts and codings."""
    codings = [value for value in values if isinstance(value, dict)]
    text = next((value for value in values if isinstance(value, str) and value), None)
    found: dict[str, Any] = {}
    if codings:
        found["coding"] = codings
    if text:
        found["text"] = text
    return found or None


def codings_of(parts: list[str], facts: Facts) -> list[dict[str, Any]]:
    """The codings of a CWE in the order sent."""
    found: list[dict[str, Any]] = []
    count = len(parts)
    if count == 1:
        return [{"code": parts[0]}] if parts[0] else found
    for triplet in TRIPLETS:
        if triplet[0] >= count:
            break
        if parts[triplet[0]]:
            found.append(_coding_of(parts, triplet, facts))
        elif triplet[1] < count and parts[triplet[1]] and parts[triplet[1]] != original_text(parts):
            found.append({"display": parts[triplet[1]]})
    return found


def _coding_of(parts: list[str], triplet: tuple[int, ...], facts: Facts) -> dict[str, Any]:
    """One of the codings; a system without a URI is named in an extension, never made up."""
    code_at, text_at, system_at, version_at, oid_at, set_at, set_version_at = triplet
    count = len(parts)
    made: dict[str, Any] = {}
    name = parts[system_at] if system_at < count else ""
    uri = coding_system(name, facts.authorities) if name else None
    if uri is None and oid_at < count and parts[oid_at]:
        uri = facts.authorities.get(parts[oid_at]) or identifier_uri(parts[oid_at], "ISO")
    if uri is not None:
        made["system"] = uri
    elif name and name not in LOCAL:
        made["_system"] = {"extension": [{"url": ORIGINAL_TEXT, "valueString": name}]}
    if version_at < count and parts[version_at]:
        made["version"] = parts[version_at]
    made["code"] = parts[code_at]
    if text_at < count and parts[text_at]:
        made["display"] = parts[text_at]
    if set_at < count and parts[set_at]:
        value_set = identifier_uri(parts[set_at], "ISO")
        if value_set is not None:
            version = parts[set_version_at] if set_version_at < count else ""
            made["extension"] = [
                {"url": VALUE_SET, "valueUri": f"{value_set}|{version}" if version else value_set}
            ]
    return made


def concept_of(parts: list[str], facts: Facts) -> dict[str, Any] | None:
    """The CodeableConcept of a CWE, CE, CNE, IS or ID: its codings and its original text."""
    codings = codings_of(parts, facts)
    found: dict[str, Any] = {}
    if codings:
        found["coding"] = codings
    text = original_text(parts)
    if text:
        found["text"] = text
    return found or None


def original_text(parts: list[str]) -> str:
    """The text of a CWE: the original text, else that of its code, else of the alternate."""
    count = len(parts)
    if count > 8 and parts[8]:
        return parts[8]
    if count > 1 and parts[1]:
        return parts[1]
    return parts[4] if count > 4 else ""


def codeable(facts: Facts, value: list[str]) -> dict[str, Any] | None:
    """The CodeableConcept of a CWE."""
    return concept_of(value, facts)


def language(value: str) -> str | None:
    """A BCP 47 tag of a language code of ISO 639-1 or 639-2."""
    tag = value.strip().replace("_", "-")
    if _LANGUAGE.fullmatch(tag) is None:
        return None
    first, hyphen, rest = tag.partition("-")
    return LANGUAGES.get(first.lower(), first.lower()) + hyphen + rest


def currency(facts: Facts, value: str) -> str | None:
    """A currency of ISO 4217."""
    found = value.strip().upper()
    if len(found) == 3 and found.isascii() and found.isalpha():
        return found
    facts.fault(BAD_VALUE, what="currency of ISO 4217")
    return None


def media_type(kind: str | None, subtype: str | None, encoding: str | None) -> str | None:
    """The MIME type of an ED or RP: tables 0191 and 0291 or the type itself."""
    first = (kind or "").strip().lower()
    second = (subtype or "").strip().lower().replace("octet stream", "octet-stream")
    if "/" in second:
        return second if _MEDIA.fullmatch(second) else None
    known = MEDIA_TYPES.get(second)
    if known is not None:
        return known
    top = MEDIA_KINDS.get(first, first)
    if top and second and _MEDIA.fullmatch(f"{top}/{second}"):
        return f"{top}/{second}"
    if (encoding or "").upper() == "A" and top in ("", "text"):
        return "text/plain"
    return "text/plain" if top == "text" else None


def content_key(*values: str | None) -> str | None:
    """Texts made comparable: capitals, single spaces, joined by bars."""
    kept = [_SPACES.sub(" ", value.strip()).upper() for value in values if value]
    return "|".join(kept) or None


RECORDS = (
    FunctionRecord(
        name="code",
        doc="A code: white space tidied as FHIR asks.",
        parameters=(Parameter(name="value", doc="the code"),),
        returns=("code", "id"),
        examples=(Example(arguments=(" A  B ",), result="A B"),),
        body=code,
    ),
    FunctionRecord(
        name="coding",
        doc='A Coding: `coding("http://loinc.org", OBX-3.1, OBX-3.2)`.',
        parameters=(
            Parameter(name="system", doc="its URI", required=False),
            Parameter(name="code", doc="the code", required=False),
            Parameter(name="display", doc="its text", required=False),
        ),
        returns=("Coding",),
        examples=(
            Example(
                arguments=("http://loinc.org", "2345-7", None),
                result={"system": "http://loinc.org", "code": "2345-7"},
            ),
        ),
        body=coding,
    ),
    FunctionRecord(
        name="concept",
        doc="A CodeableConcept of a text, of codings, or of both.",
        parameters=(
            Parameter(name="values", doc="a text, or codings", kind=Kind.VALUE, many=True),
        ),
        returns=("CodeableConcept",),
        examples=(Example(arguments=("rash",), result={"text": "rash"}),),
        body=concept,
    ),
    FunctionRecord(
        name="codeable",
        doc="The CodeableConcept of a CWE or CE: all its codings and its text.",
        parameters=(Parameter(name="value", doc="CWE, CE, CNE", kind=Kind.COMPOSITE),),
        returns=("CodeableConcept",),
        accepts=("CWE", "CE", "CNE", "CF", "IS", "ID", "ST"),
        examples=(
            Example(
                arguments=(["2345-7", "Glucose", "LN"],),
                result={
                    "coding": [
                        {"system": "http://loinc.org", "code": "2345-7", "display": "Glucose"}
                    ],
                    "text": "Glucose",
                },
            ),
            Example(arguments=(["", "only text"],), result={"text": "only text"}),
            Example(
                arguments=(["GLU", "Glucose level", "99LAB"],),
                result={
                    "coding": [
                        {
                            "_system": {
                                "extension": [{"url": ORIGINAL_TEXT, "valueString": "99LAB"}]
                            },
                            "code": "GLU",
                            "display": "Glucose level",
                        }
                    ],
                    "text": "Glucose level",
                },
            ),
        ),
        body=codeable,
        uses_facts=True,
    ),
    FunctionRecord(
        name="language",
        doc="A language tag (BCP 47) of a code of ISO 639; nothing when it is none.",
        parameters=(Parameter(name="value", doc="the code"),),
        returns=("code",),
        examples=(
            Example(arguments=("ENG",), result="en"),
            Example(arguments=("en_GB",), result="en-GB"),
            Example(arguments=("English!",), result=None),
        ),
        body=language,
    ),
    FunctionRecord(
        name="currency",
        doc="A currency code of ISO 4217; nothing when it is none.",
        parameters=(Parameter(name="value", doc="the code"),),
        returns=("code",),
        examples=(
            Example(arguments=("usd",), result="USD"),
            Example(arguments=("$",), result=None, fault="T567"),
        ),
        body=currency,
        uses_facts=True,
    ),
    FunctionRecord(
        name="media_type",
        doc="The MIME type of an ED or RP, from its type, subtype and encoding.",
        parameters=(
            Parameter(name="type", doc="ED.2", required=False),
            Parameter(name="subtype", doc="ED.3", required=False),
            Parameter(name="encoding", doc="ED.4", required=False),
        ),
        returns=("code",),
        examples=(
            Example(arguments=("AP", "PDF", "Base64"), result="application/pdf"),
            Example(arguments=("text", "plain", "A"), result="text/plain"),
            Example(arguments=("IM", "TIFF", "Base64"), result="image/tiff"),
            Example(arguments=("", "image/png", None), result="image/png"),
            Example(arguments=("XX", None, None), result=None),
        ),
        body=media_type,
    ),
    FunctionRecord(
        name="content_key",
        doc="Texts made comparable, for a key of things without an identifier.",
        parameters=(Parameter(name="values", doc="the texts", many=True),),
        returns=TEXT_TYPES,
        examples=(Example(arguments=("Doe ", None, "jane  m"), result="DOE|JANE M"),),
        body=content_key,
    ),
)
