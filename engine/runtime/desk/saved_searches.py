"""Rim. Searches under a random id: what is typed may name a patient, and must stay out of URLs.

Every search that was typed is kept for its owner for some days, so that its page can be loaded
again and gone back to. One that is given a name is for everybody who may search.
"""

import secrets
import string

from engine.runtime.desk.audit import Act, record
from engine.runtime.desk.desk import Desk
from engine.runtime.desk.rights import Right, Viewer
from engine.runtime.desk.search_query import QueryError, read_query
from engine.store.interface import SavedSearch

KEPT_SECONDS = 7 * 86_400.0
ID_CHARACTERS = 16
"""Of 62 letters: 95 bits, so that no id can be guessed."""
NAME_CHARACTERS_MAX = 80
_LETTERS = string.ascii_letters + string.digits


class NameRefused(ValueError):  # noqa: N818  said to the user in these words
    """A search cannot be named so; the text says why."""


def keep(desk: Desk, viewer: Viewer, text: str) -> str:
    """Keep what was typed for its owner; returns its id. Empty text has the empty id."""
    viewer.require(Right.SEE_MESSAGES)
    if not text.strip():
        return ""
    now = desk.clock()
    search = SavedSearch(
        search_id=_new_id(),
        owner=viewer.name,
        name="",
        query=text,
        created_at=now,
        expires_at=now + KEPT_SECONDS,
    )
    with desk.log() as log:
        log.save_search(search)
    return search.search_id


def text_of(desk: Desk, viewer: Viewer, search_id: str) -> str | None:
    """What was typed; None when it has expired, or is somebody else's and has no name."""
    viewer.require(Right.SEE_MESSAGES)
    if not search_id:
        return ""
    with desk.log() as log:
        found = log.saved_search(search_id)
    if found is None or (not found.name and found.owner != viewer.name):
        return None
    if not _is_within(found, viewer):
        return None
    if found.expires_at is not None and found.expires_at < desk.clock():
        return None
    return found.query


def named(desk: Desk, viewer: Viewer) -> list[SavedSearch]:
    """The searches with a name, by it; without those that ask for channels beyond the scope."""
    viewer.require(Right.SEE_MESSAGES)
    with desk.log() as log:
        return [one for one in log.named_searches() if _is_within(one, viewer)]


def give_name(desk: Desk, viewer: Viewer, search_id: str, name: str) -> str:
    """Keep one's own search for everybody under a name; returns its new id.

    Raises:
        NameRefused: there is no such search, or the name is empty, too long or taken.
    """
    viewer.require(Right.SEE_MESSAGES)
    plain = " ".join(name.split())
    if not plain or len(plain) > NAME_CHARACTERS_MAX:
        raise NameRefused(f"a name has 1 to {NAME_CHARACTERS_MAX} characters")
    text = text_of(desk, viewer, search_id)
    if not text:
        raise NameRefused("that search is not kept any more")
    now = desk.clock()
    with desk.log() as log:
        if any(one.name.casefold() == plain.casefold() for one in log.named_searches()):
            raise NameRefused("there is a search of that name")
    search = SavedSearch(
        search_id=_new_id(),
        owner=viewer.name,
        name=plain,
        query=text,
        created_at=now,
        expires_at=None,
    )
    record(desk, viewer, Act.SEARCH, subject="named search", details=_hash(desk, text))
    with desk.log() as log:
        log.save_search(search)
    return search.search_id


def take_away(desk: Desk, viewer: Viewer, search_id: str) -> bool:
    """Take a named search away: its owner may, and who says who may do what."""
    with desk.log() as log:
        found = log.saved_search(search_id)
        if found is None:
            return False
        if found.owner != viewer.name:
            viewer.require(Right.USERS)
        return log.forget_search(search_id)


def _is_within(search: SavedSearch, viewer: Viewer) -> bool:
    """It asks for no channel beyond the scope, and for no patient when the viewer may not.

    The own ones are known to the owner; what is no query is an identifier, perhaps a patient's.
    """
    if search.owner == viewer.name:
        return True
    try:
        query = read_query(search.query, now=0.0)
    except QueryError:
        return viewer.channels is None and viewer.may(Right.SEARCH_PATIENT)
    if not viewer.may(Right.SEARCH_PATIENT) and (query.asks_for_person or query.words):
        return False
    return all(map(viewer.sees, query.search.channels))


def _hash(desk: Desk, text: str) -> dict[str, str]:
    return {"search_hash": desk.patient_hash(text)}


def _new_id() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(ID_CHARACTERS))
