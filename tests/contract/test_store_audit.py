"""The audit trail: every change of it shows, on both databases; and many who write it at once."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from engine.store.desk.rows import AuditEntry, AuditHead, AuditSearch, UserRow
from engine.store.desk.store import DeskStore
from engine.store.interface import StoreUnavailable
from engine.store.open_store import open_desk

KEY = b"k" * 32


@pytest.fixture
def open_trail(store: Any) -> Iterator[Callable[[], DeskStore]]:
    opened: list[DeskStore] = []

    def make() -> DeskStore:
        opened.append(open_desk(store.url))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@pytest.fixture
def trail(open_trail: Callable[[], DeskStore]) -> DeskStore:
    """Ten entries, the even ones about one patient."""
    found = open_trail()
    for number in range(1, 11):
        found.audit(KEY, [entry(number, patients=("even",) if number % 2 == 0 else ())])
    return found


def entry(number: int, **given: Any) -> AuditEntry:
    values: dict[str, Any] = {
        "at": 1_790_000_000 + number,
        "actor": f"user{number % 3}",
        "origin": "console 10.1.2.3",
        "act": "view",
        "message_id": number,
        "reason": "wéird\0 text \ud800",
        "details": {"b": "2", "a": "1"},
    }
    return AuditEntry(**(values | given))


def write(trail: DeskStore, sql: str, *values: Any) -> None:
    with trail._database.writing() as transaction:
        assert transaction.rows(f"{sql} RETURNING 1", *values)


def test_a_trail_as_it_was_recorded_is_whole(trail: DeskStore) -> None:
    verdict = trail.verify_audit(KEY)
    assert (verdict.rows, verdict.broken_number, verdict.problem) == (10, None, "")
    assert verdict.head.number == 10


def test_who_looked_at_a_patient_is_one_query(trail: DeskStore) -> None:
    found = trail.audit_rows(AuditSearch(patient="even"))
    assert [row.number for row in found] == [10, 8, 6, 4, 2]
    page = trail.audit_rows(AuditSearch(patient="even", before_number=6, limit=1))
    assert [row.number for row in page] == [4]
    assert [row.number for row in trail.audit_rows(AuditSearch(actor="user1"))] == [10, 7, 4, 1]
    since = AuditSearch(since=1_790_000_009.0)
    assert [row.number for row in trail.audit_rows(since)] == [10, 9]
    assert [row.number for row in trail.audit_rows(AuditSearch(message_id=3))] == [3]


@pytest.mark.parametrize(
    ("sql", "broken"),
    [
        ("UPDATE audit SET actor = 'nobody' WHERE number = 4", 4),
        ("UPDATE audit SET at = at + 1 WHERE number = 1", 1),
        ("UPDATE audit SET patients = '[]' WHERE number = 6", 6),
        ("DELETE FROM audit WHERE number = 5", 5),
        ("DELETE FROM audit WHERE number = 10", 10),
        ("DELETE FROM audit", 1),
        ("UPDATE audit SET number = 11 WHERE number = 10", 10),
    ],
)
def test_the_first_row_that_was_touched_is_named(trail: DeskStore, sql: str, broken: int) -> None:
    write(trail, sql)
    assert trail.verify_audit(KEY).broken_number == broken


def test_rows_taken_from_the_end_show_even_when_the_head_is_moved_back(trail: DeskStore) -> None:
    """The digest of row 8 is there to be copied; the seal of a head at 8 cannot be made."""
    write(trail, "DELETE FROM audit WHERE number > 8")
    write(
        trail,
        "UPDATE audit_head SET number = 8, digest = (SELECT digest FROM audit WHERE number = 8)",
    )
    verdict = trail.verify_audit(KEY)
    assert verdict.broken_number == 9
    assert "not sealed" in verdict.problem


def test_a_row_added_behind_the_head_shows(trail: DeskStore) -> None:
    write(
        trail,
        "INSERT INTO audit (number, at, actor, origin, act, channel, patients, subject, reason,"
        " details, digest) SELECT 11, at, actor, origin, act, channel, patients, subject, reason,"
        " details, digest FROM audit WHERE number = 10",
    )
    assert trail.verify_audit(KEY).broken_number == 11


def test_old_rows_are_forgotten_and_the_rest_is_a_chain_still(trail: DeskStore) -> None:
    noted = trail.audit_head()
    assert trail.prune_audit(KEY, 1_790_000_005.0) == 4
    assert trail.prune_audit(KEY, 1_790_000_005.0) == 0
    assert [row.number for row in trail.audit_rows(AuditSearch(patient="even"))] == [10, 8, 6]
    trail.audit(KEY, [entry(11)])
    verdict = trail.verify_audit(KEY, noted)
    assert (verdict.rows, verdict.broken_number) == (7, None)
    assert trail.prune_audit(KEY, 2_000_000_000.0) == 7
    trail.audit(KEY, [entry(12)])
    assert (trail.verify_audit(KEY).rows, trail.verify_audit(KEY).broken_number) == (1, None)


def test_rows_taken_from_the_beginning_show_even_when_the_base_is_moved(trail: DeskStore) -> None:
    """The digest of row 3 is there to be copied as where the trail begins."""
    write(
        trail,
        "UPDATE audit_head SET base_number = 3,"
        " base_digest = (SELECT digest FROM audit WHERE number = 3)",
    )
    write(trail, "DELETE FROM audit WHERE number <= 3")
    assert "not sealed" in trail.verify_audit(KEY).problem


def test_a_head_noted_elsewhere_shows_a_trail_that_was_made_anew(trail: DeskStore) -> None:
    noted = trail.audit_head()
    assert trail.verify_audit(KEY, noted).broken_number is None
    trail.audit(KEY, [entry(11)])
    assert trail.verify_audit(KEY, noted).broken_number is None
    other = AuditHead(number=10, digest=b"x" * 32)
    assert trail.verify_audit(KEY, other).broken_number == 10
    later = AuditHead(number=99, digest=b"x" * 32)
    assert "noted to reach 99" in trail.verify_audit(KEY, later).problem


def test_another_key_finds_nothing_as_it_was(trail: DeskStore) -> None:
    assert trail.verify_audit(b"other").broken_number == 1


def test_a_trail_is_sealed_with_one_key_only(trail: DeskStore) -> None:
    trail.agree_on_key(b"first")
    trail.agree_on_key(b"first")
    with pytest.raises(StoreUnavailable, match="another key"):
        trail.agree_on_key(b"second")


def test_many_write_at_once_and_the_chain_holds(open_trail: Callable[[], DeskStore]) -> None:
    open_trail().audit(KEY, [entry(0)])

    def run(number: int) -> None:
        mine = open_trail()
        for step in range(20):
            mine.audit(KEY, [entry(number * 100 + step), entry(number * 100 + step)])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, range(4)))
    verdict = open_trail().verify_audit(KEY)
    assert (verdict.rows, verdict.broken_number) == (161, None)


def test_users_and_their_scopes_come_back_as_they_were(open_trail: Callable[[], DeskStore]) -> None:
    found = open_trail()
    for channels in (None, (), ("adt", "oru")):
        user = UserRow(
            name=f"u{channels}", roles=("viewer", "auditor"), channels=channels, created_at=5.0
        )
        assert found.add_user(user)
        assert found.user(user.name) == user
    assert not found.add_user(UserRow(name="first"), unless_role="viewer")
    assert found.add_user(UserRow(name="first"), unless_role="administrator")
    assert found.has_role("auditor")
    assert not found.has_role("administrator")
    assert found.audit_key() == found.audit_key()
