"""The duplicate index answers from bounded memory."""

from hashlib import sha256

from engine.pipeline.duplicate import NEW, DuplicateIndex, Seen
from engine.pipeline.states import Verdict

ONE, TWO = sha256(b"one").digest(), sha256(b"two").digest()


def test_same_id_and_bytes_of_a_sender_are_a_duplicate_of_the_first() -> None:
    index = DuplicateIndex(60, 10)
    index.remember("LAB|NORTH", "42", ONE, 7, 100.0)
    assert index.look_up("LAB|NORTH", "42", ONE, 101.0) == Seen(Verdict.DUPLICATE, 7)


def test_same_id_with_other_bytes_is_a_conflict_with_the_first() -> None:
    index = DuplicateIndex(60, 10)
    index.remember("LAB|NORTH", "42", ONE, 7, 100.0)
    assert index.look_up("LAB|NORTH", "42", TWO, 101.0) == Seen(Verdict.CONFLICT, 7)


def test_the_same_id_of_another_sender_is_new() -> None:
    index = DuplicateIndex(60, 10)
    index.remember("LAB|NORTH", "42", ONE, 7, 100.0)
    assert index.look_up("LAB|SOUTH", "42", ONE, 101.0) is NEW


def test_a_message_without_control_id_is_always_new() -> None:
    index = DuplicateIndex(60, 10)
    index.remember("LAB|NORTH", "", ONE, 7, 100.0)
    assert index.look_up("LAB|NORTH", "", ONE, 101.0) is NEW
    assert len(index) == 0


def test_an_id_older_than_the_window_is_new_again() -> None:
    index = DuplicateIndex(60, 10)
    index.remember("LAB|NORTH", "42", ONE, 7, 100.0)
    assert index.look_up("LAB|NORTH", "42", ONE, 160.0).verdict is Verdict.DUPLICATE
    assert index.look_up("LAB|NORTH", "42", ONE, 160.1) is NEW


def test_only_the_newest_ids_are_remembered() -> None:
    index = DuplicateIndex(60, 3)
    for number in range(5):
        index.remember("LAB|NORTH", str(number), ONE, number, 100.0)
    assert len(index) == 3
    assert index.look_up("LAB|NORTH", "1", ONE, 100.0) is NEW
    assert index.look_up("LAB|NORTH", "2", ONE, 100.0).duplicate_of == 2


def test_old_ids_leave_memory_as_new_ones_come() -> None:
    index = DuplicateIndex(60, 1000)
    for number in range(10):
        index.remember("LAB|NORTH", str(number), ONE, number, 0.0)
    for number in range(10, 20):
        index.remember("LAB|NORTH", str(number), ONE, number, 100.0)
    assert len(index) == 10


def test_the_newer_message_counts_when_an_id_came_with_other_bytes() -> None:
    index = DuplicateIndex(60, 10)
    index.carry_over([("L|N", "42", ONE, 7, 100.0), ("L|N", "42", TWO, 8, 101.0)])
    assert index.look_up("L|N", "42", TWO, 102.0) == Seen(Verdict.DUPLICATE, 8)
    assert len(index) == 1
