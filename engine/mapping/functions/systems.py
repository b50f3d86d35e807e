"""Pure. Names of coding systems and assigning authorities to URIs, never a false one.

A `system` of FHIR is a URI. HL7 v2 sends short names, OIDs, UUIDs, DNS names or nothing. What is
known here, or named in the channel's `authorities`, becomes a URI; what is not known becomes no
system at all. Names: HL7 table 0396, https://terminology.hl7.org/external_terminologies.html.
"""

import re
from functools import lru_cache

from engine.fhir.definitions import v2_system
from engine.mapping.codes import UNKNOWN_AUTHORITY
from engine.mapping.functions.record import Example, Facts, FunctionRecord, Kind, Parameter

_ICD10_CM = "http://hl7.org/fhir/sid/icd-10-cm"
_ICD9_CM = "http://hl7.org/fhir/sid/icd-9-cm"
_SNOMED = "http://snomed.info/sct"
_RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"

CODING_SYSTEMS: dict[str, str] = {
    "LN": "http://loinc.org",
    "LOINC": "http://loinc.org",
    "SCT": _SNOMED,
    "SNM3": _SNOMED,
    "SNOMED": _SNOMED,
    "SNOMED-CT": _SNOMED,
    "SNOMEDCT": _SNOMED,
    "I10": "http://hl7.org/fhir/sid/icd-10",
    "ICD10": "http://hl7.org/fhir/sid/icd-10",
    "I10C": _ICD10_CM,
    "I10CM": _ICD10_CM,
    "ICD10CM": _ICD10_CM,
    "ICD-10-CM": _ICD10_CM,
    "I10P": "http://www.cms.gov/Medicare/Coding/ICD10",
    "ICD10PCS": "http://www.cms.gov/Medicare/Coding/ICD10",
    "I9": "http://hl7.org/fhir/sid/icd-9-cm",
    "I9C": _ICD9_CM,
    "I9CM": _ICD9_CM,
    "I9CDX": _ICD9_CM,
    "ICD9CM": _ICD9_CM,
    "CVX": "http://hl7.org/fhir/sid/cvx",
    "MVX": "http://hl7.org/fhir/sid/mvx",
    "NDC": "http://hl7.org/fhir/sid/ndc",
    "UCUM": "http://unitsofmeasure.org",
    "C4": "http://www.ama-assn.org/go/cpt",
    "CPT": "http://www.ama-assn.org/go/cpt",
    "CPT4": "http://www.ama-assn.org/go/cpt",
    "HCPCS": "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
    "HCS": "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
    "RXNORM": _RXNORM,
    "RXN": _RXNORM,
    "ATC": "http://www.whocc.no/atc",
    "UNII": "http://fdasis.nlm.nih.gov",
    "ISO3166_1": "urn:iso:std:iso:3166",
    "ISO4217": "urn:iso:std:iso:4217",
    "ISO639": "urn:ietf:bcp:47",
    "BCP47": "urn:ietf:bcp:47",
    "CDCREC": "urn:oid:2.16.840.1.113883.6.238",
    "NUCC": "http://nucc.org/provider-taxonomy",
    "NPI": "http://hl7.org/fhir/sid/us-npi",
    "NIP001": "urn:oid:2.16.840.1.114222.4.5.259",
}
"""Names of table 0396 and the spellings seen in practice, in capitals."""

OIDS: dict[str, str] = {
    "2.16.840.1.113883.6.1": "http://loinc.org",
    "2.16.840.1.113883.6.96": _SNOMED,
    "2.16.840.1.113883.6.3": "http://hl7.org/fhir/sid/icd-10",
    "2.16.840.1.113883.6.90": _ICD10_CM,
    "2.16.840.1.113883.6.103": _ICD9_CM,
    "2.16.840.1.113883.12.292": "http://hl7.org/fhir/sid/cvx",
    "2.16.840.1.113883.6.8": "http://unitsofmeasure.org",
    "2.16.840.1.113883.6.88": _RXNORM,
    "2.16.840.1.113883.6.12": "http://www.ama-assn.org/go/cpt",
    "2.16.840.1.113883.6.69": "http://hl7.org/fhir/sid/ndc",
    "2.16.840.1.113883.4.1": "http://hl7.org/fhir/sid/us-ssn",
    "2.16.840.1.113883.4.6": "http://hl7.org/fhir/sid/us-npi",
    "2.16.840.1.113883.4.572": "http://hl7.org/fhir/sid/us-medicare",
}
"""OIDs for which FHIR has a URI of its own (https://hl7.org/fhir/R4/identifier-registry.html)."""

_OID = re.compile(r"(?:urn:oid:)?([0-2](?:\.(?:0|[1-9][0-9]{0,38})){2,})")
_UUID = re.compile(
    r"(?:urn:uuid:)?([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})"
)
_URI = re.compile(r"(?:https?://|urn:)[^\s<>\"{}|\\^`]+")
_V2_TABLE = re.compile(r"HL7-?([0-9]{1,4})")


@lru_cache(maxsize=4096)
def identifier_uri(text: str) -> str | None:
    """The URI of an OID, UUID or URI; None for anything else."""
    match = _OID.fullmatch(text)
    if match is not None:
        return OIDS.get(match.group(1)) or f"urn:oid:{match.group(1)}"
    match = _UUID.fullmatch(text)
    if match is not None:
        return f"urn:uuid:{match.group(1).lower()}"
    return text if _URI.fullmatch(text) else None


def coding_system(name: str, authorities: dict[str, str]) -> str | None:
    """The URI of a coding system's name (CWE.3), or None.

    Local systems (`L`, `99zzz`) and unknown names have none.
    """
    return authorities.get(name) or _known_system(name)


@lru_cache(maxsize=4096)
def _known_system(name: str) -> str | None:
    found = CODING_SYSTEMS.get(name) or CODING_SYSTEMS.get(name.upper())
    if found is not None:
        return found
    match = _V2_TABLE.fullmatch(name)
    if match is not None:
        return v2_system(match.group(1))
    return identifier_uri(name)


def authority_system(parts: list[str], facts: Facts) -> str | None:
    """The URI of an HD: the channel's registry, then an OID, UUID or URI, else None.

    Args:
        parts: namespace, universal id and its type.
        facts: the channel's `authorities`; a namespace that is not in it is reported once.
    """
    namespace = parts[0] if parts else ""
    universal = parts[1] if len(parts) > 1 else ""
    if universal:
        found = facts.authorities.get(universal) or identifier_uri(universal)
        if found is not None:
            return found
    if not namespace:
        return None
    found = facts.authorities.get(namespace) or identifier_uri(namespace)
    if found is None:
        facts.fault_once(UNKNOWN_AUTHORITY, namespace)
    return found


def system(
    facts: Facts, value: list[str] | None, universal_id: str | None, kind: str | None
) -> str | None:
    """The URI of an assigning authority (HD), whole or in parts, or of a coding system's name."""
    parts = [*(value or [""]), *([universal_id or "", kind or ""] if universal_id else [])]
    if len(parts) == 1:
        found = coding_system(parts[0], facts.authorities)
        if found is not None:
            return found
        if parts[0] == "L" or parts[0].startswith("99"):
            return None
    return authority_system(parts, facts)


def coding_system_uri(facts: Facts, name: str | None, oid: str | None) -> str | None:
    """The URI of a coding system by name, else by OID."""
    found = coding_system(name, facts.authorities) if name else None
    return found or (identifier_uri(oid) if oid else None)


def uri(facts: Facts, value: str) -> str | None:
    """A URI: an OID or UUID gets its `urn:`; what is none yields nothing."""
    return facts.authorities.get(value) or identifier_uri(value.strip())


RECORDS = (
    FunctionRecord(
        name="system",
        doc=(
            "The URI of an assigning authority (HD) or coding system: the channel's `authorities`, "
            "known names (LN, SCT, I10, HL70001), OID, UUID or URI. Nothing for other names."
        ),
        parameters=(
            Parameter(name="value", doc="HD, or HD.1, or a name", kind=Kind.COMPOSITE),
            Parameter(name="universal_id", doc="HD.2", required=False),
            Parameter(name="type", doc="HD.3", required=False),
        ),
        returns=("uri", "url", "canonical"),
        accepts=("HD", "ID", "IS", "ST", "EI"),
        examples=(
            Example(arguments=(["LN"], None, None), result="http://loinc.org"),
            Example(
                arguments=(["HL70001"], None, None),
                result="http://terminology.hl7.org/CodeSystem/v2-0001",
            ),
            Example(arguments=(["99LAB"], None, None), result=None),
            Example(arguments=(["", "1.2.36.1", "ISO"], None, None), result="urn:oid:1.2.36.1"),
            Example(arguments=(["NORTH"], "1.2.36.1", "ISO"), result="urn:oid:1.2.36.1"),
            Example(
                arguments=(["NORTH"], None, None),
                result="http://north.test/mrn",
                authorities=(("NORTH", "http://north.test/mrn"),),
            ),
            Example(arguments=(["NORTH"], None, None), result=None, fault="T568"),
        ),
        body=system,
        uses_facts=True,
        varies=True,
    ),
    FunctionRecord(
        name="coding_system",
        doc="The URI of a coding system by its name (CWE.3), else by its OID (CWE.14).",
        parameters=(
            Parameter(name="name", doc="CWE.3", required=False),
            Parameter(name="oid", doc="CWE.14", required=False),
        ),
        returns=("uri", "url", "canonical"),
        accepts=("ID", "IS", "ST", "HD"),
        examples=(
            Example(arguments=("SCT", None), result="http://snomed.info/sct"),
            Example(arguments=("L", None), result=None),
            Example(arguments=(None, "2.16.840.1.113883.6.1"), result="http://loinc.org"),
        ),
        body=coding_system_uri,
        uses_facts=True,
    ),
    FunctionRecord(
        name="uri",
        doc="A URI; an OID becomes `urn:oid:`, a UUID `urn:uuid:`; other text yields nothing.",
        parameters=(Parameter(name="value", doc="the text"),),
        returns=("uri", "url", "canonical", "oid", "uuid"),
        examples=(
            Example(arguments=("2.16.840.1.113883.19",), result="urn:oid:2.16.840.1.113883.19"),
            Example(arguments=("http://a.test/b",), result="http://a.test/b"),
            Example(arguments=("bare text",), result=None),
        ),
        body=uri,
        uses_facts=True,
    ),
)
