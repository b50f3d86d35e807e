"""A project folder with codes that no table knows, a node that seems to run, and its console."""

import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from consoles import Site
from stored_messages import START, StoredMessages

from engine.runtime.codetables.look import Look, look
from engine.runtime.configuration import check_project, read_project
from engine.runtime.desk.project_folder import ProjectFolder
from engine.runtime.desk.workbench import Workbench
from engine.runtime.node.node import NodeFiles, NodeStatus
from engine.runtime.node.process_setup import DataFolder
from engine.store.desk.rows import AuditSearch
from engine.web.looks import Looks

TABLE = "transforms/Sex.csv"
SYSTEM = "http://hl7.org/fhir/administrative-gender"
FILES = {
    "transforms/ADT_A01.yaml": "map: ADT_A01\nfrom: ADT_A01\nto: Bundle\nfor: [ADT^A01]\n"
    "rules:\n  - PID -> PID[Patient] as patient\n",
    "transforms/PID_Patient.yaml": "map: PID[Patient]\nfrom: PID\nto: Patient\n"
    'key: ["PID-3[1].1"]\n'
    "rules:\n  gender: PID-8 -> table Sex unmapped=hold\n"
    "  maritalStatus.coding[one].code: PID-16.1 -> table Marital unmapped=hold\n",
    TABLE: "source_code,source_system,target_code,target_system,target_display,comment\n"
    f"F,,female,{SYSTEM},Female,\nM,,male,{SYSTEM},Male,\n",
    "transforms/Marital.csv": "source_code,source_system,target_code,target_system,"
    "target_display,comment\nM,,M,http://terminology.hl7.org/CodeSystem/v3-MaritalStatus,Married,\n",
    "channels/adt.yaml": "channel: adt\nlistener: {mllp: {port: 29999}}\n"
    'transform: {source_system: "urn:oid:1.2.3"}\n'
    "destinations:\n  - file: {name: out, path: out, content: bundle}\n",
}
SECRETISH = "ZQ7"
"""A code in a field that is hidden by default."""


def message(control_id: str, sex: str, marital: str = "") -> str:
    return (
        f"MSH|^~\\&|REG|NORTH|E|H|20260105083000-0600||ADT^A01^ADT_A01|{control_id}|P|2.5.1\r"
        f"EVN|A01|20260105083000-0600\rPID|1||{control_id}||||19870412|{sex}||||||||"
        f"{marital}\rPV1|1|I\r"
    )


@dataclass
class Project:
    """A site with a project folder, a node that seems to run, and messages that wait."""

    site: Site
    home: Path
    folder: ProjectFolder

    def look_now(self) -> None:
        looks = self.site.console.looks
        assert looks is not None
        looks.start()
        for thread in threading.enumerate():
            if thread.name == "look":
                thread.join(60)

    def line_of(self, page: str) -> str:
        return page.partition('<a href="/codes/')[2].partition('"')[0]

    def trail(self, act: str) -> list[str]:
        with self.site.desk.store() as store:
            rows = store.audit_rows(AuditSearch(limit=50, act=act))
        return [row.entry.subject for row in rows]


@contextmanager
def code_project(
    site: Site,
    folder: Path,
    *,
    files: Mapping[str, str] = FILES,
    more: Sequence[tuple[str, str]] = (),
    now: float | None = None,
) -> Iterator[Project]:
    """Messages of it wait, and one look was made; `more` messages, each with its channel, too."""
    home = folder / "home"
    for name, text in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    loaded, problems = check_project(read_project(home))
    assert loaded is not None, problems
    messages = StoredMessages(site.url, Workbench(loaded))
    site.clock.now = now or time.time()  # a process of its own looks by the clock
    messages.now = site.clock.now - 3600
    for number, (sex, marital) in enumerate((("U", ""), ("U", ""), ("F", SECRETISH))):
        messages.receive(message(f"m{number}", sex, marital), "adt")
    messages.process()
    for raw, channel in more:
        messages.receive(raw, channel)
    messages.process()
    data = DataFolder(path=folder / "store")
    data.snapshots.write(loaded.files)
    node = NodeFiles(data)
    node.own()
    status = NodeStatus(
        pid=os.getpid(), started_at=START, home=str(home), revision="", metrics_port=0
    )
    node.write(status)
    project_folder = ProjectFolder(data)

    def make() -> Look:
        now, _ = check_project(read_project(home))
        assert now is not None
        with site.desk.log() as log:
            return look(log, now, now=site.clock.now, of_project=True)

    site.console.folder, site.console.looks = project_folder, Looks(make)
    site.console.snapshots = data.snapshots
    found = Project(site=site, home=home, folder=project_folder)
    found.look_now()
    yield found
    node.disown()
    messages.close()
