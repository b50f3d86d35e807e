"""What one HTTP connection makes of the bytes of answers."""

import asyncio
import gzip

import pytest

from engine.destinations.http_connection import (
    HEAD_BYTES_MAX,
    READ_BYTES_MAX,
    Answer,
    AnswerBroken,
    HttpConnection,
)

HEAD = b"POST /fhir HTTP/1.1\r\n\r\n"


class Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.unsent = 0
        self.aborted = False

    def writelines(self, list_of_data: object) -> None:
        self.written += b"".join(list_of_data)  # type: ignore[call-overload]

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def abort(self) -> None:
        self.aborted = True


def connected() -> tuple[HttpConnection, Wire]:
    connection, wire = HttpConnection(), Wire()
    connection.connection_made(wire)
    return connection, wire


async def answered(connection: HttpConnection, *pieces: bytes) -> Answer:
    """The answer to an exchange whose bytes come in these pieces."""
    waiting = asyncio.create_task(connection.exchange(HEAD, b"{}"))
    await asyncio.sleep(0)
    for piece in pieces:
        connection.data_received(piece)
    return await waiting


OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi"


async def test_answer_is_read_however_its_bytes_are_cut() -> None:
    for cut in range(1, len(OK)):
        connection, wire = connected()
        answer = await answered(connection, OK[:cut], OK[cut:])
        assert (answer.status, answer.body, answer.complete) == (200, b"hi", True)
        assert answer.headers["content-type"] == "text/plain"
        assert connection.usable
        assert wire.written == HEAD + b"{}"


async def test_connection_serves_again_and_forgets_the_answer_before() -> None:
    connection, _ = connected()
    await answered(connection, OK)
    answer = await answered(connection, b"HTTP/1.1 204 No Content\r\n\r\n")
    assert (answer.status, answer.body, answer.headers) == (204, b"", {})


async def test_server_that_says_close_is_not_used_again() -> None:
    connection, _ = connected()
    await answered(connection, OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert not connection.usable


async def test_provisional_answers_are_passed_over() -> None:
    connection, _ = connected()
    answer = await answered(connection, b"HTTP/1.1 100 Continue\r\nX: 1\r\n\r\n", OK)
    assert answer.status == 200
    assert answer.raw_headers[0][0] == b"Content-Type"


async def test_chunks_are_joined() -> None:
    connection, _ = connected()
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = await answered(connection, head + b"1\r\nh\r\n", b"1\r\ni\r\n0\r\n\r\n")
    assert answer.body == b"hi"
    assert connection.usable


async def test_body_without_a_length_ends_with_the_connection() -> None:
    connection, _ = connected()
    waiting = asyncio.create_task(connection.exchange(HEAD, None))
    await asyncio.sleep(0)
    connection.data_received(b"HTTP/1.1 200 OK\r\n\r\nhi")
    assert not waiting.done()
    connection.connection_lost(None)
    assert (await waiting).body == b"hi"


@pytest.mark.parametrize(
    ("begun", "problem"),
    [
        (b"", ConnectionResetError),
        (b"HTTP/1.1 200 OK\r\nContent-Le", ConnectionResetError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", AnswerBroken),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", AnswerBroken),
    ],
)
async def test_connection_that_ends_early_is_told_apart_by_how_far_the_answer_came(
    begun: bytes, problem: type[Exception]
) -> None:
    connection, _ = connected()
    waiting = asyncio.create_task(connection.exchange(HEAD, b"{}"))
    await asyncio.sleep(0)
    connection.data_received(begun)
    connection.connection_lost(None)
    with pytest.raises(problem):
        await waiting
    assert not connection.usable


@pytest.mark.parametrize(
    "pieces",
    [
        [b"MSH|^~\\&|\r\r\n"],
        [b"HTTP/1.1 200 OK\r\nX: " + b"x" * HEAD_BYTES_MAX, b"x", b"x"],
        [b"HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", b"abc"],
        [b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope"],
    ],
)
async def test_what_is_no_answer_ends_the_connection(pieces: list[bytes]) -> None:
    connection, wire = connected()
    with pytest.raises(AnswerBroken):
        await answered(connection, *pieces)
    assert wire.aborted
    assert not connection.usable


async def test_compressed_body_is_bounded_by_what_it_unfolds_to() -> None:
    packed = gzip.compress(b" " * (READ_BYTES_MAX * 3))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    connection, wire = connected()
    answer = await answered(connection, head + packed)
    assert (len(answer.body), answer.complete) == (READ_BYTES_MAX, False)
    assert wire.aborted


@pytest.mark.parametrize("late", [OK, b"HTTP/1.1 408 Request Timeout\r\n\r\n"])
async def test_answer_nobody_asked_for_spoils_the_connection(late: bytes) -> None:
    together, _ = connected()
    await answered(together, OK + late)
    assert not together.usable
    apart, _ = connected()
    await answered(apart, OK)
    apart.data_received(late)
    assert not apart.usable


async def test_answer_before_all_was_sent_spoils_the_connection() -> None:
    connection, wire = connected()
    wire.unsent = 10
    answer = await answered(connection, OK)
    assert answer.status == 200
    assert not connection.usable


async def test_exchange_that_is_given_up_ends_the_connection() -> None:
    connection, wire = connected()
    waiting = asyncio.create_task(connection.exchange(HEAD, b"{}"))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert wire.aborted
    with pytest.raises(ConnectionResetError):
        await connection.exchange(HEAD, None)
