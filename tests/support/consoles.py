"""A console without a process, and browsers without JavaScript that are signed in to it."""

import warnings
from dataclasses import dataclass, field

from engine.runtime.desk import accounts, tokens
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.rights import everything
from engine.telemetry.recorder import MemoryRecorder
from engine.web.application import application
from engine.web.console import Console

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it would like another HTTP library
    from starlette.testclient import TestClient

PASSWORD = "correct horse battery"


@dataclass
class Clock:
    """A clock that tests move."""

    now: float = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Site:
    """A console and its store."""

    console: Console
    recorder: MemoryRecorder
    clock: Clock
    url: str
    clients: list[TestClient] = field(default_factory=list)

    @property
    def desk(self) -> Desk:
        return self.console.desk

    def browser(self) -> TestClient:
        """A browser nobody has signed in with."""
        client = TestClient(
            application(self.console), base_url="http://127.0.0.1", follow_redirects=False
        )
        self.clients.append(client)
        return client

    def add_user(self, name: str, *roles: str, channels: tuple[str, ...] | None = None) -> None:
        accounts.add_user(
            self.desk,
            everything("tests", "tests"),
            name=name,
            password=PASSWORD,
            roles=roles,
            channels=channels,
        )

    def signed_in(self, *roles: str, channels: tuple[str, ...] | None = None) -> TestClient:
        """A browser of a new user with these roles."""
        name = f"{'-'.join(roles)}{len(self.clients)}"
        self.add_user(name, *roles, channels=channels)
        client = self.browser()
        answer = post(client, "/sign-in", {"name": name, "password": PASSWORD}, page="/sign-in")
        assert answer.status_code == 303, answer.text
        return client

    def token(self, *roles: str, channels: tuple[str, ...] | None = None) -> dict[str, str]:
        """What a new program with these roles sends along."""
        _, value = tokens.add_token(
            self.desk,
            everything("tests", "tests"),
            name="feed-monitor",
            roles=roles,
            channels=channels,
            days=90,
        )
        return {"Authorization": f"Bearer {value}"}


def token_of(html: str) -> str:
    """The form token of a page."""
    return html.partition('name="csrf" content="')[2].partition('"')[0]


def post(client: TestClient, path: str, data: dict[str, str], page: str = "/"):
    """Send a form as a browser does that has loaded `page`."""
    token = token_of(client.get(page).text)
    return client.post(path, data={"csrf": token, **data})
