"""Shared tokens on both databases: one who asks, whoever looks from wherever; nothing to steal."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import pytest_asyncio
import token_host
from token_host import TokenHost

from engine.channel.connection import SecretReference
from engine.channel.environment import AuthorizationConfig
from engine.destinations.authorization import fetching
from engine.destinations.authorization.requesting import Client
from engine.destinations.authorization.sealing import SealBrokenError, seal, unseal
from engine.destinations.authorization.token_cache import TokenCache
from engine.destinations.interface import AuthorizationFailed
from engine.pipeline.shared_token import LEASE_SECONDS, Verdict
from engine.runtime.worker.store_tokens import StoreTokens
from engine.runtime.worker.store_turn import StoreThread
from engine.store.interface import StoreUnavailable
from engine.store.open_store import open_state
from engine.store.token_interface import KEPT_SECONDS

CONFIG = AuthorizationConfig(client_id="engine 1", secret=SecretReference("env", "SECRET"))
BOTH = frozenset({"system/Patient.crus", "system/Observation.crus"})
AS_STORED = "SELECT client, generation, sealed, failure, holder FROM shared_tokens"


@pytest.fixture
def tokens(state):
    return state.tokens


# -- rows --


def test_of_many_who_look_at_once_one_asks(store, tokens):
    barrier = threading.Barrier(6)

    def look(holder: str) -> Verdict:
        own = open_state(store.url)
        try:
            barrier.wait()
            return own.tokens.look("c", holder).verdict
        finally:
            own.close()

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(look, "abcdef"))
    assert sorted(found) == [Verdict.ASK, *[Verdict.WAIT] * 5]


def test_a_token_is_kept_as_it_was_given_and_found_by_its_client_alone(tokens):
    assert tokens.look("c", "a").verdict is Verdict.ASK
    assert tokens.give("c", "a", b"\x00sealed\xff", 570.0) == 1
    found = tokens.look("c", "b")
    assert (found.verdict, found.kept.sealed) == (Verdict.USE, b"\x00sealed\xff")
    assert 500.0 < found.seconds_left <= 570.0
    assert tokens.look("d", "b").verdict is Verdict.ASK


def test_one_report_of_a_refused_token_drops_it_for_all(tokens):
    tokens.look("c", "a")
    tokens.give("c", "a", b"t", 570.0)
    assert tokens.look("c", "b", refused=1).verdict is Verdict.ASK
    assert tokens.look("c", "a", refused=1).verdict is Verdict.WAIT
    assert tokens.give("c", "b", b"u", 570.0) == 2
    assert tokens.look("c", "a", refused=1).kept.sealed == b"u"


def test_who_lost_the_right_to_ask_changes_nothing(tokens, state):
    tokens.look("c", "a")
    lapse(state)
    assert tokens.look("c", "b").verdict is Verdict.ASK
    assert tokens.give("c", "a", b"late", 570.0) == 0
    tokens.deny("c", "a", '["auth-client"]', 60.0)
    tokens.extend("c", "a")
    assert tokens.look("c", "c").verdict is Verdict.WAIT
    assert tokens.give("c", "b", b"t", 570.0) == 1


def test_tokens_that_ended_long_ago_are_forgotten(tokens, state):
    for client in ("old", "young"):
        tokens.look(client, "a")
        tokens.give(client, "a", b"t", 570.0)
    age(state, "old", KEPT_SECONDS + 600.0)
    tokens.look("c", "a")
    tokens.give("c", "a", b"t", 570.0)
    assert [row[0] for row in rows(state)] == ["c", "young"]


def test_a_store_that_is_closed_says_so(store):
    readonly = store.open_state(readonly=True)
    with pytest.raises(StoreUnavailable):
        readonly.tokens.look("c", "a")


def rows(state) -> list[tuple]:
    with state._database.reading() as transaction:
        return sorted(transaction.rows(AS_STORED))


def change(state, sql: str, *values: object) -> None:
    with state._database.writing() as transaction:
        transaction.write(sql, *values)


def held(state) -> list[float]:
    with state._database.reading() as transaction:
        return [row[0] for row in transaction.rows("SELECT held_until FROM shared_tokens")]


def lapse(state) -> None:
    """The holder has shown no life for long enough."""
    sql = "UPDATE shared_tokens SET held_until = held_until - ?"
    change(state, sql, LEASE_SECONDS)


def age(state, client: str, seconds: float) -> None:
    sql = (
        "UPDATE shared_tokens SET issued_at = issued_at - ?, asked_at = asked_at - ?"
        " WHERE client = ?"
    )
    change(state, sql, seconds, seconds, client)


# -- seals --


def test_what_is_sealed_opens_with_the_credential_and_under_the_name_only():
    sealed = seal("secret", "c", b"token")
    assert unseal("secret\n", "c", sealed) == b"token"
    assert b"token" not in sealed
    assert seal("secret", "c", b"token") != sealed
    for wrong in [("other", "c", sealed), ("secret", "d", sealed), ("secret", "c", sealed[:-1])]:
        with pytest.raises(SealBrokenError):
            unseal(*wrong)
    with pytest.raises(SealBrokenError):
        unseal("secret", "c", b"")


# -- processes, each with a cache and a connection of its own --


class Processes:
    """Caches of one client as several processes have them."""

    def __init__(self, url: str, host: TokenHost) -> None:
        self.url = url
        self.host = host
        self.threads: list[StoreThread] = []
        self.made: list[TokenCache] = []

    def cache(self, secret: str = "s3cret", config: AuthorizationConfig = CONFIG) -> TokenCache:
        thread = StoreThread(lambda: open_state(self.url))
        client = Client(authorization=config, root=self.host.root)
        made = TokenCache(client, lambda _: secret, shared=StoreTokens(thread))
        self.threads.append(thread)
        self.made.append(made)
        return made

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():  # noqa: ASYNC110  a request at a server has no event here
            await asyncio.sleep(0)

    async def close(self) -> None:
        for cache in self.made:
            await cache.close()
        for thread in self.threads:
            thread.close()


@pytest_asyncio.fixture
async def processes(store, state) -> AsyncIterator[Processes]:
    async with token_host.running() as host:
        found = Processes(store.url, host)
        yield found
        await found.close()


async def test_two_hundred_who_ask_in_four_processes_make_one_request(processes, state):
    caches = [processes.cache() for _ in range(4)]
    asked = [cache.token(BOTH) for _ in range(50) for cache in caches]
    found = await asyncio.gather(*asked)
    assert {token.value for token in found} == {"token-1"}
    assert {token.granted for token in found} == {BOTH}
    assert processes.host.issued == 1
    (row,) = rows(state)
    assert b"token-1" not in row[2]
    assert not {"s3cret", "token-1", "engine 1"} & {str(part) for part in row}


async def test_a_process_that_starts_later_takes_the_token_there_is(processes):
    first = processes.cache()
    await first.token(BOTH)
    await first.close()
    assert (await processes.cache().token(BOTH)).value == "token-1"
    assert processes.host.issued == 1


async def test_a_revoked_token_is_renewed_once_for_all_processes(processes):
    caches = [processes.cache() for _ in range(4)]
    old = await asyncio.gather(*(cache.token(BOTH) for cache in caches))
    for cache, token in zip(caches, old, strict=True):
        cache.rejected(token)
    new = await asyncio.gather(*(cache.token(BOTH) for cache in caches))
    assert {token.value for token in new} == {"token-2"}
    late = processes.cache()
    assert (await late.token(BOTH)).value == "token-2"
    assert processes.host.issued == 2


async def test_a_renewed_token_that_is_refused_too_stops_all_processes(processes):
    one, other = processes.cache(), processes.cache()
    one.rejected(await one.token(BOTH))
    one.rejected(await one.token(BOTH))
    for cache in (one, other):
        with pytest.raises(AuthorizationFailed) as caught:
            await cache.token(BOTH)
        assert caught.value.code == "auth-token"
        assert caught.value.explanation.code == "S783"
    assert processes.host.issued == 2


async def test_a_refused_client_is_tried_once_by_all_processes(processes):
    refused = token_host.refused(401, "invalid_client", "invalid-client-credentials")
    processes.host.answer = lambda _: refused
    problems = []
    for cache in (processes.cache(), processes.cache()):
        with pytest.raises(AuthorizationFailed) as caught:
            await cache.token(BOTH)
        problems.append(caught.value)
    assert {problem.code for problem in problems} == {"auth-client"}
    assert problems[0].explanation == problems[1].explanation
    assert 0 < (problems[1].retry_after_seconds or 0) <= 60
    assert len(processes.host.forms) == 1


async def test_who_ends_while_it_asks_leaves_the_right_to_others(processes, state):
    processes.host.hold = asyncio.Event()
    ending = processes.cache()
    given_up = asyncio.create_task(ending.token(BOTH))
    await processes.until(lambda: len(processes.host.forms) == 1)
    await ending.close()
    await asyncio.gather(given_up, return_exceptions=True)
    assert [row[4] for row in rows(state)] == [""]
    processes.host.hold.set()
    assert (await processes.cache().token(BOTH)).granted == BOTH


async def test_who_asks_shows_life_until_the_endpoint_answers(processes, state, monkeypatch):
    monkeypatch.setattr(fetching, "SIGN_OF_LIFE_SECONDS", 0.01)
    processes.host.hold = asyncio.Event()
    asking = asyncio.create_task(processes.cache().token(BOTH))
    await processes.until(lambda: len(processes.host.forms) == 1)
    lapse(state)
    (lapsed,) = held(state)
    await processes.until(lambda: held(state)[0] > lapsed)
    processes.host.hold.set()
    assert (await asking).value == "token-1"


async def test_when_who_asks_dies_another_takes_over(processes, state, monkeypatch):
    monkeypatch.setattr(fetching, "SIGN_OF_LIFE_SECONDS", 3600.0)
    processes.host.hold = asyncio.Event()
    dying, waiting = processes.cache(), processes.cache()
    given_up = asyncio.create_task(dying.token(BOTH))
    await processes.until(lambda: len(processes.host.forms) == 1)
    follower = asyncio.create_task(waiting.token(BOTH))
    lapse(state)  # the one who asks shows no life
    await processes.until(lambda: len(processes.host.forms) == 2)
    processes.host.hold.set()
    token = await follower
    assert (await given_up).granted == BOTH
    assert [row[1] for row in rows(state)] == [1]
    assert (await processes.cache().token(BOTH)).value == token.value


async def test_without_the_store_a_process_has_a_token_of_its_own(processes, state):
    cache = processes.cache()
    change(state, "ALTER TABLE shared_tokens RENAME TO away")
    first = await cache.token(BOTH)
    assert first.value == "token-1"
    cache.rejected(first)
    change(state, "ALTER TABLE away RENAME TO shared_tokens")
    assert (await cache.token(BOTH)).value == "token-2"
    assert [row[1] for row in rows(state)] == [1]


async def test_a_token_of_another_credential_is_left_to_those_who_have_it(processes, state):
    first = processes.cache()
    await first.token(BOTH)
    changed = processes.cache("the new secret")
    assert (await changed.token(BOTH)).value == "token-2"
    assert (await processes.cache().token(BOTH)).value == "token-1"
    age(state, rows(state)[0][0], 61.0)
    later = processes.cache("the new secret")
    assert (await later.token(BOTH)).value == "token-3"
    assert (await processes.cache("the new secret").token(BOTH)).value == "token-3"


async def test_other_scopes_and_other_clients_have_tokens_of_their_own(processes, state):
    await processes.cache().token(BOTH)
    await processes.cache().token(frozenset({"system/Patient.crus"}))
    await processes.cache(config=replace(CONFIG, client_id="engine 2")).token(BOTH)
    assert processes.host.issued == 3
    assert len(rows(state)) == 3
