"""Documents into a running engine by every way in, and what a FHIR server or folder gets."""

import asyncio
import http.client
import io
import json
import subprocess
import sys
import threading
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from running_site import Sender, Site, free_port, msa, wait_for

from engine.simulator.fhir_server import FhirServer

pytestmark = pytest.mark.acceptance

CHANNEL = """\
channel: {name}
listener:
{listener}
transform:
  source_system: "urn:oid:2.16.840.1.113883.19.5"
  authorities: {{NVMRN: "urn:oid:2.16.840.1.113883.19.5.3"}}
{transform}
destinations:
{destinations}
"""
FILES = """\
  - file: {name: out, path: out, pattern: "NAME-{message_id}.json", content: bundle}
"""


def document(number: int, *, version: int = 1, replaces: int = 0, patient: str = "N100") -> bytes:
    """A discharge summary of Northvale with one problem."""
    related = (
        '<relatedDocument typeCode="RPLC"><parentDocument>'
        f'<id root="2.16.840.1.113883.19.5.1" extension="D{replaces}"/>'
        "</parentDocument></relatedDocument>"
    )
    return f"""\
<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<id root="2.16.840.1.113883.19.5.1" extension="D{number}"/>
<code code="18842-5" codeSystem="2.16.840.1.113883.6.1" displayName="Discharge summary"/>
<title>Discharge summary</title><effectiveTime value="20240131101500-0600"/>
<setId root="2.16.840.1.113883.19.5.2" extension="S1"/><versionNumber value="{version}"/>
<recordTarget><patientRole><id root="2.16.840.1.113883.19.5.3" extension="{patient}"/>
<patient><name><given>Elspeth</given><family>Fairbrother</family></name></patient>
</patientRole></recordTarget>
<author><time value="20240131"/><assignedAuthor><id root="2.16.840.1.113883.19.5.4"
 extension="1001"/><assignedPerson><name><family>Osei</family></name></assignedPerson>
</assignedAuthor></author>
<custodian><assignedCustodian><representedCustodianOrganization>
<id root="2.16.840.1.113883.19.5.5"/><name>Northvale</name>
</representedCustodianOrganization></assignedCustodian></custodian>
{related if replaces else ""}
<component><structuredBody><component><section>
<templateId root="2.16.840.1.113883.10.20.22.2.5.1"/>
<code code="11450-4" codeSystem="2.16.840.1.113883.6.1"/><title>Problems</title>
<text>Asthma</text><entry><act classCode="ACT" moodCode="EVN">
<templateId root="2.16.840.1.113883.10.20.22.4.3"/><id root="2.16.840.1.113883.19.5.9"
 extension="C{number}"/><code code="CONC" codeSystem="2.16.840.1.113883.5.6"/>
<statusCode code="active"/><effectiveTime><low value="2020"/></effectiveTime>
<entryRelationship typeCode="SUBJ"><observation classCode="OBS" moodCode="EVN">
<templateId root="2.16.840.1.113883.10.20.22.4.4"/><id root="2.16.840.1.113883.19.5.9"
 extension="P1"/><code code="55607006" codeSystem="2.16.840.1.113883.6.96"/>
<statusCode code="completed"/><effectiveTime><low value="2020"/></effectiveTime>
<value xsi:type="CD" code="195967001" codeSystem="2.16.840.1.113883.6.96"
 displayName="Asthma"/></observation></entryRelationship></act></entry>
</section></component></structuredBody></component></ClinicalDocument>""".encode()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path / "site")
    (site.home / "transforms").rmdir()  # so that the shipped maps are used
    yield site
    site.end()
    while Sender.opened:
        Sender.opened.pop().close()


def channel(
    site: Site, name: str, listener: str, *, transform: str = "", destinations: str = ""
) -> None:
    text = CHANNEL.format(
        name=name,
        listener=listener,
        transform=transform,
        destinations=destinations or FILES.replace("NAME", name),
    )
    (site.home / "channels" / f"{name}.yaml").write_text(text, encoding="utf-8")


def post(port: int, body: bytes, kind: str = "application/xml") -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", "/", body, {"Content-Type": kind})
    answer = connection.getresponse()
    found = answer.read()
    connection.close()
    return answer.status, json.loads(found) if found else None


def bundles(site: Site, name: str, count: int) -> list[dict[str, Any]]:
    """What the channel wrote, once there are so many."""
    folder = site.home / "out"

    def files() -> list[Path]:
        return sorted(folder.glob(f"{name}-*.json"), key=lambda file: int(file.stem.split("-")[1]))

    wait_for(lambda: len(files()) >= count)
    return [json.loads(file.read_bytes()) for file in files()]


def kinds(bundle: dict[str, Any]) -> list[str]:
    return [entry["resource"]["resourceType"] for entry in bundle["entry"]]


def archive(entries: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in entries.items():
            opened.writestr(name, data)
    return made.getvalue()


def engine(site: Site, *words: str) -> str:
    command = [sys.executable, "-m", "engine", *words, "--store", site.store_url]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


@pytest.fixture
def ehr() -> Iterator[tuple[FhirServer, str]]:
    """The simulated FHIR server on a port, and its base URL."""
    server = FhirServer()
    port = free_port()
    runner = web.AppRunner(server.application())
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()

    loop.run_until_complete(serve())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield server, f"http://127.0.0.1:{port}/fhir"
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.run_until_complete(runner.cleanup())
    loop.close()


def held(url: str, kind: str) -> list[dict[str, Any]]:
    """The resources of a type that the server has."""
    port = int(url.split(":")[2].split("/", maxsplit=1)[0])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", f"/fhir/{kind}?_count=1000")
    found = json.loads(connection.getresponse().read())
    connection.close()
    return [entry["resource"] for entry in found.get("entry", ())]


def statuses(url: str) -> dict[str, str]:
    """Document id to the status of its DocumentReference."""
    return {
        one["masterIdentifier"]["value"]: one["status"] for one in held(url, "DocumentReference")
    }


def fhir(url: str, extra: str = "") -> str:
    return f"  - fhir: {{name: ehr, url: '{url}', retry: {{initial_seconds: 0.1}}{extra}}}\n"


def test_a_new_version_supersedes_and_a_late_older_one_stays_superseded(
    site: Site, ehr: tuple[FhirServer, str]
) -> None:
    _, url = ehr
    port = free_port()
    channel(site, "ccd", f"  http: {{port: {port}}}", destinations=fhir(url))
    site.start()
    assert post(port, document(1))[0] == 200
    assert post(port, document(2, version=2, replaces=1))[0] == 200
    wait_for(lambda: statuses(url) == {"D1": "superseded", "D2": "current"})
    assert post(port, document(4, version=4, replaces=3))[0] == 200
    assert post(port, document(3, version=3, replaces=2))[0] == 200
    late = {"D1": "superseded", "D2": "superseded", "D3": "superseded", "D4": "current"}
    wait_for(lambda: statuses(url) == late)
    references = held(url, "DocumentReference")
    assert all("data" in one["content"][0]["attachment"] for one in references)
    assert len(held(url, "Patient")) == 1


def test_a_document_is_kept_whole_where_the_destination_says_so(
    site: Site, ehr: tuple[FhirServer, str]
) -> None:
    _, url = ehr
    port = free_port()
    whole = fhir(url, ", bundle: document")
    channel(site, "ccd", f"  http: {{port: {port}}}", destinations=whole)
    site.start()
    assert post(port, document(1))[0] == 200
    wait_for(lambda: held(url, "Bundle"))
    found = held(url, "Bundle")[0]
    assert (found["type"], found["identifier"]["value"]) == ("document", "D1")
    assert kinds(found)[0] == "Composition"
    assert held(url, "Patient") == []


def test_a_document_inside_a_message_is_converted_with_it(
    site: Site, ehr: tuple[FhirServer, str]
) -> None:
    _, url = ehr
    port = free_port()
    convert = "  embedded_documents: convert\n  outcome: true"
    listener = f"  mllp: {{port: {port}}}"
    channel(site, "mdm", listener, transform=convert, destinations=fhir(url))
    site.start()
    data = b64encode(document(7)).decode()
    text = (
        "MSH|^~\\&|DOC|NORTHVALE|E|H|20260105083000-0600||MDM^T02^MDM_T02|M1|P|2.5.1\r"
        "EVN|T02|20260105083000-0600\rPID|1||N100^^^NVMRN^MR||Fairbrother^Elspeth\rPV1|1|I\r"
        "TXA|1|DS|TX|20260105083000-0600||||||||T1||||||AU\r"
        f"OBX|1|ED|18842-5^Summary^LN||^text^xml^Base64^{data}||||||F\r"
    )
    assert Sender(port).ask(text.encode()) == ("AA", "M1")
    wait_for(lambda: held(url, "Composition"))
    patient = held(url, "Patient")
    assert len(patient) == 1
    conditions = held(url, "Condition")
    assert conditions[0]["subject"]["reference"] == f"Patient/{patient[0]['id']}"
    told = [one["contained"] for one in held(url, "Provenance") if "contained" in one]
    assert told[0][0]["resourceType"] == "OperationOutcome"
    assert "M1" in engine(site, "log", "search", "document:D7")


def test_documents_over_http_are_answered_stored_found_and_delivered(site: Site) -> None:
    port = free_port()
    channel(site, "ccd", f"  http: {{port: {port}}}")
    site.start()
    status, answer = post(port, document(1))
    assert (status, answer) == (
        200,
        {"status": "accepted", "document": "2.16.840.1.113883.19.5.1^D1"},
    )
    assert post(port, document(1)) == (200, answer)  # again: the same answer, nothing new
    form = (
        b'--X\r\nContent-Disposition: form-data; name="a"; filename="a.xml"\r\n\r\n'
        + document(2)
        + b'\r\n--X\r\nContent-Disposition: form-data; name="b"; filename="b.xml"\r\n\r\n'
        + document(3)
        + b"\r\n--X--\r\n"
    )
    status, answer = post(port, form, "multipart/form-data; boundary=X")
    assert status == 200
    assert [one["document"][-2:] for one in answer["documents"]] == ["D2", "D3"]
    packed = archive({"IHE_XDM/SUBSET01/METADATA.XML": b"<x/>", "IHE_XDM/A.XML": document(4)})
    assert post(port, packed, "application/zip")[0] == 200
    status, answer = post(port, b"<!DOCTYPE a><ClinicalDocument/>")
    assert status == 400
    assert [problem["code"] for problem in answer["problems"]] == ["D303"]
    made = bundles(site, "ccd", 4)
    assert len(made) == 4
    assert all({"Composition", "Patient", "Condition"} <= set(kinds(one)) for one in made)
    lines = [
        json.loads(line)
        for line in engine(site, "log", "search", "document:D1", "--format", "ndjson").splitlines()
    ]
    assert {line["message_type"] for line in lines} == {"CDA^18842-5"}
    shown = engine(site, "log", "show", str(lines[0]["message_id"]))
    assert "2.16.840.1.113883.19.5.1^D1" in shown
    assert len(engine(site, "log", "search", "set:S1").splitlines()) == 4
    logged = site.log.read_text(encoding="utf-8")
    assert not [word for word in ("N100", "Fairbrother", "Osei", "19.5.1") if word in logged]


def test_archives_and_documents_in_a_folder_are_taken_and_a_bad_entry_costs_no_other(
    site: Site,
) -> None:
    folder = site.home / "in"
    folder.mkdir()
    listener = (
        f'  directory: {{path: {folder}, pattern: "*.xml, *.zip", poll_seconds: 0.1,'
        " settle_seconds: 0}"
    )
    channel(site, "drop", listener)
    site.start()
    (folder / "one.xml").write_bytes(document(1))
    good = archive({"a.xml": document(2), "b.xml": document(3)})
    (folder / "good.zip").write_bytes(good)
    mixed = archive({"a.xml": document(4), "b.pdf": b"%PDF", "c.xml": document(5)})
    (folder / "mixed.zip").write_bytes(mixed)
    assert len(bundles(site, "drop", 5)) == 5
    wait_for(lambda: (folder / "failed" / "mixed.zip.ack").exists())
    answer = json.loads((folder / "failed" / "mixed.zip.ack").read_bytes())
    assert [one["status"] for one in answer["documents"]] == ["accepted", "error", "accepted"]
    wait_for(lambda: (folder / "done" / "good.zip").exists())
    found = engine(site, "log", "search", "code:D364", "--format", "ndjson").splitlines()
    assert [json.loads(line)["verdict"] for line in found] == ["fault"]


def test_a_document_alone_is_refused_on_an_mllp_port(site: Site) -> None:
    port = free_port()
    channel(site, "hl7", f"  mllp: {{port: {port}}}")
    site.start()
    sender = Sender(port)
    sender.send(document(1))
    answer = sender.receive()
    assert answer is not None
    assert msa(answer)[0] == "AE"
