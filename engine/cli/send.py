"""Rim. `engine send FILE mllp://host:port`: send messages over MLLP and check the
acknowledgments.
"""

import socket
import ssl
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from engine.cli.terminal import Exit, data, fail, note


def send(
    file: Annotated[Path, typer.Argument(help="A file with one message or a batch.")],
    url: Annotated[str, typer.Argument(help="mllp://host:port, or mllps:// for TLS.")],
    expect: Annotated[str, typer.Option(help="Acknowledgment code every answer must have.")] = "",
    repeat: Annotated[int, typer.Option(help="Send everything this many times.", min=1)] = 1,
    timeout_seconds: Annotated[float, typer.Option(help="Longest wait for one answer.")] = 30.0,
    ca: Annotated[Path | None, typer.Option(help="PEM file to verify the server with.")] = None,
) -> None:
    """Send a file's messages over one MLLP connection; print each acknowledgment code."""
    from engine.hl7v2.batch import split

    if not file.is_file():
        fail(Exit.ENVIRONMENT, f"{file} is not a file")
    messages = split(file.read_bytes()).messages
    if not messages:
        fail(Exit.FINDINGS, f"{file} holds no message")
    target = urlsplit(url)
    if target.scheme not in ("mllp", "mllps") or target.hostname is None or target.port is None:
        fail(Exit.USAGE, "the address must be mllp://host:port")
    try:
        with _connect(target.hostname, target.port, target.scheme, timeout_seconds, ca) as line:
            refused = sum(
                _send_one(line, message, expect) for _ in range(repeat) for message in messages
            )
    except OSError as failure:
        fail(Exit.ENVIRONMENT, f"{url}: {failure.strerror or failure}")
    note(f"sent {len(messages) * repeat} to {url}, {refused} not accepted")
    raise typer.Exit(int(Exit.FINDINGS if refused else Exit.OK))


def _connect(
    host: str, port: int, scheme: str, timeout_seconds: float, ca: Path | None
) -> socket.socket:
    plain = socket.create_connection((host, port), timeout=timeout_seconds)
    if scheme == "mllp":
        return plain
    context = ssl.create_default_context(cafile=str(ca) if ca else None)
    return context.wrap_socket(plain, server_hostname=host)


def _send_one(line: socket.socket, message: bytes, expect: str) -> bool:
    """Send one message, print `CODE control-id`; True when it was not accepted as expected."""
    from engine.hl7v2.acknowledgment import read_acknowledgment
    from engine.mllp import Frame, FrameDecoder, encode_frame

    line.sendall(encode_frame(message))
    decoder = FrameDecoder(frame_bytes_max=1_000_000, final_cr_required=False)
    while True:
        received = line.recv(65536)
        if not received:
            data("-- the connection was closed without an answer")
            return True
        for frame in decoder.feed(received):
            if isinstance(frame, Frame):
                answer = read_acknowledgment(frame.payload)
                if answer is None:
                    data("?? what came back is no acknowledgment")
                    return True
                data(f"{answer.code} {answer.control_id}")
                return answer.code != expect if expect else answer.code not in ("AA", "CA")
