"""Searches under a random id."""

import pytest

from engine.runtime.desk import saved_searches
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.rights import NotAllowed
from engine.runtime.desk.saved_searches import NameRefused, give_name, keep, take_away, text_of


def test_what_was_typed_is_its_owners_alone(desk, viewer):
    first, second = keep(desk, viewer(), "mrn:4711"), keep(desk, viewer(), "mrn:4711")
    assert first != second
    assert len(first) == saved_searches.ID_CHARACTERS
    assert text_of(desk, viewer(), first) == "mrn:4711"
    assert text_of(desk, viewer(name="somebody else"), first) is None
    assert text_of(desk, viewer(), "unknown") is None
    assert keep(desk, viewer(), "  ") == ""
    assert text_of(desk, viewer(), "") == ""


def test_it_expires(url, desk, viewer):
    search_id = keep(desk, viewer(), "mrn:4711")
    later = Desk(url, clock=lambda: desk.clock() + saved_searches.KEPT_SECONDS + 1)
    assert text_of(later, viewer(), search_id) is None
    later.close()


def test_a_named_search_is_everybodys(desk, viewer):
    named = give_name(desk, viewer(), keep(desk, viewer(), "status:ERROR"), "  all   errors ")
    assert text_of(desk, viewer(name="somebody else"), named) == "status:ERROR"
    assert [one.name for one in saved_searches.named(desk, viewer("viewer"))] == ["all errors"]


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "ALL ERRORS"])
def test_a_name_that_cannot_be_used_is_refused(desk, viewer, name):
    give_name(desk, viewer(), keep(desk, viewer(), "status:ERROR"), "all errors")
    with pytest.raises(NameRefused):
        give_name(desk, viewer(), keep(desk, viewer(), "status:HELD"), name)


def test_only_ones_own_search_can_be_named(desk, viewer):
    with pytest.raises(NameRefused, match="not kept"):
        give_name(desk, viewer(name="b"), keep(desk, viewer(name="a"), "status:ERROR"), "mine")


def test_a_named_search_is_taken_away_by_its_owner_or_who_manages_users(desk, viewer):
    ids = [give_name(desk, viewer(), keep(desk, viewer(), "code:T5"), f"n{n}") for n in range(2)]
    with pytest.raises(NotAllowed):
        take_away(desk, viewer(name="b"), ids[0])
    assert take_away(desk, viewer(), ids[0])
    assert take_away(desk, viewer("administrator", name="root"), ids[1])
    assert not take_away(desk, viewer(), ids[0])
