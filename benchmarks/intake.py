"""Intake: durable acknowledged messages a second against the same listener with the store off.

`python benchmarks/intake.py` runs each case a few times, interleaved, and prints medians: rate,
latency, CPU of the intake process per message, and the share of the no-store rate, in one run.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def free_port() -> int:
    """A port nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def cpu_seconds(pid: int) -> float:
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(store: str, connections: int, seconds: float) -> dict[str, float]:
    """One run: a fresh server, one load."""
    port = free_port()
    arguments = [sys.executable, str(HERE / "intake_server.py"), "--port", str(port)]
    server = subprocess.Popen(
        [*arguments, *(("--store", store) if store else ())], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        if server.stdout.readline().strip() != "ready":
            raise RuntimeError("the server did not start")
        before = cpu_seconds(server.pid)
        load = subprocess.run(
            [
                *(sys.executable, str(HERE / "load_sender.py"), "--port", str(port)),
                *("--connections", str(connections), "--seconds", str(seconds), "--warm-up", "0"),
            ],
            check=True,
            capture_output=True,
            text=True,
        )
        used = cpu_seconds(server.pid) - before
    finally:
        server.terminate()
        server.wait()
    found: dict[str, float] = json.loads(load.stdout)
    found["cpu_us"] = used / max(1.0, found["rate"] * seconds) * 1e6
    return found


def median(runs: list[dict[str, float]]) -> dict[str, float]:
    """The median of every figure."""
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, nargs="*", default=[1, 10, 100])
    parser.add_argument("--store", help="another store, such as postgresql://...")
    found = parser.parse_args()
    stores = ["off", "", *([found.store] if found.store else [])]
    print(" senders store          rate/s   p50 us   p99 us  cpu us   share")
    for connections in found.connections:
        runs: dict[str, list[dict[str, Any]]] = {store: [] for store in stores}
        for _ in range(found.rounds):
            for store in stores:
                runs[store].append(measure(store, connections, found.seconds))
        most = median(runs["off"])["rate"]
        for store in stores:
            one = median(runs[store])
            name = {"off": "off", "": "sqlite FULL"}.get(store, "postgresql")
            print(
                f"{connections:>8} {name:<12}{one['rate']:>9,.0f}{one['p50_us']:>9,.0f}"
                f"{one['p99_us']:>9,.0f}{one['cpu_us']:>8.1f}{one['rate'] / most:>8.0%}"
            )


if __name__ == "__main__":
    main()
