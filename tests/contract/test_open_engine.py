"""What has no API goes by MLLP into Open Engine: the destinations of the example, on sockets."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from engine.channel.message_kinds import condition_holds
from engine.channel.model import ChannelConfig, MllpDestinationConfig
from engine.destinations.interface import Outgoing
from engine.destinations.mllp import MllpDestination
from engine.mllp import Frame, FrameDecoder, encode_frame
from engine.pipeline.states import FailureClass
from engine.runtime.configuration import check_project, read_project

EXAMPLE = Path(__file__).parents[2] / "examples" / "millennium"
VARIABLES = {"MILLENNIUM_SECRET": "x", "PATH": "/bin"}
WITHOUT_API = {
    "registration": ["A02", "A03", "A06", "A07", "A11", "A12", "A13", "A17", "A34", "A40", "A47"],
    "scheduling": ["S13", "S17", "S23", "S24", "S26"],
}
WITH_API = {
    "registration": ["A01", "A04", "A08", "A28", "A31"],
    "scheduling": ["S12", "S14", "S15"],
}
TYPES = {"registration": "ADT", "scheduling": "SIU"}
ANSWERS = {
    "AA": (None, "ack-AA"),
    "AE": (FailureClass.PERMANENT, "ack-AE"),
    "AR": (FailureClass.TRANSIENT, "ack-AR"),
}


def channels() -> dict[str, ChannelConfig]:
    loaded, problems = check_project(read_project(EXAMPLE, "demo"), VARIABLES)
    assert loaded is not None, problems
    return {one.name: one for one in loaded.configuration.channels}


def open_engine(channel: str) -> MllpDestinationConfig:
    (found,) = [
        one for one in channels()[channel].destinations if isinstance(one, MllpDestinationConfig)
    ]
    assert found.name == "open-engine"
    return found


def merge(kind: str) -> bytes:
    lines = (
        f"MSH|^~\\&|REG|NORTH|OEN|CERNER|20260105083000-0600||{kind}|C1|P|2.5.1",
        "EVN|A40|20260105083000-0600",
        "PID|1||4711^^^NORTH^MR||Okafor^Adaeze",
        "MRG|4712^^^NORTH^MR",
    )
    return "\r".join(lines).encode() + b"\r"


class Receiver:
    """Open Engine as far as a sender sees it: says what it is told to say."""

    def __init__(self) -> None:
        self.code = "AA"
        self.received: list[bytes] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        decoder = FrameDecoder(frame_bytes_max=100_000)
        while data := await reader.read(65536):
            for found in decoder.feed(data):
                assert isinstance(found, Frame)
                self.received.append(found.payload)
                answer = (
                    f"MSH|^~\\&|OEN|CERNER|REG|NORTH|20260105||ACK|9|P|2.5.1\rMSA|{self.code}|C1\r"
                )
                writer.write(encode_frame(answer.encode()))
                await writer.drain()
        writer.close()


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    found = Receiver()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    yield found
    server.close()


@pytest.mark.parametrize("channel", WITHOUT_API)
def test_every_message_of_a_gap_goes_to_open_engine(channel: str):
    sent = open_engine(channel)
    kind = TYPES[channel]
    assert all(condition_holds(sent.when, (kind, event)) for event in WITHOUT_API[channel])
    assert not any(condition_holds(sent.when, (kind, event)) for event in WITH_API[channel])


@pytest.mark.parametrize("channel", WITHOUT_API)
@pytest.mark.parametrize("code", ANSWERS)
async def test_its_answers_mean_what_they_say(receiver: Receiver, channel: str, code: str):
    receiver.code = code
    config = replace(open_engine(channel), host="127.0.0.1", port=receiver.port)
    destination = MllpDestination(config)
    body = merge("ADT^A40^ADT_A39")
    outgoing = Outgoing(
        delivery_id=1,
        message_id=1,
        channel=channel,
        content_type="x-application/hl7-v2+er7",
        body=body,
    )
    result = await destination.send(outgoing)
    await destination.close()
    found = result.classification
    assert (found.failure_class, found.code) == ANSWERS[code]
    assert receiver.received == [body]
    assert f"MSA|{code}|C1".encode() in result.response
