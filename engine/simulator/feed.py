"""Rim. A sending hospital: synthetic ADT and ORU over real MLLP. `python -m
engine.simulator.feed --help`.

One connection, one message in flight, as hospital interfaces do. A message without an answer is
sent again after a reconnect, with the same bytes.
"""

import argparse
import json
import socket
import sys
import time
from collections import Counter
from datetime import UTC, datetime

from engine.mllp import Frame, FrameDecoder, encode_frame
from engine.simulator.hospital import Hospital, Sent

ANSWER_SECONDS = 20.0


def feed(
    host: str, port: int, *, rate: float, seconds: float, count: int, seed: int
) -> Counter[str]:
    """Send until `seconds` or `count` (0: no limit) is reached; returns counts by answer code.

    Prints a JSON line for each message sent with a mistake on purpose, and counts now and then.
    """
    hospital = Hospital(seed=seed, start=datetime.now(UTC))
    answers: Counter[str] = Counter()
    started = time.monotonic()
    line: socket.socket | None = None
    for number, sent in enumerate(hospital.messages()):
        due = started + number / rate
        if (count and number >= count) or (seconds and time.monotonic() - started >= seconds):
            break
        time.sleep(max(0.0, due - time.monotonic()))
        code, line = _send(host, port, line, sent)
        answers[code] += 1
        if sent.mistake:
            control_id = sent.payload.split(b"|")[9].decode("ascii")
            _say({"mistake": sent.mistake, "control_id": control_id, "answer": code})
        elif number % 25 == 0:
            _say({"sent": number + 1, **answers})
    if line is not None:
        line.close()
    return answers


def _say(what: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _send(
    host: str, port: int, line: socket.socket | None, sent: Sent
) -> tuple[str, socket.socket]:
    """Send one message until it is answered; returns the code and the connection to go on with."""
    for _ in range(60):
        try:
            if line is None:
                line = socket.create_connection((host, port), timeout=ANSWER_SECONDS)
            line.sendall(encode_frame(sent.payload))
            return _answer(line), line
        except OSError:
            if line is not None:
                line.close()
            line = None
            time.sleep(0.5)
    raise SystemExit(f"nobody answers on {host}:{port}")


def _answer(line: socket.socket) -> str:
    decoder = FrameDecoder(frame_bytes_max=100_000, final_cr_required=False)
    while True:
        data = line.recv(65536)
        if not data:
            raise ConnectionResetError
        for found in decoder.feed(data):
            if isinstance(found, Frame):
                return found.payload.partition(b"MSA|")[2][:2].decode("ascii", "replace")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=2575)
    parser.add_argument("--rate", type=float, default=10.0, help="messages a second")
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    answers = feed(
        given.host,
        given.port,
        rate=given.rate,
        seconds=given.seconds,
        count=given.count,
        seed=given.seed,
    )
    _say({"done": sum(answers.values()), **answers})


if __name__ == "__main__":
    main()
