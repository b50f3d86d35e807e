"""Versions of a document, messages that hold one, and the plan of a channel that takes them."""

from base64 import b64encode
from functools import cache
from pathlib import Path
from typing import Any

from engine.channel.model import (
    ChannelConfig,
    DestinationConfig,
    DirectoryListenerConfig,
    FhirDestinationConfig,
    TransformConfig,
)
from engine.mapping.compiler.compiler import compile_library
from engine.mapping.compiler.documents import compile_documents
from engine.mapping.library import read_library
from engine.pipeline.plan import ChannelPlan, plan

ROOT = Path(__file__).parents[2]
OID = "2.16.840.1.113883.19.5"
SYSTEM = f"urn:oid:{OID}"
EHR = FhirDestinationConfig(name="ehr", url="http://h/fhir")


def document(number: int, *, set_id: str = "S1", replaces: int = 0, patient: str = "N100") -> bytes:
    """Version `number` of a summary with one problem, which all versions have under one id.

    The problem's code tells the version. Without `set_id` nothing but `replaces` orders them.
    """
    version = (
        f'<setId root="{OID}.2" extension="{set_id}"/><versionNumber value="{number}"/>'
        if set_id
        else ""
    )
    related = (
        f'<relatedDocument typeCode="RPLC"><parentDocument><id root="{OID}.1"'
        f' extension="D{replaces}"/></parentDocument></relatedDocument>'
    )
    return f"""\
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<id root="{OID}.1" extension="D{number}"/>
<code code="18842-5" codeSystem="2.16.840.1.113883.6.1"/><title>Summary</title>
<effectiveTime value="2024013110150{number}-0600"/>{version}
<recordTarget><patientRole><id root="{OID}.3" extension="{patient}"/>
<patient><name><family>Fairbrother</family></name><birthTime value="19580617"/></patient>
</patientRole></recordTarget>
<author><time value="20240131"/><assignedAuthor><id root="{OID}.4" extension="1001"/>
<assignedPerson><name><family>Osei</family></name></assignedPerson></assignedAuthor></author>
<custodian><assignedCustodian><representedCustodianOrganization><id root="{OID}.5"/>
<name>Northvale</name></representedCustodianOrganization></assignedCustodian></custodian>
{related if replaces else ""}
<component><structuredBody><component><section>
<templateId root="2.16.840.1.113883.10.20.22.2.5.1"/>
<code code="11450-4" codeSystem="2.16.840.1.113883.6.1"/><title>Problems</title><text>x</text>
<entry><act classCode="ACT" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.3"/>
<id root="{OID}.9" extension="C1"/><code code="CONC" codeSystem="2.16.840.1.113883.5.6"/>
<statusCode code="active"/><effectiveTime><low value="2020"/></effectiveTime>
<entryRelationship typeCode="SUBJ"><observation classCode="OBS" moodCode="EVN">
<templateId root="2.16.840.1.113883.10.20.22.4.4"/><id root="{OID}.9" extension="P1"/>
<code code="55607006" codeSystem="2.16.840.1.113883.6.96"/><statusCode code="completed"/>
<effectiveTime><low value="2020"/></effectiveTime>
<value xsi:type="CD" code="19596700{number}" codeSystem="2.16.840.1.113883.6.96"/>
</observation></entryRelationship></act></entry>
</section></component></structuredBody></component></ClinicalDocument>""".encode()


def message(inside: bytes, number: int = 1) -> bytes:
    """An MDM about the same patient with a document inside."""
    packed = b64encode(inside).decode()
    lines = (
        f"MSH|^~\\&|DOC|NORTHVALE|E|H|20260105083000-0600||MDM^T02^MDM_T02|M{number}|P|2.5.1",
        "EVN|T02|20260105083000-0600",
        "PID|1||N100^^^NVMRN^MR||Fairbrother^Elspeth||19580617|F",
        "PV1|1|I",
        f"TXA|1|DS|TX|20260105083000-0600||||||||T{number}||||||AU",
        f"OBX|1|ED|18842-5^Summary^LN||^text^xml^Base64^{packed}|",
    )
    return "\r".join((*lines, "")).encode()


@cache
def _programs() -> tuple[Any, Any]:
    files = {
        str(file.relative_to(ROOT)): file.read_text(encoding="utf-8")
        for file in (ROOT / "transforms").rglob("*")
        if file.is_file()
    }
    of_documents = {name: text for name, text in files.items() if "/cda/" in name}
    of_messages = {name: text for name, text in files.items() if "/cda/" not in name}
    messages = compile_library(read_library(of_messages)[0])
    return messages, compile_documents(read_library(of_documents)[0])


def channel_config(*destinations: DestinationConfig, **options: Any) -> ChannelConfig:
    """A channel that takes documents and messages with documents."""
    transform = TransformConfig(
        source_system=SYSTEM, authorities=(("NVMRN", f"urn:oid:{OID}.3"),), **options
    )
    return ChannelConfig(
        name="documents",
        listener=DirectoryListenerConfig(path="in"),
        transform=transform,
        destinations=destinations or (EHR,),
    )


def channel_plan(*destinations: DestinationConfig, **options: Any) -> ChannelPlan:
    """Its plan, with the shipped maps."""
    messages, documents = _programs()
    return plan(channel_config(*destinations, **options), messages, documents=lambda _: documents)
