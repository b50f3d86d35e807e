"""SIGKILL of the whole node under load, again and again: supervisor, intake and worker at once.

Promised: what was acknowledged is delivered; per patient in order; twice only when the answer was
lost, and then marked. The senders do what hospital systems do: the same bytes again until answered.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from crash_site import (
    Project,
    Receiver,
    Sender,
    check_order,
    free_port,
    marked,
    message,
    sent,
    wait_for,
)

from engine.runtime.node.node import NodeFiles

SENDERS = 6
"""Each sends the messages of one patient."""
KILLS = 4
PER_SENDER = 120


class Node:
    """`engine serve` on the project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "engine", "serve", "--home", str(self._project.home)]
        command += ["--store", self._project.store, "--log-format", "json", "--workers", "1"]
        command.append("--no-console")
        with (self._project.home / "node.log").open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self._project.home,
                env=self._project.environment,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """Every process at once."""
        assert self._process is not None
        status = NodeFiles(self._project.data).running()
        pids = [child.pid for child in status.children] if status is not None else []
        for pid in (self._process.pid, *pids):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._process.wait(10)
        wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))

    def end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(60)


@pytest.mark.acceptance
@pytest.mark.timeout(600)
def test_a_node_killed_under_load_keeps_every_acknowledged_message_in_order(
    tmp_path: Path, receiver: Receiver
) -> None:
    port = free_port()
    project = Project(tmp_path / "site", receiver, port)
    node = Node(project)
    acknowledged: list[int] = []

    def send(patient: int) -> None:
        sender = Sender(port)
        for turn in range(PER_SENDER):
            number = turn * SENDERS + patient
            while not sender.deliver(message(number, SENDERS), lambda: True):
                time.sleep(0.05)
            acknowledged.append(number)
        sender.close()

    senders = [threading.Thread(target=send, args=(one,), daemon=True) for one in range(SENDERS)]
    dice = random.Random(11)
    node.start()
    for thread in senders:
        thread.start()
    for kill in range(1, KILLS + 1):
        goal = kill * PER_SENDER * SENDERS // (KILLS + 1)
        wait_for(lambda: len(acknowledged) >= goal, 120)  # noqa: B023
        time.sleep(dice.random() * 0.05)
        node.kill()
        node.start()
    for thread in senders:
        thread.join(240)
    total = PER_SENDER * SENDERS
    wait_for(lambda: sent(project) == total, 120)
    node.end()
    assert sorted(acknowledged) == list(range(total))
    assert set(receiver.received) == set(range(total))
    check_order(receiver.received, marked(project), SENDERS)
