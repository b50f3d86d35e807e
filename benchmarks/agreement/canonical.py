"""Pure. One spelling for values that mean the same: times, systems, telephone numbers, decimals."""

import re
from datetime import UTC, datetime
from decimal import Decimal

_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:?\d\d)?"
)
_URN = re.compile(r"urn:(?:oid|uuid|uri):", re.IGNORECASE)
_V2_OID = re.compile(r"2\.16\.840\.1\.113883\.12\.(\d{1,4})")
_V2_OLD = re.compile(
    r"(?:hl7\.org/fhir/v2/|terminology\.hl7\.org/(?:[\d.]+/)?CodeSystem[-/]v2-)(\d+)"
)
_V2_NAME = re.compile(r"(?:HL7)?-?(0\d{3})|HL7(\d{4})")

SYSTEMS = {
    "ln": "loinc.org", "loinc": "loinc.org", "2.16.840.1.113883.6.1": "loinc.org",
    "sct": "snomed.info/sct", "snm": "snomed.info/sct", "snomed": "snomed.info/sct",
    "snomed-ct": "snomed.info/sct", "snomedct": "snomed.info/sct",
    "2.16.840.1.113883.6.96": "snomed.info/sct",
    "ucum": "unitsofmeasure.org", "2.16.840.1.113883.6.8": "unitsofmeasure.org",
    "cvx": "hl7.org/fhir/sid/cvx", "2.16.840.1.113883.12.292": "hl7.org/fhir/sid/cvx",
    "mvx": "hl7.org/fhir/sid/mvx", "2.16.840.1.113883.12.227": "hl7.org/fhir/sid/mvx",
    "ndc": "hl7.org/fhir/sid/ndc", "2.16.840.1.113883.6.69": "hl7.org/fhir/sid/ndc",
    "i10": "hl7.org/fhir/sid/icd-10", "2.16.840.1.113883.6.3": "hl7.org/fhir/sid/icd-10",
    "i10c": "hl7.org/fhir/sid/icd-10-cm", "2.16.840.1.113883.6.90": "hl7.org/fhir/sid/icd-10-cm",
    "i9": "hl7.org/fhir/sid/icd-9-cm", "i9c": "hl7.org/fhir/sid/icd-9-cm",
    "i9cdx": "hl7.org/fhir/sid/icd-9-cm", "2.16.840.1.113883.6.103": "hl7.org/fhir/sid/icd-9-cm",
    "c4": "www.ama-assn.org/go/cpt", "cpt": "www.ama-assn.org/go/cpt",
    "rxnorm": "www.nlm.nih.gov/research/umls/rxnorm",
    "2.16.840.1.113883.6.88": "www.nlm.nih.gov/research/umls/rxnorm",
    "cdcrec": "cdcrec", "2.16.840.1.113883.6.238": "cdcrec",
    "hl7.org/fhir/us/core/codesystem-cdcrec.html": "cdcrec",
    "npi": "hl7.org/fhir/sid/us-npi", "2.16.840.1.113883.4.6": "hl7.org/fhir/sid/us-npi",
    "ssn": "hl7.org/fhir/sid/us-ssn", "2.16.840.1.113883.4.1": "hl7.org/fhir/sid/us-ssn",
    "nci": "ncithesaurus", "ncit": "ncithesaurus",
    "ncithesaurus-stage.nci.nih.gov": "ncithesaurus",
    "iso:std:iso:3166": "iso3166", "iso3166_1": "iso3166",
    "ietf:rfc:3986": "ietf:rfc:3986", "iso:std:iso:3986": "ietf:rfc:3986",
}  # fmt: skip
"""Names, OIDs and URIs (lower case, without scheme and `urn:`) of one system to one of them."""

UNRESOLVED = ("example.com", "unknown", "namespace", "null")
"""Beginnings of what says no system though it stands in `system`."""

_EMAIL_OR_URL = re.compile(r"@|://|[A-Za-z]{4}")


def canonical_scalar(value: object) -> str:
    """A primitive of FHIR as text: times as instants, numbers without padding, blanks as one."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return canonical_number(Decimal(str(value)))
    text = " ".join(str(value).split())
    return canonical_time(text) or _URN.sub("", text)


def canonical_number(value: Decimal) -> str:
    """`1.20` and `1.2` are one number."""
    return f"{value.normalize():f}"


def canonical_time(text: str) -> str | None:
    """(instant, precision) of a dateTime as text; None for other text. A date stays as it is.

    FHIR has no precision between the day and the second, so a time of day is to the second.
    """
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, _, zone = found.groups()
    stamp = f"{year}-{month}-{day}T{hour}:{minute}:{second or '00'}"
    if zone is None:
        return f"{stamp} local"
    offset = "+0000" if zone == "Z" else zone.replace(":", "")
    try:
        instant = datetime.strptime(stamp + offset, "%Y-%m-%dT%H:%M:%S%z").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def canonical_system(value: object) -> str | None:
    """One name for a coding or identifier system; None when it does not tell which system it is."""
    text = _URN.sub("", str(value).strip())
    text = re.sub(r"^(?:https?://|urn:)", "", text, flags=re.IGNORECASE).rstrip("/.")
    lower = text.lower()
    if not lower or lower.startswith(UNRESOLVED):
        return None
    v2 = _V2_OID.fullmatch(text) or _V2_OLD.search(text)
    if v2 and lower not in SYSTEMS:
        return f"v2-{int(v2[1]):04d}"
    named = _V2_NAME.fullmatch(text)
    if named:
        return f"v2-{int(named[1] or named[2]):04d}"
    if lower in SYSTEMS:
        return SYSTEMS[lower]
    is_name = text == str(value).strip()  # no scheme was taken off: bare text is no system
    return None if is_name and not re.fullmatch(r"[012](?:\.\d+)+", text) else lower


def canonical_telecom(value: object) -> str:
    """The digits of a telephone number; an address as it is, in lower case."""
    text = " ".join(str(value).split())
    digits = re.sub(r"\D", "", text)
    if not digits or _EMAIL_OR_URL.search(text):
        return text.lower()
    return digits
