"""The simulated receiver takes messages as the MLLP destination sends them, and counts them."""

import asyncio

from engine.hl7v2.acknowledgment import read_acknowledgment
from engine.mllp import Frame, FrameDecoder, encode_frame
from engine.simulator.mllp_receiver import OTHER, TYPES_MAX, MllpReceiver


def message(control_id: str, kind: str) -> bytes:
    return f"MSH|^~\\&|REG|NORTH|OPEN|ENGINE|20260105||{kind}|{control_id}|P|2.5.1\r".encode()


async def ask(port: int, *payloads: bytes) -> list[bytes]:
    """The answers to messages sent at once over one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"".join(map(encode_frame, payloads)))
    decoder = FrameDecoder(frame_bytes_max=10_000)
    answers: list[bytes] = []
    async with asyncio.timeout(20):
        while len(answers) < len(payloads) and (data := await reader.read(65536)):
            answers += [one.payload for one in decoder.feed(data) if isinstance(one, Frame)]
    writer.close()
    return answers


async def test_every_message_is_accepted_under_its_control_id_and_counted() -> None:
    async with MllpReceiver() as receiver:
        sent = [message("1", "ADT^A40^ADT_A39"), message("2", "ADT^A02^ADT_A02")]
        answers = await ask(receiver.port, *sent, message("3", "ADT^A02^ADT_A02"))
        told = [read_acknowledgment(one) for one in answers]
        assert [(one.code, one.control_id) for one in told if one] == [
            ("AA", "1"), ("AA", "2"), ("AA", "3"),
        ]  # fmt: skip
        assert receiver.counts == {"ADT^A40": 1, "ADT^A02": 2}


async def test_what_is_no_frame_closes_its_connection_alone() -> None:
    async with MllpReceiver() as receiver:
        reader, writer = await asyncio.open_connection("127.0.0.1", receiver.port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        async with asyncio.timeout(20):
            assert await reader.read() == b""
        writer.close()
        assert len(await ask(receiver.port, message("1", "ADT^A03"))) == 1


async def test_types_that_are_made_up_do_not_fill_the_memory() -> None:
    async with MllpReceiver() as receiver:
        sent = [message(str(number), f"ADT^Z{number}") for number in range(TYPES_MAX + 5)]
        await ask(receiver.port, *sent)
        assert receiver.counts[OTHER] == 5
        assert len(receiver.counts) == TYPES_MAX + 1
