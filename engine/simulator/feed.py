"""Rim. A sending hospital: synthetic messages over real MLLP, and documents over HTTP when it is
told where. `python -m engine.simulator.feed --help`.

One connection, one message in flight, as hospital interfaces do. A message without an answer is
sent again after a reconnect, with the same bytes; a document too.
"""

import argparse
import json
import socket
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from datetime import UTC, datetime, timedelta

from engine.mllp import Frame, FrameDecoder, encode_frame
from engine.simulator.clinic import Clinic
from engine.simulator.hospital import DOCUMENT, Hospital, Sent

ANSWER_SECONDS = 30.0
ATTEMPTS = 60
CLINIC_BEHIND = timedelta(days=2)
"""A visit is told within seconds, and its times go over an hour: it must not end in the future."""


def feed(
    sender: Hospital,
    host: str,
    port: int,
    *,
    documents: str,
    rate: float,
    seconds: float,
    count: int,
) -> Counter[str]:
    """Send until `seconds` or `count` (0: no limit) is reached; returns counts by answer.

    Prints a JSON line for each message sent with a mistake on purpose, and counts now and then.

    Args:
        sender: what is sent.
        host: of MLLP.
        port: of MLLP.
        documents: URL that takes documents; empty: none is sent.
        rate: messages a second.
        seconds: the time; 0: no end.
        count: messages; 0: no end.
    """
    answers: Counter[str] = Counter()
    started = time.monotonic()
    line: socket.socket | None = None
    for number, sent in enumerate(sender.messages()):
        due = started + number / rate
        if (count and number >= count) or (seconds and time.monotonic() - started >= seconds):
            break
        time.sleep(max(0.0, due - time.monotonic()))
        if sent.message_type == DOCUMENT:
            code = _post(documents, sent)
        else:
            code, line = _send(host, port, line, sent)
        answers[code] += 1
        if sent.mistake:
            _say({"mistake": sent.mistake, "id": _id(sent), "answer": code})
        elif number % 25 == 0:
            _say({"sent": number + 1, **answers})
    if line is not None:
        line.close()
    return answers


def _say(what: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _id(sent: Sent) -> str:
    """The control id; of a document the extension of its id."""
    if sent.message_type == DOCUMENT:
        number = sent.payload.partition(b'extension="CCD')[2].partition(b'"')[0]
        return f"CCD{number.decode('ascii')}"
    return sent.payload.split(b"|")[9].decode("ascii")


def _post(url: str, sent: Sent) -> str:
    """Send one document until it is answered; returns the status, such as `200`."""
    request = urllib.request.Request(  # noqa: S310  the address is given on the command line
        url, data=sent.payload, headers={"Content-Type": "application/xml"}, method="POST"
    )
    for _ in range(ATTEMPTS):
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:  # noqa: S310
                return str(answer.status)
        except urllib.error.HTTPError as refused:
            if refused.code < 500:
                return str(refused.code)
        except OSError:
            pass
        time.sleep(0.5)
    raise SystemExit(f"nobody answers at {url}")


def _send(
    host: str, port: int, line: socket.socket | None, sent: Sent
) -> tuple[str, socket.socket]:
    """Send one message until it is answered; returns the code and the connection to go on with."""
    for _ in range(ATTEMPTS):
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


def _sender(seed: int, *, clinic: bool, documents: bool) -> Hospital:
    now = datetime.now(UTC)
    if clinic:
        return Clinic(seed=seed, start=now - CLINIC_BEHIND)
    return Hospital(seed=seed, start=now, documents=documents)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=2575)
    parser.add_argument("--documents", default="", help="URL that takes documents")
    parser.add_argument("--rate", type=float, default=10.0, help="messages a second")
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument(
        "--clinic", action="store_true", help="visits whose chart is Millennium: see clinic.py"
    )
    given = parser.parse_args()
    if given.clinic and not given.documents:
        parser.error("--clinic sends documents too: say --documents")
    answers = feed(
        _sender(given.seed, clinic=given.clinic, documents=bool(given.documents)),
        given.host,
        given.port,
        documents=given.documents,
        rate=given.rate,
        seconds=given.seconds,
        count=given.count,
    )
    _say({"done": sum(answers.values()), **answers})


if __name__ == "__main__":
    main()
