"""The whole node: CPU of all engine processes per message, MLLP in to FHIR over HTTP out.

`python benchmarks/node.py` starts a real `engine serve` on a fresh store and a receiver, sends
messages over MLLP on ten stop-and-wait connections, waits until all are SENT, and adds up the CPU
of supervisor, intake and workers; the console, which compiles maps for its pages when it starts, is
left out. Medians of several rounds; `--store postgresql://...` for the other database.
"""

import argparse
import asyncio
import os
import selectors
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.delivery import answer, message
from engine.runtime.desk.message_log import open_message_log

ROOT = Path(__file__).resolve().parent.parent
TICK = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A port nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def processes_below(pid: int) -> dict[int, str]:
    """The process and its descendants: pid to command line."""
    found = {pid: _command(pid)}
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    for child in children:
        found |= processes_below(int(child))
    return found


def _command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def cpu_seconds(pid: int) -> float:
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def send_all(port: int, first: int, count: int, connections: int) -> float:
    """Send messages stop-and-wait on several connections; seconds until the last answer."""
    began = time.perf_counter()
    selector = selectors.DefaultSelector()
    numbers = iter(range(first, first + count))
    waiting = 0
    for _ in range(connections):
        line = socket.create_connection(("127.0.0.1", port))
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(line, selectors.EVENT_READ)
        line.sendall(b"\x0b" + message(next(numbers)) + b"\x1c\r")
        waiting += 1
    while waiting:
        for key, _ in selector.select():
            line = key.fileobj
            reply = line.recv(65536)
            if b"MSA|AA" not in reply and b"MSA|CA" not in reply:
                raise SystemExit("a message was not accepted")
            number = next(numbers, None)
            if number is None:
                selector.unregister(line)
                line.close()
                waiting -= 1
            else:
                line.sendall(b"\x0b" + message(number) + b"\x1c\r")
    return time.perf_counter() - began


def wait_sent(store: str, count: int) -> float:
    """Seconds until `count` messages are SENT."""
    began = time.perf_counter()
    with open_message_log(store) as log:
        while sum(row.sent for row in log.stats()) < count:
            if any(row.errors or row.held for row in log.stats()):
                raise SystemExit("messages failed; the figure would be wrong")
            if time.perf_counter() - began > 300:
                raise SystemExit("the messages were not delivered in time")
            time.sleep(0.2)
    return time.perf_counter() - began


def one_round(count: int, connections: int, store: str | None) -> dict[str, float]:
    """One fresh node."""
    with tempfile.TemporaryDirectory() as folder:
        url = store or f"sqlite:///{folder}/store"
        mllp, http = free_port(), free_port()
        receiver = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.node", "--receiver", str(http)], cwd=ROOT
        )
        environment = {
            **os.environ,
            "MLLP_PORT": str(mllp),
            "FHIR_URL": f"http://127.0.0.1:{http}/fhir",
            "INBOX": folder,
        }
        node = subprocess.Popen(
            [sys.executable, "-m", "engine", "serve", "--no-console", "--store", url],
            cwd=ROOT, env=environment, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            _wait_port(mllp)
            send_all(mllp, 0, 200, connections)
            wait_sent(url, 200)
            pids = processes_below(node.pid)
            before = {pid: cpu_seconds(pid) for pid in pids}
            sending = send_all(mllp, 200, count, connections)
            rest = wait_sent(url, 200 + count)
            spent = {pid: cpu_seconds(pid) - before[pid] for pid in pids}
        finally:
            node.send_signal(signal.SIGTERM)
            node.wait(30)
            receiver.kill()
            receiver.wait()
    return _figures(pids, spent, count, sending, rest)


def _figures(
    pids: dict[int, str], spent: dict[int, float], count: int, sending: float, rest: float
) -> dict[str, float]:
    parts = {"intake": 0.0, "worker": 0.0, "supervisor": 0.0}
    for pid, command in pids.items():
        kind = next((name for name in ("intake", "worker") if name in command), "supervisor")
        parts[kind] += spent[pid] / count * 1e6
    return {
        **{f"{name} us/message": value for name, value in parts.items()},
        "all us/message": sum(parts.values()),
        "acknowledged/s": count / sending,
        "delivered/s": count / (sending + rest),
    }


def _wait_port(port: int) -> None:
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("the engine did not start")


async def receive(port: int) -> None:
    """The cheapest FHIR receiver."""
    server = await asyncio.start_server(answer, "127.0.0.1", port)
    await server.serve_forever()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=3000)
    parser.add_argument("--connections", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--store")
    parser.add_argument("--receiver", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.receiver:
        asyncio.run(receive(given.receiver))
        return
    rounds = [
        one_round(given.messages, given.connections, given.store) for _ in range(given.rounds)
    ]
    for name in rounds[0]:
        print(f"{name:<24}{statistics.median(one[name] for one in rounds):>10,.0f}")


if __name__ == "__main__":
    main()
