"""Grammars: which move is chosen, what it breaks, and when another grammar is borrowed."""

import pytest

from engine.hl7v2 import definitions
from engine.hl7v2.grammar import START, borrowed_grammar, grammar


def walk(rules, *names):
    """The last move after following all of them."""
    state = START
    for name in names:
        move = rules.move(state, name)
        assert move is not None, name
        state = move.state
    return move


def test_a_structure_that_does_not_exist_has_no_grammar():
    assert grammar("2.5.1", "FOO_B99") is None


def test_moves_are_searched_once():
    rules = grammar("2.5.1", "ADT_A01")
    assert rules.move(START, "MSH") is rules.move(START, "MSH")


def test_a_name_the_structure_lacks_is_no_move_and_is_not_remembered():
    rules = grammar("2.5.1", "ADT_A01")
    assert rules.move(START, "ZZZ") is None
    assert "ZZZ" not in rules.moves[START]


def test_opening_groups_names_them_from_the_outside():
    rules = grammar("2.5.1", "ORU_R01")
    move = walk(rules, "MSH", "PID")
    assert [name for name, _ in move.opened] == ["PATIENT_RESULT", "PATIENT"]
    assert move.depth == 0
    move = walk(rules, "MSH", "PID", "OBR")
    assert [name for name, _ in move.opened] == ["ORDER_OBSERVATION"]
    assert move.depth == 1


def test_a_repeating_slot_stays_and_a_repeating_group_begins_anew():
    rules = grammar("2.5.1", "ORU_R01")
    stay = walk(rules, "MSH", "PID", "OBR", "NTE", "NTE")
    assert stay.opened == ()
    anew = walk(rules, "MSH", "PID", "OBR", "OBX", "OBX")
    assert anew.opened == (("OBSERVATION", False),)


def test_skipped_required_parts_are_named():
    rules = grammar("2.5.1", "ADT_A01")
    assert walk(rules, "MSH", "PID").missing == ("EVN",)
    assert walk(rules, "MSH", "EVN", "PID", "DG1").missing == ("PV1",)


def test_a_second_segment_in_a_slot_for_one_is_marked():
    rules = grammar("2.5.1", "ADT_A01")
    assert walk(rules, "MSH", "EVN", "PID", "PID").repeated


def test_going_back_is_marked():
    rules = grammar("2.5.1", "ADT_A01")
    move = walk(rules, "MSH", "EVN", "PID", "PV1", "DG1", "AL1")
    assert move.backward
    assert move.missing == ()


def test_what_is_missing_at_the_end_depends_on_where_it_ends():
    rules = grammar("2.5.1", "ADT_A01")
    assert rules.missing_at_end(walk(rules, "MSH", "EVN").state) == ("PID", "PV1")
    assert rules.missing_at_end(walk(rules, "MSH", "EVN", "PID", "PV1").state) == ()
    assert rules.missing_at_end(START) == ("MSH", "EVN", "PID", "PV1")


@pytest.mark.parametrize("version", definitions.VERSIONS)
def test_every_structure_places_each_of_its_segments(version):
    for name in definitions.structure_names(version):
        rules = grammar(version, name)
        for slot in rules.slots:
            assert rules.move(START, slot[-1]) is not None, (name, slot)


def test_a_grammar_is_borrowed_only_when_it_knows_more():
    assert borrowed_grammar("2.5.1", "ADT_A01", frozenset({"MSH", "PID"})) is None
    assert borrowed_grammar("2.5.1", "ADT_A01", frozenset({"MSH", "PID", "XYZ"})) is None
    assert borrowed_grammar("2.3", "ORU_R01", frozenset({"MSH", "PID", "SPM"})).version == "2.5"


def test_segments_that_may_stand_anywhere_borrow_nothing():
    assert borrowed_grammar("2.5.1", "ORU_R01", frozenset({"MSH", "PID", "PRT"})) is None


def test_a_withdrawn_structure_is_borrowed_from_the_nearest_version():
    assert borrowed_grammar("2.8", "ORM_O01", frozenset({"MSH"})).version == "2.6"
    assert borrowed_grammar("2.8", "FOO_B99", frozenset({"MSH"})) is None


def test_another_structure_of_the_code_is_borrowed_for_segments_no_version_of_the_own_has():
    names = frozenset({"MSH", "EVN", "PID", "PV1", "DG1", "IN1"})
    found = borrowed_grammar("2.5.1", "ADT_A02", names)
    assert (found.structure, found.version) == ("ADT_A01", "2.5.1")


def test_a_structure_with_other_groups_around_the_known_segments_is_not_borrowed():
    names = frozenset({"MSH", "EVN", "PID", "MRG", "DG1"})
    assert borrowed_grammar("2.5.1", "ADT_A39", names) is None
