"""Pure. Names of coding systems and assigning authorities to URIs, never a false one.

A `system` of FHIR is a URI. HL7 v2 sends short names, OIDs, UUIDs, DNS names or nothing. What is
known here, or named in the channel's `authorities`, becomes a URI; what is not known becomes no
system at all. Names: HL7 tables 0363 and 0396, https://terminology.hl7.org/external_terminologies.html.
"""

import re
from functools import lru_cache

from engine.fhir.definitions import v2_system
from engine.mapping.codes import UNKNOWN_AUTHORITY
from engine.mapping.functions.record import Example, Facts, FunctionRecord, Kind, Parameter

_ICD10_CM = "http://hl7.org/fhir/sid/icd-10-cm"
_ICD9_CM = "http://hl7.org/fhir/sid/icd-9-cm"
_SNOMED = "http://snomed.info/sct"
_NCIT = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"
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
    "I9CP": _ICD9_CM,
    "MDC": "urn:iso:std:iso:11073:10101",
    "DCM": "http://dicom.nema.org/resources/ontology/DCM",
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
    "ISO6391": "urn:ietf:bcp:47",
    "ISO639-1": "urn:ietf:bcp:47",
    "ISO6392": "urn:oid:2.16.840.1.113883.6.100",
    "ISO639-2": "urn:oid:2.16.840.1.113883.6.100",
    "BCP47": "urn:ietf:bcp:47",
    "CDCREC": "urn:oid:2.16.840.1.113883.6.238",
    "NUCC": "http://nucc.org/provider-taxonomy",
    "NPI": "http://hl7.org/fhir/sid/us-npi",
    "NIP001": "urn:oid:2.16.840.1.114222.4.5.259",
    "CDCPHINVS": "urn:oid:2.16.840.1.114222.4.5.274",
    "PHINVS": "urn:oid:2.16.840.1.114222.4.5.274",
    "NCIT": _NCIT,
    "NCI": _NCIT,
}
"""Names of table 0396 and the spellings seen in practice, in capitals."""

_V3 = {
    1: "AdministrativeGender", 2: "MaritalStatus", 4: "ActCode", 6: "ActClass", 7: "ActPriority",
    8: "ActReason", 14: "ActStatus", 25: "Confidentiality", 45: "EntityNameUse",
    60: "LanguageAbilityMode", 61: "LanguageAbilityProficiency", 83: "ObservationInterpretation",
    84: "ObservationMethod", 88: "ParticipationFunction", 90: "ParticipationType",
    110: "RoleClass", 111: "RoleCode", 112: "RouteOfAdministration", 139: "TimingEvent",
    1008: "NullFlavor", 1063: "ObservationValue", 1076: "ReligiousAffiliation", 1119: "AddressUse",
}  # fmt: skip
"""The last arc of the OIDs of HL7's code systems of version 3, below 2.16.840.1.113883.5."""

OIDS: dict[str, str] = {
    **{
        f"2.16.840.1.113883.5.{arc}": f"http://terminology.hl7.org/CodeSystem/v3-{name}"
        for arc, name in _V3.items()
    },
    "2.16.840.1.113883.6.4": "http://www.cms.gov/Medicare/Coding/ICD10",
    "2.16.840.1.113883.6.104": _ICD9_CM,
    "2.16.840.1.113883.6.13": "http://www.ada.org/cdt",
    "2.16.840.1.113883.4.9": "http://fdasis.nlm.nih.gov",
    "2.16.840.1.113883.6.209": "http://hl7.org/fhir/ndfrt",
    "2.16.840.1.113883.3.221.5": "https://nahdo.org/sopt",
    "2.16.840.1.113883.12.112": "http://terminology.hl7.org/CodeSystem/v2-0112",
    "2.16.840.1.113883.6.1": "http://loinc.org",
    "2.16.840.1.113883.6.96": _SNOMED,
    "2.16.840.1.113883.6.3": "http://hl7.org/fhir/sid/icd-10",
    "2.16.840.1.113883.6.90": _ICD10_CM,
    "2.16.840.1.113883.6.103": _ICD9_CM,
    "2.16.840.1.113883.12.292": "http://hl7.org/fhir/sid/cvx",
    "2.16.840.1.113883.12.227": "http://hl7.org/fhir/sid/mvx",
    "2.16.840.1.113883.3.26.1.1": _NCIT,
    "2.16.840.1.113883.6.8": "http://unitsofmeasure.org",
    "2.16.840.1.113883.6.101": "http://nucc.org/provider-taxonomy",
    "2.16.840.1.113883.6.88": _RXNORM,
    "2.16.840.1.113883.6.12": "http://www.ama-assn.org/go/cpt",
    "2.16.840.1.113883.6.69": "http://hl7.org/fhir/sid/ndc",
    "2.16.840.1.113883.4.1": "http://hl7.org/fhir/sid/us-ssn",
    "2.16.840.1.113883.4.6": "http://hl7.org/fhir/sid/us-npi",
    "2.16.840.1.113883.4.572": "http://hl7.org/fhir/sid/us-medicare",
}
"""OIDs for which FHIR has a URI of its own (https://hl7.org/fhir/R4/identifier-registry.html)."""

AUTHORITIES: dict[str, str] = {
    "NPI": "http://hl7.org/fhir/sid/us-npi",
    "USSSA": "http://hl7.org/fhir/sid/us-ssn",
}
"""Names of table 0363 that have a URI. A name of a coding system is none here: a hospital that
calls itself `HCS` numbers no procedures of Medicare."""

_OID = re.compile(
    r"(urn:oid:)?((?:[01]\.[1-3]?[0-9]|2\.(?:0|[1-9][0-9]{0,38}))(?:\.(?:0|[1-9][0-9]{0,38})){1,})"
)
BARE_OID_ARCS = 5
"""Arcs of an OID that nobody calls one: fewer may be a version or an address (`10.1.2.3`)."""
_UUID = re.compile(
    r"(?:urn:uuid:)?([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})"
)
_URI = re.compile(
    r"(?:https?://[A-Za-z0-9]|urn:(?!oid:|uuid:)[A-Za-z0-9][A-Za-z0-9-]{0,30}[A-Za-z0-9]:)[!#-;=?-\[\]_a-z~]+"
)
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,30}://[!#-;=?-\[\]_a-z~]+")
"""A URI of any scheme, such as `ftp://host/path` or `mllp://host:2575`."""
_V2_TABLE = re.compile(r"HL7-?([0-9]{1,4})")


@lru_cache(maxsize=4096)
def identifier_uri(text: str, kind: str = "") -> str | None:
    """The URI of an OID, UUID or URI; None for anything else.

    Args:
        text: what was sent; a DNS name or a number of a register (CLIA, HCD) is no URI.
        kind: `ISO` when the sender calls it an OID (HD.3); without that a short one is not
            taken for one.
    """
    match = _OID.fullmatch(text)
    if match is not None:
        prefix, oid = match.groups()
        if prefix is None and kind != "ISO" and oid.count(".") + 1 < BARE_OID_ARCS:
            return None
        return OIDS.get(oid) or f"urn:oid:{oid}"
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
    return _table_uri(name) or identifier_uri(name)


def _table_uri(name: str) -> str | None:
    match = _V2_TABLE.fullmatch(name)
    return v2_system(match.group(1)) if match is not None else None


def authority_uri(parts: list[str], authorities: dict[str, str]) -> str | None:
    """The URI of an HD: the channel's registry, then an OID, UUID, URI or known name, else None.

    Args:
        parts: namespace, universal id and its type.
        authorities: the channel's registry.
    """
    namespace = parts[0] if parts else ""
    universal = parts[1] if len(parts) > 1 else ""
    if universal:
        kind = parts[2].upper() if len(parts) > 2 else ""
        found = authorities.get(universal) or identifier_uri(universal, kind)
        if found is not None:
            return found
    if not namespace:
        return None
    return authorities.get(namespace) or _known_authority(namespace)


@lru_cache(maxsize=4096)
def _known_authority(name: str) -> str | None:
    return AUTHORITIES.get(name) or _table_uri(name) or identifier_uri(name)


def authority_system(parts: list[str], facts: Facts) -> str | None:
    """The same; a namespace that has no URI is reported once."""
    found = authority_uri(parts, facts.authorities)
    if found is None and parts and parts[0]:
        facts.fault_once(UNKNOWN_AUTHORITY, parts[0])
    return found


def system(
    facts: Facts, value: list[str] | None, universal_id: str | None, kind: str | None
) -> str | None:
    """The URI of an assigning authority (HD), whole or in parts."""
    parts = [*(value or [""]), *([universal_id or "", kind or ""] if universal_id else [])]
    return authority_system(parts, facts)


def coding_system_uri(facts: Facts, name: str | None, oid: str | None) -> str | None:
    """The URI of a coding system by name, else by OID."""
    found = coding_system(name, facts.authorities) if name else None
    return found or (identifier_uri(oid, "ISO") if oid else None)


def uri(facts: Facts, value: str, kind: str | None) -> str | None:
    """A URI: an OID or UUID gets its `urn:`; what is none yields nothing."""
    text, kind = value.strip(), (kind or "").upper()
    found = facts.authorities.get(value) or identifier_uri(text, kind)
    return found or (text if kind == "URI" and _ADDRESS.fullmatch(text) else None)


RECORDS = (
    FunctionRecord(
        name="system",
        doc=(
            "The URI of an assigning authority (HD): the channel's `authorities`, an OID, UUID or "
            "URI, known names (NPI, HL70363). Nothing for others, DNS names among them."
        ),
        parameters=(
            Parameter(name="value", doc="HD, or HD.1, or a name", kind=Kind.COMPOSITE),
            Parameter(name="universal_id", doc="HD.2", required=False),
            Parameter(name="type", doc="HD.3", required=False),
        ),
        returns=("uri", "url", "canonical"),
        accepts=("HD", "ID", "IS", "ST", "EI"),
        examples=(
            Example(arguments=(["NPI"], None, None), result="http://hl7.org/fhir/sid/us-npi"),
            Example(
                arguments=(["HL70001"], None, None),
                result="http://terminology.hl7.org/CodeSystem/v2-0001",
            ),
            Example(arguments=(["HCS"], None, None), result=None, fault="T568"),
            Example(arguments=(["", "lab.north.test", "DNS"], None, None), result=None),
            Example(arguments=(["", "1.2.36.1", "ISO"], None, None), result="urn:oid:1.2.36.1"),
            Example(arguments=(["NORTH"], "1.2.36.1", "ISO"), result="urn:oid:1.2.36.1"),
            Example(arguments=(["10.1.2.3"], None, None), result=None, fault="T568"),
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
        parameters=(
            Parameter(name="value", doc="the text"),
            Parameter(
                name="type",
                doc="HD.3: ISO when a short number is an OID, URI for schemes other than http",
                required=False,
            ),
        ),
        returns=("uri", "url", "canonical", "oid", "uuid"),
        examples=(
            Example(
                arguments=("2.16.840.1.113883.19", None), result="urn:oid:2.16.840.1.113883.19"
            ),
            Example(arguments=("1.2.36", "ISO"), result="urn:oid:1.2.36"),
            Example(arguments=("10.1.2.3", None), result=None),
            Example(arguments=("http://a.test/b", None), result="http://a.test/b"),
            Example(arguments=("mllp://a.test:2575", "URI"), result="mllp://a.test:2575"),
            Example(arguments=("mllp://a.test:2575", None), result=None),
            Example(arguments=("bare text", None), result=None),
        ),
        body=uri,
        uses_facts=True,
    ),
)
