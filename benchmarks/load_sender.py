"""A load of MLLP senders: stop-and-wait connections in one epoll loop of raw sockets.

Each connection sends a message, waits for its acknowledgment, checks MSA-1 and MSA-2, and sends the
next. Run it in a process of its own, so that its work is not counted as the engine's.
"""

import argparse
import json
import select
import socket
import time

END = b"\x1c\r"
CONTROL_ID = b"@CONTROLID@@"
"""Twelve bytes of the template that are replaced in every message."""


def adt(size: int) -> bytes:
    """An ADT^A01 of about `size` bytes with a place for the control id."""
    name = b"PID|1||@PATIENT^^^NORTH^MR~998877^^^NATIONAL^NI||SAMPLE^ADA^M||19800101|F|||"
    place = b"1 TEST STREET^^TESTTOWN^TS^12345||555-0100|||M||ACC1234"
    visit = b"PV1|1|I|WARD1^101^A^NORTH||||1234^CARE^CARLA|||MED||||1||||V123456"
    segments = [
        b"MSH|^~\\&|ADT|NORTH|HUB|ENGINE|20260101120000||ADT^A01^ADT_A01|"
        + CONTROL_ID
        + b"|P|2.5.1",
        b"EVN|A01|20260101120000|||TEST^NURSE",
        name + place,
        visit + b"|" * 25 + b"20260101115500",
    ]
    message = b"\r".join(segments) + b"\r"
    number = 1
    while len(message) < size:
        message += (
            b"AL1|%d|DA|^PENICILLIN^L|MO|RASH AND OTHER REACTIONS DESCRIBED AT LENGTH|\r" % number
        )
        number += 1
    return message


class Connection:
    """One sender."""

    def __init__(self, host: str, port: int, number: int, template: bytes) -> None:
        self.socket = socket.create_connection((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        head, tail = template.split(CONTROL_ID)
        self._head, self._tail = b"\x0b" + head, tail.replace(b"@PATIENT", b"P%07d" % number) + END
        self._number = number
        self._count = 0
        self._buffer = b""
        self.sent_at = 0.0
        self.control_id = b""

    def send(self) -> None:
        """Send the next message, whole."""
        self._count += 1
        self.control_id = b"%03d%09d" % (self._number, self._count)
        frame = self._head + self.control_id + self._tail
        self.sent_at = time.perf_counter()
        sent = self.socket.send(frame)
        while sent < len(frame):
            select.select((), (self.socket,), ())
            sent += self.socket.send(frame[sent:])

    def receive(self) -> bool:
        """Read; True when the acknowledgment is complete. Raises ValueError when it is wrong."""
        data = self.socket.recv(65536)
        if not data:
            raise ValueError("the engine closed the connection")
        self._buffer += data
        if not self._buffer.endswith(END):
            return False
        if b"MSA|AA|" + self.control_id not in self._buffer:
            raise ValueError("not the acknowledgment of this message")
        self._buffer = b""
        return True


def run(
    host: str, port: int, connections: int, seconds: float, warm_up: float, size: int
) -> dict[str, float]:
    """Send for `seconds` after `warm_up`; rate and latencies in microseconds."""
    template = adt(size)
    base = int(time.time()) % 1000
    senders = {}
    poll = select.epoll()
    for number in range(connections):
        one = Connection(host, port, (base + number) % 1000, template)
        senders[one.socket.fileno()] = one
        poll.register(one.socket.fileno(), select.EPOLLIN)
    begin = time.perf_counter() + warm_up
    end = begin + seconds
    latencies: list[float] = []
    for one in senders.values():
        one.send()
    now = time.perf_counter()
    while now < end:
        for descriptor, _ in poll.poll(1.0):
            one = senders[descriptor]
            if one.receive():
                now = time.perf_counter()
                if now >= begin:
                    latencies.append(now - one.sent_at)
                one.send()
        now = time.perf_counter()
    latencies.sort()
    count = len(latencies)
    return {
        "connections": connections,
        "rate": count / seconds,
        "p50_us": latencies[count // 2] * 1e6 if count else 0.0,
        "p99_us": latencies[int(count * 0.99)] * 1e6 if count else 0.0,
    }


def main() -> None:
    """Command line of the load."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--connections", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--warm-up", type=float, default=0.5)
    parser.add_argument("--size", type=int, default=2000)
    found = parser.parse_args()
    result = run(
        found.host, found.port, found.connections, found.seconds, found.warm_up, found.size
    )
    print(json.dumps(result))


if __name__ == "__main__":
    main()
