"""Maps are compiled ahead of the first who opens a message, and a configuration is read once."""

from pathlib import Path

import pytest
from stored_messages import OneConfiguration, StoredMessages, shipped_bench

from engine.mapping.compiler import variant
from engine.runtime.configuration import check_project
from engine.runtime.desk.audit import AuditSearch
from engine.runtime.desk.benches import SharedBenches
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.masking import SHIPPED
from engine.runtime.desk.message_view import view_message
from engine.runtime.desk.rights import everything
from engine.runtime.desk.warming import warm

ADMISSION = (
    "MSH|^~\\&|REG|NORTH|ENGINE|HUB|20260105083000-0600||ADT^A01^ADT_A01|{}|P|2.5.1\r"
    "EVN|A01|20260105083000-0600\rPID|1||4711^^^NORTH^MR||DOE^ANN||19870412|F\rPV1|1|O\r"
)
RESULT = (
    "MSH|^~\\&|LAB|NORTH|ENGINE|HUB|20260105083000-0600||ORU^R01^ORU_R01|{}|P|2.5.1\r"
    "PID|1||4711^^^NORTH^MR||DOE^ANN||19870412|F\rOBR|1|P1|F1|24331-1^Lipids^LN\r"
    "OBX|1|NM|2345-7^Glucose^LN||91|mg/dL|||||F\r"
)


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'store'}"
    messages = StoredMessages(url)
    messages.take([ADMISSION.format(1), ADMISSION.format(2), RESULT.format(3)])
    messages.close()
    return url


def fresh_benches() -> SharedBenches:
    """With maps of their own, none of them compiled."""
    benches = SharedBenches(OneConfiguration())  # type: ignore[arg-type]
    loaded, _ = check_project(shipped_bench().loaded.files, check_maps=False)
    assert loaded is not None
    benches.give(loaded)
    return benches


def test_the_first_page_of_a_warmed_kind_compiles_nothing(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, benches = Desk(url), fresh_benches()
    assert warm(desk, benches, shipped_bench().loaded.revision) == 2
    with desk.store() as store:
        assert store.audit_rows(AuditSearch()) == []

    def compiled(*_: object) -> None:
        raise AssertionError("a map is compiled while somebody waits")

    monkeypatch.setattr(variant, "compile", compiled, raising=False)
    for message_id in (2, 3):
        view = view_message(desk, everything("t", "t"), SHIPPED, benches, message_id)
        assert view is not None and view.contents is not None and view.contents.made is not None
    desk.close()


def test_the_configuration_in_force_is_one_bench_by_any_name() -> None:
    benches = fresh_benches()
    with benches.lend(shipped_bench().loaded.revision) as named, benches.lend("") as current:
        assert named.bench is current.bench
        assert named.is_then
