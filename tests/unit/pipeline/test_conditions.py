"""`when` of destinations: each message goes where it holds; documents are known by their header."""

from pathlib import Path

import pytest
from shipped import shipped_library, shipped_program

from engine.channel.lint import read_channel
from engine.mapping.compiler.documents import compile_documents
from engine.pipeline.plan import ChannelPlan, plan
from engine.pipeline.process import process
from engine.pipeline.states import State

DOCUMENT = Path(__file__).parents[3] / "samples" / "cda" / "ccd-rich.xml"
CHANNEL = """
channel: adt
listener: {mllp: {port: 2575}}
transform: {source_system: "urn:oid:1.2.3"}
destinations:
  - fhir: {name: records, url: "http://127.0.0.1/fhir", when: 'MSH-9.1 in ("ADT", "CDA")'}
  - fhir: {name: other, url: "http://127.0.0.1/fhir", when: 'MSH-9.2 = "34133-9"'}
  - mllp: {name: oen, host: oen.example.org, port: 4100, when: 'MSH-9.2 = "A40"'}
"""
MESSAGE = (
    r"MSH|^~\&|REG|NORTH|ENGINE|HUB|20260105083000||{kind}|T1|P|2.5.1" + "\r"
    "EVN|A01|20260105083000\rPID|1||4711^^^NORTH^MR||Okafor^Adaeze\r{rest}"
)


@pytest.fixture(scope="module")
def prepared() -> ChannelPlan:
    config, problems = read_channel(CHANNEL, "channels/adt.yaml", {})
    assert config is not None, problems
    documents = compile_documents(shipped_library("cda"))
    return plan(config, shipped_program(), documents=lambda *_: documents)


def taken(prepared: ChannelPlan, raw: bytes) -> tuple[State, list[str]]:
    result = process(raw, prepared, received_at=0.0)
    return result.state, [one.destination for one in result.outputs]


def message(kind: str, rest: str = "PV1|1|I\r") -> bytes:
    return MESSAGE.format(kind=kind, rest=rest).encode()


def test_a_message_goes_where_the_condition_holds(prepared: ChannelPlan):
    assert taken(prepared, message("ADT^A01^ADT_A01")) == (State.TRANSFORMED, ["records"])
    merge = message("ADT^A40^ADT_A39", "MRG|4712^^^NORTH^MR\r")
    assert taken(prepared, merge) == (State.TRANSFORMED, ["records", "oen"])


def test_a_message_that_nobody_takes_is_left_out_and_says_so(prepared: ChannelPlan):
    result = process(message("ORU^R01^ORU_R01", "OBR|1\r"), prepared, received_at=0.0)
    assert result.state is State.FILTERED
    assert [one.code for one in result.diagnostics] == ["S733"]


def test_a_document_is_known_by_its_header(prepared: ChannelPlan):
    assert taken(prepared, DOCUMENT.read_bytes()) == (State.TRANSFORMED, ["records", "other"])
