"""The one-line query of log search and replay."""

import pytest

from engine.pipeline.states import State
from engine.runtime.desk.search_query import QueryError, parse_query

NOW = 1_000_000.0


def test_words_with_names_become_conditions() -> None:
    found = parse_query("channel:adt status:error type:ADT^A01 code:T561 since:2h", now=NOW)
    assert found.channels == ("adt",)
    assert found.states == (State.ERROR,)
    assert found.message_types == ("ADT^A01",)
    assert found.codes == ("T561",)
    assert found.since == NOW - 7200


def test_a_bare_word_is_looked_up_in_every_key() -> None:
    assert parse_query("700053", now=NOW).keys == ((None, "700053"),)


def test_a_search_key_of_the_channel_is_its_name() -> None:
    assert parse_query('mrn:"700 053"', now=NOW).keys == (("mrn", "700 053"),)


def test_a_name_given_twice_means_either() -> None:
    assert parse_query("status:ERROR status:HELD", now=NOW).states == (State.ERROR, State.HELD)


def test_a_date_is_midnight_utc() -> None:
    assert parse_query("until:1970-01-02", now=NOW).until == 86400.0


@pytest.mark.parametrize("text", ["status:BROKEN", "id:abc", "since:yesterday", "job:x"])
def test_what_cannot_be_read_says_so(text: str) -> None:
    with pytest.raises(QueryError):
        parse_query(text, now=NOW)
