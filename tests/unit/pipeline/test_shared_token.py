"""Who asks for a token, who waits, who goes on: with rows and times alone."""

from dataclasses import replace

import pytest

from engine.pipeline.shared_token import (
    LEASE_SECONDS,
    KeptToken,
    Verdict,
    denied,
    extended,
    given,
    look,
)

ALIVE = KeptToken(generation=3, sealed=b"t", issued_at=1000.0, lifetime_seconds=570.0)


def asked(kept: KeptToken, now: float, holder: str = "a", **told: int) -> KeptToken:
    found = look(kept, now, holder, **told)
    assert found.verdict is Verdict.ASK
    return found.kept


def test_the_first_who_looks_asks_and_all_others_wait():
    kept = asked(KeptToken(), 1000.0)
    assert look(kept, 1000.1, "b").verdict is Verdict.WAIT
    after = given(kept, "a", b"token", 570.0)
    assert after is not None
    found = look(after, 1001.0, "b")
    assert (found.verdict, found.kept.generation, found.seconds_left) == (Verdict.USE, 1, 569.0)
    assert found.kept == after


def test_a_right_to_ask_that_shows_no_life_passes_to_the_next():
    kept = asked(KeptToken(), 1000.0)
    alive = extended(kept, 1010.0, "a")
    assert alive is not None
    assert look(alive, 1000.0 + LEASE_SECONDS, "b").verdict is Verdict.WAIT
    taken = asked(alive, 1010.0 + LEASE_SECONDS, "b")
    assert given(taken, "a", b"late", 570.0) is None
    assert denied(taken, 1030.0, "a", "why", 60.0) is None
    assert extended(taken, 1030.0, "a") is None


def test_within_the_last_minute_one_renews_while_others_go_on():
    assert look(ALIVE, 1509.0, "a").kept == ALIVE
    kept = asked(ALIVE, 1510.0)
    assert look(kept, 1511.0, "b").verdict is Verdict.USE
    assert look(kept, 1571.0, "b").verdict is Verdict.ASK
    renewing = replace(kept, held_until=1600.0)
    assert look(renewing, 1571.0, "b").verdict is Verdict.WAIT


def test_a_short_lived_token_is_renewed_in_its_last_fifth():
    short = replace(ALIVE, lifetime_seconds=30.0)
    assert look(short, 1023.0, "a").verdict is Verdict.USE
    assert look(short, 1024.0, "a").verdict is Verdict.ASK


def test_only_the_first_who_reports_a_generation_drops_it():
    kept = asked(ALIVE, 1100.0, "a", refused=3)
    assert look(kept, 1100.1, "b", refused=3).verdict is Verdict.WAIT
    renewed = given(kept, "a", b"next", 570.0)
    assert renewed is not None
    late = look(renewed, 1101.0, "c", refused=3)
    assert (late.verdict, late.kept) == (Verdict.USE, renewed)


def test_a_renewed_token_that_is_refused_too_leaves_the_endpoint_alone_for_a_minute():
    renewed = given(asked(ALIVE, 1100.0, refused=3), "a", b"next", 570.0)
    assert renewed is not None
    found = look(renewed, 1101.0, "b", refused=4)
    assert (found.verdict, found.kept.blocked_until, found.kept.failure) == (
        Verdict.BLOCKED,
        1160.0,
        "",
    )
    assert look(found.kept, 1160.0, "c").verdict is Verdict.ASK


def test_a_token_that_came_to_its_end_in_peace_may_be_followed_by_force_again():
    forced = replace(ALIVE, forced=True)
    follower = given(asked(forced, 1600.0), "a", b"next", 570.0)
    assert follower is not None
    assert asked(follower, 1610.0, "b", refused=4).forced


def test_a_failure_is_everyones_only_where_it_has_a_pause():
    kept = asked(KeptToken(), 1000.0)
    own = denied(kept, 1001.0, "a", "unreachable", 0.0)
    assert own is not None
    assert look(own, 1001.0, "b").verdict is Verdict.ASK
    everyones = denied(kept, 1001.0, "a", "refused", 60.0)
    assert everyones is not None
    found = look(everyones, 1060.0, "b")
    assert (found.verdict, found.kept.failure) == (Verdict.BLOCKED, "refused")
    assert look(everyones, 1061.0, "b").verdict is Verdict.ASK


def test_a_renewal_that_fails_leaves_the_token_to_its_end():
    failing = denied(asked(ALIVE, 1520.0), 1520.0, "a", "busy", 60.0)
    assert failing is not None
    assert look(failing, 1530.0, "b").verdict is Verdict.USE
    assert look(failing, 1570.0, "b").verdict is Verdict.BLOCKED


def test_two_credentials_do_not_take_turns_at_the_endpoint():
    assert look(ALIVE, 1059.0, "b", unreadable=3).verdict is Verdict.APART
    kept = asked(ALIVE, 1060.0, "b", unreadable=3)
    assert not kept.forced
    assert look(ALIVE, 1060.0, "b", unreadable=2).verdict is Verdict.USE


@pytest.mark.parametrize("refused", [0, 2])
def test_what_was_refused_before_changes_nothing(refused: int):
    assert look(ALIVE, 1100.0, "a", refused=refused).kept == ALIVE


def test_a_clock_that_was_set_back_stops_nobody():
    held = asked(KeptToken(), 5000.0)
    assert look(held, 1000.0, "b").verdict is Verdict.ASK
    blocked = denied(held, 5000.0, "a", "refused", 60.0)
    assert blocked is not None
    assert look(blocked, 1000.0, "b").verdict is Verdict.ASK
    issued = given(held, "a", b"token", 570.0)
    assert issued is not None
    found = look(issued, 1000.0, "b")
    assert (found.verdict, found.seconds_left) == (Verdict.USE, 570.0)
    assert look(found.kept, 1570.0, "b").verdict is Verdict.ASK
