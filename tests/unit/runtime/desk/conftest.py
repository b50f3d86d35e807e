"""A desk over a store with messages."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from stored_messages import START, StoredMessages

from engine.runtime.desk.desk import Desk
from engine.runtime.desk.rights import Viewer, rights_of


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store'}"


@pytest.fixture
def messages(url: str) -> Iterator[StoredMessages]:
    found = StoredMessages(url)
    yield found
    found.close()


@pytest.fixture
def desk(url: str, messages: StoredMessages) -> Iterator[Desk]:
    found = Desk(url, clock=lambda: START + 3600.0)
    yield found
    found.close()


@pytest.fixture
def viewer() -> Callable[..., Viewer]:
    """Makes a viewer of a role."""

    def make(role: str = "support", **given: object) -> Viewer:
        values: dict[str, object] = {"rights": rights_of([role]), "origin": "tests"}
        return Viewer(name=str(given.pop("name", role)), **(values | given))  # type: ignore[arg-type]

    return make
