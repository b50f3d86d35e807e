"""A system in the output is a URI that somebody vouches for, never a name made to look like one.

Vouched for: the channel's registry, the systems of FHIR and HL7, and an OID, UUID or URI that the
sender wrote out.
"""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shipped import shipped_program

from engine.hl7v2.groups import group
from engine.hl7v2.parser import parse
from engine.mapping.compiler.compiler import Program
from engine.mapping.functions.systems import identifier_uri
from engine.mapping.run import MapContext

REGISTRY = {
    "NVMRN": "https://ids.northvale.test/mrn",
    "2.16.840.1.113883.19.4.10": "https://ids.northvale.test/old-mrn",
}
CONTEXT = MapContext(source_system="urn:test", authorities=REGISTRY)
ABSOLUTE = re.compile(r"(?:https?://[^\s/]+|urn:[a-z0-9][a-z0-9-]{0,31}:)\S*", re.IGNORECASE)
PUBLIC = (
    "http://hl7.org/fhir/",
    "http://terminology.hl7.org/CodeSystem/",
    "http://loinc.org",
    "http://snomed.info/sct",
    "http://unitsofmeasure.org",
    "http://www.ama-assn.org/go/cpt",
    "http://www.cms.gov/",
    "http://www.nlm.nih.gov/",
    "http://www.whocc.no/atc",
    "http://fdasis.nlm.nih.gov",
    "http://dicom.nema.org/",
    "http://nucc.org/",
    "urn:ietf:",
    "urn:iso:",
    "urn:oid:2.16.840.1.113883.6.",
    "urn:oid:2.16.840.1.114222.",
)

NAMES = st.one_of(
    st.sampled_from(
        ["NVMRN", "L", "99LAB", "HCS", "NPI", "HL70203", "HL79999", "LN", "unknown", "EPIC",
         "2.5.1", "10.1.2.3", "http://", "urn:", "urn:oid:", "example.com", "1.2", "HL7", "a b",
         "2.16.840.1.113883.19.4.10", "http://x.test/a", "urn:uuid:x", "ISO", "//host", "C4"]
    ),
    st.text(alphabet="ABCZ019.:/-_ urnhtpoid", max_size=16),
)  # fmt: skip
UNIVERSAL = st.one_of(
    st.sampled_from(
        ["", "2.16.840.1.113883.19.4.10", "1.2.36.1", "3.1.2", "1.40.1", "01.2.3", "lab.north.test",
         "6b8f3a52-9e1d-4c5a-8f7e-2d3c4b5a6978", "6b8f3a52", "https://ids.test/x", "24D1234567",
         "ftp://x", "mailto:a", "javascript:x"]
    ),
    NAMES,
)  # fmt: skip
KINDS = st.sampled_from(["", "ISO", "UUID", "DNS", "URI", "CLIA", "L", "Random", "iso", "X"])
HD = st.tuples(NAMES | st.just(""), UNIVERSAL, KINDS)


@pytest.fixture(scope="module")
def program() -> Program:
    return shipped_program()


def systems_of(value: Any) -> list[str]:
    """Every `system` of a resource, at any depth."""
    if isinstance(value, list):
        return [found for item in value for found in systems_of(item)]
    if not isinstance(value, dict):
        return []
    own = [value["system"]] if "system" in value and ("value" in value or "code" in value) else []
    own = [] if own and own[0] in ("phone", "email", "fax", "pager", "url", "sms", "other") else own
    return own + [found for item in value.values() for found in systems_of(item)]


@settings(max_examples=150, deadline=None)
@given(authority=HD, other=HD, coding=NAMES, oid=UNIVERSAL)
def test_every_system_is_an_absolute_uri_that_somebody_vouches_for(
    program: Program,
    authority: tuple[str, str, str],
    other: tuple[str, str, str],
    coding: str,
    oid: str,
) -> None:
    hd, sent = "&".join(authority), {*authority, *other, coding, oid}
    cwe = f"C1^One^{coding}^C2^Two^{other[0]}^v1^v2^text^C3^Three^{coding}^v3^{oid}"
    lines = [
        f"MSH|^~\\&|PAS|{'^'.join(other)}|||20240311||ADT^A01^ADT_A01|1|P|2.8",
        f"PID|1||1^^^{hd}^MR~2^^^{'&'.join(other)}^PI||Doe^Jane||||||||||{cwe}",
        f"PD1|||Practice^^1^^^{hd}^XX|D1^Doe^Jim^^^^^^{hd}",
        f"NK1|1|Doe^Jo|{cwe}",
        f"PV1|1|I|W^R^B^{hd}||||D2^Roe^Jo^^^^^^{hd}||||||||||||V1^^^{hd}",
        f"AL1|1|DA|{cwe}|SV|Rash",
        f"DG1|1||{cwe}|||||||||||||||||E1^{'^'.join(other)}",
        f"IN1|1|{cwe}|P1^^^{hd}|Payer|||||||||||||||||||||||||||||||||||||||||||||M1^^^{hd}",
    ]
    message = parse("".join(f"{line}\r" for line in lines).encode()).message
    assert message is not None
    written = {identifier_uri(text.strip()) for text in sent} | {identifier_uri(oid.strip(), "ISO")}
    for _, universal, kind in (authority, other):
        written.add(identifier_uri(universal.strip(), kind.upper()))
    for entry in program.convert(group(message), CONTEXT).entries:
        for system in systems_of(entry.resource):
            assert ABSOLUTE.fullmatch(system), system
            assert system in written or system in REGISTRY.values() or system.startswith(PUBLIC), (
                system
            )
            if system.startswith("urn:oid:"):
                assert re.fullmatch(r"urn:oid:[0-2](?:\.(?:0|[1-9]\d*))+", system)


@given(text=st.text(max_size=40) | NAMES | UNIVERSAL, kind=KINDS)
def test_text_is_a_uri_only_as_an_OID_a_UUID_or_with_a_scheme(text: str, kind: str) -> None:
    found = identifier_uri(text, kind)
    if found is not None:
        assert ABSOLUTE.fullmatch(found)
        assert text.removeprefix("urn:oid:").removeprefix("urn:uuid:").lower() in found.lower() or (
            found.startswith("http://")
        )
