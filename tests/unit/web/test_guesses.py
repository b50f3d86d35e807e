"""Guessing passwords: slowed by address and by name; a user is not kept out by strangers."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from consoles import PASSWORD, Site, TestClient, post

from engine.channel.console import ConsoleConfig
from engine.runtime.desk import accounts, guesses
from engine.runtime.desk.guesses import OF_ADDRESS, OF_NAME, tried, waiting_users
from engine.runtime.desk.rights import everything
from engine.runtime.desk.signing_in import SignInRefused, sign_in
from engine.store.desk import guesses as stored
from engine.telemetry.events import SignInFailed
from engine.web.server import listening

WRONG = "wrong password"
TOO_OFTEN = "too many wrong passwords"


def told(site: Site, name: str, address: str, password: str = WRONG) -> str:
    """What a sign-in says; empty: it is one."""
    try:
        sign_in(site.desk, name, password, f"console {address}")
    except SignInRefused as problem:
        return str(problem)
    return ""


def until_it_waits(site: Site, name: str, address: str, most: int = 50) -> int:
    return next(n for n in range(most) if TOO_OFTEN in told(site, name, address))


def test_an_address_waits_longer_each_time_whatever_names_it_tries(site):
    tries = sum(seconds == 0 for seconds in OF_ADDRESS.seconds) + 1
    for number in range(tries):
        assert "name or the password" in told(site, f"user{number}", "10.0.0.9")
    waits = []
    for number in range(tries, tries + 4):
        text = told(site, f"user{number}", "10.0.0.9")
        waits.append(int(text.partition("wait ")[2].partition(" ")[0]))
        site.clock.now += waits[-1]
        assert "name or the password" in told(site, f"user{number}", "10.0.0.9")
    assert waits == sorted(waits)
    assert waits[-1] > 4 * waits[0]
    assert "name or the password" in told(site, "user1", "10.0.0.10")


def test_another_address_of_the_same_network_is_no_new_one(site):
    for number in range(11):
        told(site, f"user{number}", f"2001:db8::{number}")
    assert TOO_OFTEN in told(site, "other", "2001:db8::ffff")
    assert TOO_OFTEN not in told(site, "other", "2001:db8:0:1::1")
    for number in range(11):
        told(site, f"user{number}", f"::ffff:10.1.1.{1}")
    assert TOO_OFTEN in told(site, "other", "10.1.1.1")


def test_guesses_from_elsewhere_do_not_keep_a_user_out_who_has_been_here_before(site):
    site.add_user("sam", "support")
    assert told(site, "sam", "10.0.0.1", PASSWORD) == ""
    for number in range(9):
        told(site, "sam", f"10.9.0.{number}")
    assert TOO_OFTEN in told(site, "sam", "10.9.1.1", PASSWORD)
    assert waiting_users(site.desk).keys() == {"sam"}
    assert told(site, "sam", "10.0.0.1", PASSWORD) == ""
    assert TOO_OFTEN in told(site, "sam", "10.9.1.1", PASSWORD)


def test_who_was_here_before_is_slowed_by_the_own_failures_and_not_by_those_of_neighbours(site):
    site.add_user("sam", "support")
    assert told(site, "sam", "10.0.0.1", PASSWORD) == ""
    for number in range(20):
        told(site, f"user{number}", "10.0.0.1")
    assert TOO_OFTEN in told(site, "sal", "10.0.0.1")
    assert told(site, "sam", "10.0.0.1", PASSWORD) == ""
    for _ in range(4):
        assert "name or the password" in told(site, "sam", "10.0.0.1")
    assert TOO_OFTEN in told(site, "sam", "10.0.0.1", PASSWORD)
    site.clock.now += 6
    assert told(site, "sam", "10.0.0.1", PASSWORD) == ""


def test_an_own_account_does_not_clear_the_guesses_of_an_address(site):
    site.add_user("eve", "viewer")
    for number in range(10):
        told(site, f"user{number}", "10.0.0.5")
        assert told(site, "eve", "10.0.0.5", PASSWORD) == ""
    assert "name or the password" in told(site, "another", "10.0.0.5")
    assert TOO_OFTEN in told(site, "another", "10.0.0.5")


def test_a_name_that_is_no_users_waits_as_one_that_is(site):
    site.add_user("sam", "support")
    for name in ("sam", "nobody"):
        answers = [told(site, name, f"10.0.{number}.{len(name)}") for number in range(8)]
        assert [TOO_OFTEN in one for one in answers] == [False] * 4 + [True] * 4


def test_many_guesses_at_once_are_not_more_than_one_after_the_other(site):
    free = sum(seconds == 0 for seconds in OF_NAME.seconds) + 1

    def guess(_: int) -> bool:
        try:
            with tried(site.desk, "sam", "console 10.0.0.1"):
                return True
        except guesses.TooOften:
            return False

    with ThreadPoolExecutor(5) as pool:
        assert sum(pool.map(guess, range(30))) == free


def test_an_administrator_lets_a_user_in_again(site):
    site.add_user("sam", "support")
    for number in range(5):
        told(site, "sam", f"10.0.0.{number}")
    assert TOO_OFTEN in told(site, "sam", "10.1.0.1", PASSWORD)
    site.add_user("ruth", "administrator")
    with site.desk.store() as store:
        sam = store.user("sam")
    accounts.change_user(site.desk, everything("tests", "tests"), sam)
    assert told(site, "sam", "10.1.0.1", PASSWORD) == ""


def test_the_own_password_cannot_be_guessed_at_an_open_session(site):
    site.add_user("sam", "support")
    with site.desk.store() as store:
        viewer = accounts.viewer_of(store.user("sam"), "console 10.0.0.1")
    texts = []
    for _ in range(6):
        with pytest.raises(accounts.AccountError) as problem:
            accounts.change_own_password(site.desk, viewer, WRONG, "a new pass phrase")
        texts.append(str(problem.value))
    assert "wrong" in texts[0]
    assert TOO_OFTEN in texts[-1]


def test_what_is_counted_does_not_grow_without_a_limit(site, monkeypatch):
    monkeypatch.setattr(stored, "ROWS_MAX", 5)
    for number in range(20):
        site.clock.now += 1
        with tried(site.desk, f"user{number}", f"console 10.0.0.{number}"):
            pass
    with site.desk.store() as store:
        assert not store.is_known_place("user user1")
        assert store.is_known_place("user user19")


@pytest.mark.parametrize(
    ("proxies", "peer", "forwarded", "believed"),
    [
        ((), "10.0.0.5", "198.51.100.7", "10.0.0.5"),
        (("10.0.0.5",), "10.0.0.5", "198.51.100.7", "198.51.100.7"),
        (("10.0.0.5",), "10.0.0.5", "127.0.0.1, 198.51.100.7", "198.51.100.7"),
        (("10.0.0.5",), "10.0.0.6", "198.51.100.7", "10.0.0.6"),
        (("10.0.0.5",), "10.0.0.5", "not an address", "not an address"),
    ],
)
def test_a_forwarded_address_is_believed_from_a_declared_proxy_alone(
    site, proxies, peer, forwarded, believed
):
    config = listening(site.console, ConsoleConfig(proxies=proxies))
    config.load()
    with TestClient(config.loaded_app, base_url="http://127.0.0.1", client=(peer, 1)) as client:
        client.headers["X-Forwarded-For"] = forwarded
        post(client, "/sign-in", {"name": "sam", "password": WRONG}, page="/sign-in")
    (event,) = [one for one in site.recorder.events if isinstance(one, SignInFailed)]
    assert event.address == believed
