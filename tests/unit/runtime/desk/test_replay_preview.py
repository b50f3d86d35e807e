"""What a dry run of a replay says, over a real store and the project's own channels."""

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.pipeline.result import ProcessResult
from engine.pipeline.states import State
from engine.runtime.configuration import check_project, read_project
from engine.runtime.desk import preview_crew
from engine.runtime.desk.message_log import MessageLog, StoreUnavailable, open_message_log
from engine.runtime.desk.preview_crew import Crew, Errand, crew_size
from engine.runtime.desk.preview_process import keep_preview
from engine.runtime.desk.replay_preview import Effect, Preview, preview
from engine.runtime.desk.replay_trial import Asked
from engine.runtime.desk.workbench import Workbench
from engine.runtime.snapshots import Snapshots
from engine.store.interface import NewDelivery, Outcome, Processed, Receipt, StateBatch
from engine.store.open_store import open_log, open_state
from engine.store.state.newer import NEWER_MAX

ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="module")
def bench() -> Workbench:
    loaded, problems = check_project(read_project(ROOT), check_maps=False)
    assert loaded is not None, problems
    return Workbench(loaded)


class Site:
    """A store whose messages were processed and delivered."""

    def __init__(self, url: str, bench: Workbench) -> None:
        self.url = url
        self.bench = bench

    def deliver(self, *raws: str, state: State = State.SENT) -> list[int]:
        log, store = open_log(self.url), open_state(self.url)
        found = [raw.replace("\n", "\r").encode() for raw in raws]
        ids = log.append([receipt(raw) for raw in found])
        lease = store.acquire("test", 60.0, 1.0)
        store.follow(100)
        bytes_of = dict(zip(ids, found, strict=True))
        for run in store.new_runs(lease, 100):
            made = self.bench.convert(bytes_of[run.message_id], "adt").result
            rows = store.commit(StateBatch(lease=lease, processed=[processed(run.run_id, made)]))
            if made.state is State.TRANSFORMED:
                (delivery_id,) = rows[run.run_id]
                store.commit(StateBatch(lease=lease, started=[delivery_id]))
                store.commit(StateBatch(lease=lease, outcomes=[ended(delivery_id, state)]))
        store.release(lease)
        store.close()
        log.close()
        return ids


def processed(run_id: int, made: ProcessResult) -> Processed:
    return Processed(
        run_id=run_id,
        state=made.state,
        deliveries=tuple(
            NewDelivery(destination=one.destination, content_type=one.content_type, body=one.body)
            for one in made.outputs
        ),
        search_keys=made.search_keys,
        event_at=made.event_at,
        diagnostics=made.diagnostic_values(),
    )


def ended(delivery_id: int, state: State) -> Outcome:
    now = time.time()
    return Outcome(delivery_id=delivery_id, number=1, started_at=now, finished_at=now, state=state)


def receipt(raw: bytes) -> Receipt:
    return Receipt(
        channel="adt",
        received_at=time.time(),
        source="test",
        raw=raw,
        sha256=hashlib.sha256(raw).digest(),
        control_id=raw.split(b"|")[9].decode(),
        message_type="ADT^A08",
    )


def adt(control_id: str, name: str, *, at: str = "20260105083000", mrn: str = "4711") -> str:
    identifier = f"{mrn}^^^NORTH^MR" if mrn else ""
    return (
        f"MSH|^~\\&|REG|NORTH|E|H|{at}-0600||ADT^A08^ADT_A01|{control_id}|P|2.5.1\n"
        f"EVN|A08|{at}-0600\nPID|1||{identifier}||{name}||19870412|F\nPV1|1|O\n"
    )


@pytest.fixture
def site(tmp_path: Path, bench: Workbench) -> Site:
    return Site(f"sqlite:///{tmp_path}", bench)


@pytest.fixture
def log(site: Site) -> Iterator[MessageLog]:
    open_log(site.url).close()
    with open_message_log(site.url) as found:
        yield found


def dry_run(log: MessageLog, bench: Workbench, ids: list[int], **options: Any) -> Preview:
    return preview(log, lambda _revision: bench, ids, **options)


def counts(found: Any) -> dict[Effect, int]:
    return dict(found.counts)


def test_what_was_delivered_as_it_would_be_now_is_a_no_op(site: Site, log: MessageLog) -> None:
    ids = site.deliver(adt("C1", "Okafor^A"))
    found = dry_run(log, site.bench, ids)
    assert counts(found) == {Effect.NO_OP: 1}
    assert not found.clusters


def test_what_failed_at_the_destination_would_be_created(site: Site, log: MessageLog) -> None:
    ids = site.deliver(adt("C1", "Okafor^A"), state=State.ERROR)
    assert counts(dry_run(log, site.bench, ids)) == {Effect.CREATE: 1}


def test_what_is_filtered_fails_or_is_gone_is_said(site: Site, log: MessageLog) -> None:
    ids = site.deliver(adt("C1", "Okafor^A", mrn=""), "MSH|^~\\&|||||||ZZZ|C2|P|2.5.1\n")
    found = dry_run(log, site.bench, [*ids, 999])
    assert counts(found) == {Effect.FILTERED: 2, Effect.FAILS: 1}
    assert found.reasons == {"the message is no longer stored": 1}
    assert found.would_fail == 1


def test_a_changed_map_is_shown_as_one_cluster(site: Site, log: MessageLog) -> None:
    ids = site.deliver(adt("C1", "Okafor^A"), adt("C2", "Lind^B", mrn="4712"))
    files = read_project(ROOT)
    name = "transforms/hl7v2/segments/PID_Patient.yaml"
    lines = files.transforms[name].splitlines(keepends=True)
    text = "".join(line for line in lines if not line.startswith("  gender:"))
    object.__setattr__(files, "transforms", {**files.transforms, name: text})
    loaded, _ = check_project(files, check_maps=False)
    assert loaded is not None
    found = dry_run(log, Workbench(loaded), ids)
    assert counts(found) == {Effect.UPDATE: 2}
    assert {(one.path, one.kind): count for one, count in found.clusters.items()} == {
        ("Patient.gender", "removed"): 2
    }
    assert found.examples["Patient.gender removed"] == ids


def test_a_message_older_than_what_was_delivered_is_held_and_both_are_shown(
    site: Site, log: MessageLog
) -> None:
    old, new = site.deliver(adt("C1", "Okafor^A"), adt("C2", "Okafor-Lind^A", at="20260105093000"))
    found = dry_run(log, site.bench, [old])
    assert counts(found) == {Effect.HELD: 1}
    assert [(one.message_id, one.newer_message_id) for one in found.held] == [(old, new)]
    assert counts(dry_run(log, site.bench, [new])) == {Effect.NO_OP: 1}
    assert counts(dry_run(log, site.bench, [old, new])) == {Effect.NO_OP: 2}
    allowed = dry_run(log, site.bench, [old], overwrite_newer=True)
    assert counts(allowed) == {Effect.NO_OP: 1}


def test_a_message_that_came_late_but_happened_earlier_is_not_newer(
    site: Site, log: MessageLog
) -> None:
    first, _ = site.deliver(adt("C1", "Okafor^A"), adt("C2", "Okafor-Lind^A", at="20260105073000"))
    assert counts(dry_run(log, site.bench, [first])) == {Effect.NO_OP: 1}


def test_a_preview_can_be_ended(site: Site, log: MessageLog) -> None:
    ids = site.deliver(adt("C1", "Okafor^A"), adt("C2", "Lind^B", mrn="4712"))
    found = dry_run(log, site.bench, ids, progress=lambda done, _found: done < 1)
    assert sum(found.counts.values()) == 1


def test_a_configuration_that_is_gone_fails_its_messages(site: Site, log: MessageLog) -> None:
    def gone(revision: str) -> Workbench:
        raise KeyError(revision)

    found = preview(log, gone, site.deliver(adt("C1", "Okafor^A")))
    assert counts(found) == {Effect.FAILS: 1}
    assert found.as_dict()["counts"] == [["fails", 1]]


def test_newer_data_is_seen_behind_many_messages_of_the_same_job(
    site: Site, log: MessageLog
) -> None:
    """The guard looks at so many later messages; those of the job itself are not among them."""
    names = [f"Okafor{chr(ord('A') + number)}^A" for number in range(NEWER_MAX)]
    chosen = site.deliver(*(adt(f"C{number}", name) for number, name in enumerate(names)))
    (other,) = site.deliver(adt("OTHER", "Okafor-Lind^A"))
    again = site.deliver(*(adt(f"D{number}", name) for number, name in enumerate(names)))
    found = dry_run(log, site.bench, [*chosen, *again])
    assert {one.newer_message_id for one in found.held} == {other}
    assert [one.message_id for one in found.held] == chosen


@pytest.fixture
def snapshots(tmp_path: Path) -> Snapshots:
    """The project with a map changed."""
    files = read_project(ROOT)
    name = "transforms/hl7v2/segments/PID_Patient.yaml"
    lines = files.transforms[name].splitlines(keepends=True)
    text = "".join(line for line in lines if not line.startswith("  gender:"))
    object.__setattr__(files, "transforms", {**files.transforms, name: text})
    found = Snapshots(tmp_path / "configuration")
    found.write(files)
    return found


def test_several_processes_find_what_one_finds_in_the_same_order(
    site: Site, log: MessageLog, snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview_crew, "SHARE", 2)
    feed = [adt(f"C{number}", f"Okafor^{number}", mrn=str(number % 3)) for number in range(9)]
    ids = [*site.deliver(*feed), 999]
    kept = []
    for processes in (1, 2):
        job_id = log.draft_replay(ids, by="test", now=time.time())
        assert keep_preview(site.url, snapshots, job_id, processes=processes) is not None
        job = log.job(job_id)
        assert job is not None
        kept.append(job.preview)
    assert kept[0] == kept[1]
    assert '"counts":[["update",9],["fails",1]]' in kept[0]
    assert '"clusters":[["Patient.gender","removed",9]' in kept[0]


def test_a_preview_by_several_processes_can_be_ended(
    site: Site, log: MessageLog, snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.runtime.desk.preview_process.KEEP_SECONDS", 0.0)
    ids = site.deliver(adt("C1", "Okafor^A"), adt("C2", "Lind^B", mrn="4712"))
    job_id = log.draft_replay(ids, by="test", now=time.time())
    found = keep_preview(site.url, snapshots, job_id, lambda: False, processes=2)
    assert found is not None
    assert not found.counts


def test_a_store_that_a_process_cannot_read_ends_the_preview(
    tmp_path: Path, snapshots: Snapshots
) -> None:
    (tmp_path / "no-folder").write_text("a file")
    errand = Errand(
        store_url=f"sqlite:///{tmp_path / 'no-folder'}",
        snapshots=snapshots,
        revision="",
        asked=Asked(selected=frozenset({1})),
    )
    with Crew(errand, 1) as crew, pytest.raises(StoreUnavailable):
        list(crew.trials([1]))


def test_a_few_messages_are_not_worth_a_process_of_their_own() -> None:
    assert crew_size(0) == crew_size(preview_crew.MESSAGES_PER_PROCESS) == 1
    assert 1 <= crew_size(1_000_000) <= preview_crew.PROCESSES_MAX
