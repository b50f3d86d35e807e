"""Order in lanes, on both of a merge's lanes, and what a waiting head does not hold up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.pipeline.lanes import Key, LaneBoard

A: Key = ("adt", "A")
B: Key = ("adt", "B")


def board(*items: tuple[int, tuple[Key, ...]]) -> LaneBoard:
    made = LaneBoard()
    for item, keys in items:
        made.add(item, keys)
    return made


def test_items_of_one_lane_start_one_after_the_other() -> None:
    lanes = board((1, (A,)), (2, (A,)), (3, (A,)))
    assert lanes.take() == 1
    assert lanes.take() is None
    assert lanes.finish(1) == [2]
    assert lanes.take() == 2


def test_lanes_do_not_wait_for_each_other() -> None:
    assert board((1, (A,)), (2, (B,)), (3, (A,))).take_up_to(9) == [1, 2]


def test_items_without_a_lane_never_wait() -> None:
    assert board((1, ()), (2, ()), (3, ())).take_up_to(9) == [1, 2, 3]


def test_merge_waits_until_it_heads_both_lanes_and_holds_both() -> None:
    lanes = board((1, (A,)), (2, (B,)), (3, (A, B)), (4, (A,)), (5, (B,)))
    assert lanes.take_up_to(9) == [1, 2]
    assert lanes.finish(1) == []
    assert lanes.finish(2) == [3]
    assert lanes.take_up_to(9) == [3]
    assert lanes.finish(3) == [4, 5]


def test_merge_of_a_lane_with_itself_stands_in_it_once() -> None:
    lanes = board((1, (A, A)), (2, (A,)))
    assert lanes.take() == 1
    assert lanes.finish(1) == [2]


def test_item_that_is_not_finished_blocks_its_lane_only() -> None:
    lanes = board((1, (A,)), (2, (A,)), (3, (B,)), (4, (B,)))
    assert lanes.take_up_to(9) == [1, 3]
    lanes.finish(3)
    assert lanes.take_up_to(9) == [4]
    assert 2 in lanes


def test_item_given_back_is_ready_again() -> None:
    lanes = board((1, (A,)))
    assert lanes.take() == 1
    lanes.give_back(1)
    assert lanes.ready == 1
    assert lanes.take() == 1


def test_replay_takes_the_place_of_the_head_it_replaces() -> None:
    lanes = board((1, (A,)), (2, (A,)))
    assert lanes.take() == 1
    lanes.replace(1, by=9)
    assert lanes.take() == 9
    assert lanes.take() is None
    assert lanes.finish(9) == [2]


def test_dropped_items_leave_and_others_move_up() -> None:
    lanes = board((1, (A,)), (2, (A,)), (3, (A,)), (4, (B,)))
    lanes.drop([1, 4, 77])
    assert lanes.take_up_to(9) == [2]
    lanes.drop([3])
    assert lanes.finish(2) == []
    assert len(lanes) == 0


def test_item_on_the_board_cannot_be_added_again() -> None:
    lanes = board((1, (A,)))
    with pytest.raises(ValueError, match="on the board already"):
        lanes.add(1, (B,))


def test_empty_board_keeps_nothing() -> None:
    lanes = board((1, (A,)), (2, (A, B)))
    for item in (1, 2):
        assert lanes.take() == item
        lanes.finish(item)
    assert (len(lanes), lanes.ready, lanes.is_head(2)) == (0, 0, False)


KEYS: list[Key] = [("c", name) for name in "abcd"]


@given(
    st.lists(st.lists(st.sampled_from(KEYS), max_size=2), max_size=40),
    st.randoms(use_true_random=False),
)
def test_every_lane_finishes_in_the_order_of_arrival(
    lanes_of: list[list[Key]], choice: object
) -> None:
    lanes = LaneBoard()
    for item, keys in enumerate(lanes_of):
        lanes.add(item, keys)
    started: list[int] = []
    finished: list[int] = []
    while len(lanes):
        started += lanes.take_up_to(3)
        running = [item for item in started if item in lanes]
        held = [set(lanes_of[item]) for item in running]
        assert sum(map(len, held)) == len(set().union(*held)), "two running items share a lane"
        item = choice.choice(running)  # type: ignore[attr-defined]
        finished.append(item)
        lanes.finish(item)
    assert sorted(finished) == list(range(len(lanes_of)))
    for key in KEYS:
        in_lane = [item for item in finished if key in lanes_of[item]]
        assert in_lane == sorted(in_lane)
