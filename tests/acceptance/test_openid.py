"""Signing in at an OpenID provider that nobody here wrote: oidc-provider from npm, certified."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from console_site import free_port, wait_for
from consoles import Site
from node_packages import installed

from engine.channel.connection import SecretReference
from engine.channel.console import OidcConfig
from engine.runtime.desk.desk import Desk
from engine.store.desk.rows import AuditSearch
from engine.telemetry.recorder import MemoryRecorder
from engine.web.console import Console, ConsoleSettings

pytestmark = pytest.mark.acceptance

SCRIPT = Path(__file__).parent / "node_openid" / "provider.mjs"
PACKAGE = "oidc-provider@9.13.3"
SECRET = "a secret / of the tests"

StartProvider = Callable[..., str]


@pytest.fixture(scope="module")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = installed(tmp_path_factory.mktemp("openid"), PACKAGE)
    shutil.copy(SCRIPT, folder)
    return folder


@pytest.fixture
def start_provider(node_modules: Path) -> Iterator[StartProvider]:
    running: list[subprocess.Popen[bytes]] = []

    def start(method: str, return_url: str = "http://127.0.0.1/openid/back") -> str:
        port = free_port()
        process = subprocess.Popen(
            ["node", SCRIPT.name, str(port), return_url, method],
            cwd=node_modules,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        running.append(process)
        issuer = f"http://127.0.0.1:{port}"

        def ready() -> bool:
            assert process.poll() is None
            try:
                metadata = httpx.get(f"{issuer}/.well-known/openid-configuration")
            except httpx.TransportError:
                return False
            return metadata.status_code == 200

        wait_for(ready, 60)
        return issuer

    yield start
    for process in running:
        process.terminate()
        process.wait(20)


@pytest.fixture
def make_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Site]]:
    monkeypatch.setenv("OIDC_SECRET", SECRET)
    desk = Desk(f"sqlite:///{tmp_path / 'store'}")
    site = None

    def make(issuer: str, *, public: bool = False) -> Site:
        nonlocal site
        config = OidcConfig(
            issuer=issuer,
            client_id="engine",
            client_secret=None if public else SecretReference(kind="env", name="OIDC_SECRET"),
            roles={"HL7-Support": "support"},
            channels={"HL7-Support": ("adt",)},
        )
        settings = ConsoleSettings(oidc=config, url="http://127.0.0.1")
        recorder = MemoryRecorder()
        site = Site(
            console=Console(desk, settings, recorder),
            recorder=recorder,
            clock=None,  # type: ignore[arg-type]
            url="",
        )
        return site

    yield make
    for client in site.clients if site is not None else ():
        client.close()
    desk.close()


def log_in(provider_url: str, account: str) -> str:
    """What a person does at the provider; the address the browser is sent back to."""
    with httpx.Client(timeout=20) as browser:
        answer = browser.get(provider_url)
        for _ in range(12):
            if answer.is_redirect:
                to = urljoin(str(answer.url), answer.headers["location"])
                if "/openid/back" in to:
                    return to
                answer = browser.get(to)
                continue
            action = answer.text.partition('action="')[2].partition('"')[0]
            prompt = answer.text.partition('name="prompt" value="')[2].partition('"')[0]
            form = {"prompt": prompt, "login": account, "password": "any"}
            answer = browser.post(urljoin(str(answer.url), action), data=form)
    raise AssertionError(answer.text)


def within(address: str) -> str:
    return address.removeprefix("http://127.0.0.1")


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
def test_an_account_signs_in_with_the_role_of_its_group(
    start_provider: StartProvider, make_site: Callable[..., Site], method: str
) -> None:
    site = make_site(start_provider(method), public=method == "none")
    client = site.browser()
    assert "/openid?to=/" in client.get("/sign-in").text
    begun = client.get("/openid?to=/messages")
    assert begun.status_code == 303
    back = client.get(within(log_in(begun.headers["location"], "ruth")))
    assert back.status_code == 200, back.text
    assert 'content="0; url=/messages"' in back.text
    assert client.get("/messages").status_code == 200
    with site.desk.store() as store:
        (user,) = store.users()
        (entry,) = [row.entry for row in store.audit_rows(AuditSearch(act="login"))]
    assert (user.name, user.roles, user.channels) == ("ruth@example.org", ("support",), ("adt",))
    assert not user.password
    assert (entry.actor, entry.subject) == ("ruth@example.org", "OpenID provider")
    # the same account again is the same user; its answer cannot be used twice
    again = client.get("/openid")
    address = within(log_in(again.headers["location"], "ruth"))
    assert client.get(address).status_code == 200
    assert client.get(address).status_code == 422
    with site.desk.store() as store:
        assert len(store.users()) == 1


def test_an_account_without_a_role_and_one_locked_out_stay_outside(
    start_provider: StartProvider, make_site: Callable[..., Site]
) -> None:
    site = make_site(start_provider("client_secret_basic"))
    client = site.browser()
    begun = client.get("/openid")
    refused = client.get(within(log_in(begun.headers["location"], "paul")))
    assert refused.status_code == 422
    assert "no role" in refused.text
    ruth = client.get(within(log_in(client.get("/openid").headers["location"], "ruth")))
    assert ruth.status_code == 200
    from dataclasses import replace

    with site.desk.store() as store:
        (user,) = store.users()
        store.save_user(replace(user, enabled=False))
    assert client.get("/").status_code == 303
    locked = client.get(within(log_in(client.get("/openid").headers["location"], "ruth")))
    assert "locked out" in locked.text


def test_an_answer_of_another_browser_is_not_taken(
    start_provider: StartProvider, make_site: Callable[..., Site]
) -> None:
    """Somebody who sends a person the address of his own sign-in would sign that person in."""
    site = make_site(start_provider("client_secret_basic"))
    attacker, victim = site.browser(), site.browser()
    address = within(log_in(attacker.get("/openid").headers["location"], "ruth"))
    assert "begin again" in victim.get(address).text
    victim.get("/openid")
    assert "another sign-in" in victim.get(address).text
    assert victim.get("/").status_code == 303
