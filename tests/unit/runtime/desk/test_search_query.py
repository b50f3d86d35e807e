"""The one-line query of search box, log search and replay."""

import pytest

from engine.pipeline.states import Origin, State, Verdict
from engine.runtime.desk.search_query import QueryError, parse_query, plain_id, read_query

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
    assert parse_query("key:700053", now=NOW).keys == ((None, "700053"),)


def test_a_search_key_of_the_channel_is_its_name() -> None:
    assert parse_query('mrn:"700 053"', now=NOW).keys == (("mrn", "700 053"),)
    found = read_query("casenumber:7", now=NOW, kinds=("caseNumber",))
    assert found.search.keys == (("caseNumber", "7"),)


def test_a_blank_after_the_colon_is_let_pass() -> None:
    found = parse_query("mrn: 7 destination: ris", now=NOW)
    assert (found.keys, found.destinations) == ((("mrn", "7"),), ("ris",))


def test_a_name_given_twice_means_either() -> None:
    assert parse_query("status:ERROR status:HELD", now=NOW).states == (State.ERROR, State.HELD)


def test_what_never_ran_has_a_status_too() -> None:
    found = parse_query("status:fault status:ERROR", now=NOW)
    assert (found.verdicts, found.states) == ((Verdict.FAULT,), (State.ERROR,))


def test_a_date_is_midnight_utc() -> None:
    assert parse_query("until:1970-01-02", now=NOW).until == 86400.0


def test_ids_of_destinations_are_taken_out_of_what_stands_around_them() -> None:
    found = parse_query("fhir:Patient/12 request:r-7", now=NOW)
    assert found.carried_ids == ("12", "r-7")
    assert plain_id("https://s.example/r4/Patient/12/_history/3?x=1") == "12"


def test_replays_are_asked_for_by_yes_and_no() -> None:
    assert parse_query("replayed:yes", now=NOW).origins == (Origin.REPLAY, Origin.RESEND)
    assert parse_query("replayed:no", now=NOW).origins == (Origin.RECEIVED,)


def test_fields_and_quoted_texts_are_kept_apart_from_what_the_store_knows() -> None:
    found = read_query('status:ERROR PID-8:X PID-3[type=MR].1:7 "chest pain"', now=NOW)
    assert found.search.states == (State.ERROR,)
    assert [one.path.text for one in found.fields] == ["PID-8", "PID-3[type=MR].1"]
    assert found.texts == ("chest pain",)
    assert found.reads_messages
    assert found.asks_for_person


def test_an_address_is_a_word_and_no_name() -> None:
    assert parse_query("urn:oid:2.16.840", now=NOW).keys == ((None, "urn:oid:2.16.840"),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stauts:ERROR", 'did you mean "status:"'),
        ("mnr:7", 'did you mean "mrn:"'),
        ("status:EROR", "did you mean ERROR"),
        ("status:BROKEN", "states are"),
        ("id:abc", "wants a number"),
        ("id:٣", "wants a number"),
        ("since:yesterday", "is no time"),
        ("since:2026-13-01", "is no time"),
        ("job:x", "wants a number"),
        ("replayed:perhaps", "yes or no"),
        ("mrn:", "wants a value"),
        ('mrn:""', "wants a value"),
        ("mrn: type:ADT", "mrn: wants a value"),
        ("PID-0:x", "is no path"),
        ("x " * 60, "at most 50 words"),
        ("x" * 3000, "at most 2,000 characters"),
    ],
)
def test_what_cannot_be_read_says_so(text: str, said: str) -> None:
    with pytest.raises(QueryError, match=said):
        read_query(text, now=NOW)


def test_with_the_kinds_known_any_other_name_is_refused() -> None:
    with pytest.raises(QueryError, match=r"there is no \"zip:\".*PID-8:"):
        read_query("zip:8000", now=NOW, kinds=("caseNumber",))
    assert parse_query("zip:8000", now=NOW).keys == (("zip", "8000"),)


def test_where_messages_are_not_read_their_fields_cannot_be_asked_for() -> None:
    with pytest.raises(QueryError, match="not possible here"):
        parse_query("PID-8:X", now=NOW)
