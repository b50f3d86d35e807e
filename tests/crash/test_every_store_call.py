"""SIGKILL at every store call of a message's life, before it and after it, one process at a time.

Promised: what was acknowledged is delivered; per patient in order; twice only when the answer was
lost, and then marked.
"""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from crash_site import (
    Project,
    Receiver,
    Sender,
    check_order,
    end,
    free_port,
    marked,
    message,
    receipt,
    sent,
    wait_for,
)

from engine.pipeline.states import State
from engine.runtime.desk.message_log import open_message_log
from engine.store.interface import Search
from engine.store.open_store import migrate, open_log

COUNT = 4
CALLS_MAX = 200
"""More store calls than a life has; reaching it would mean the loop does not end."""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.timeout(900)
def test_a_worker_killed_at_any_store_call_loses_and_reorders_nothing(
    tmp_path: Path, receiver: Receiver, when: str
) -> None:
    kills = 0
    for at in range(1, CALLS_MAX):
        receiver.received.clear()
        home = tmp_path / str(at)
        project = Project(home, receiver, free_port())
        migrate(project.store)
        log = open_log(project.store)
        log.append([receipt(number) for number in range(COUNT)])
        log.close()
        worker = project.start("killed_worker.py", at, when)
        wait_for(lambda: worker.poll() is not None or sent(project) == COUNT)  # noqa: B023
        finished = worker.poll() is None
        end(worker)
        if not finished:
            kills += 1
            worker = project.start("killed_worker.py", 0, "never")
            wait_for(lambda: sent(project) == COUNT)  # noqa: B023
            end(worker)
        assert set(receiver.received) == set(range(COUNT))
        check_order(receiver.received, marked(project))
        if finished:
            break
    else:
        raise AssertionError("the life of the messages never ended")
    assert kills >= 5


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.timeout(900)
def test_intake_killed_at_any_call_of_the_log_keeps_what_it_acknowledged(
    tmp_path: Path, receiver: Receiver, when: str
) -> None:
    for at in range(1, CALLS_MAX):
        port = free_port()
        project = Project(tmp_path / str(at), receiver, port)
        migrate(project.store)
        running = project.start("killed_intake.py", at, when)
        sender = Sender(port)
        killed = False
        for number in range(COUNT):
            while not sender.deliver(message(number), lambda: running.poll() is None):  # noqa: B023
                end(running)
                killed = True
                running = project.start("killed_intake.py", 0, "never")
        sender.close()
        end(running)
        worker = project.start("killed_worker.py", 0, "never")
        receiver.received.clear()
        wait_for(lambda: sent(project) == COUNT)  # noqa: B023
        end(worker)
        with open_message_log(project.store) as log:
            rows = log.search(Search(limit=100, oldest_first=True))
        runnable = [row.control_id for row in rows if row.state is State.SENT]
        assert runnable == [f"C{number:05}" for number in range(COUNT)]  # MSH-10
        check_order(receiver.received, set())
        if not killed:
            break
    else:
        raise AssertionError("the life of the messages never ended")
