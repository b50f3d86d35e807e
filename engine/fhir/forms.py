"""Pure. How each resource is written to a server: update, conditional update or create.

One table of decisions over what the channel asks for and what the server can do. Where a server
lacks what is asked, the next best form is taken and a diagnostic says so.
FHIR R4 4.0.1, https://hl7.org/fhir/R4/http.html (update, conditional update, conditional create).
"""

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

from engine.diagnostics import Code
from engine.fhir import codes

UPDATE = "update"
CONDITIONAL = "conditional"
CREATE = "create"

UPDATE_CREATE = "update-create"
CONDITIONAL_UPDATE = "conditional-update"
CONDITIONAL_CREATE = "conditional-create"

_ESCAPES = str.maketrans({"\\": "\\\\", "|": "\\|", ",": "\\,", "$": "\\$"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The way resources of one kind are written; the same for all that ask alike."""

    kind: str
    """update, conditional, create-once (POST with If-None-Exist) or create."""
    lacking: Code | None = None
    """What to say when this is not the form asked for."""
    instead: str = ""
    """The form taken, in words, for the diagnostic."""


CREATE_ONCE = "create-once"
_WORDS = {
    UPDATE: "an update by our id",
    CONDITIONAL: "a conditional update",
    CREATE_ONCE: "a conditional create",
    CREATE: "a plain create, which may make a second copy,",
}


@lru_cache(maxsize=256)
def choose_form(identity: str, capabilities: frozenset[str], has_identifier: bool) -> Form:
    """The form for a resource.

    Args:
        identity: update, conditional or create, as the channel asks.
        capabilities: what the server can do.
        has_identifier: whether the resource has a business identifier to search by.
    """
    possible = [CREATE]
    if has_identifier and CONDITIONAL_CREATE in capabilities:
        possible.insert(0, CREATE_ONCE)
    if identity == CREATE:
        lacking = codes.CONDITIONAL_CREATE_MISSING if has_identifier else None
        return Form(kind=possible[0], lacking=lacking if possible[0] == CREATE else None)
    if UPDATE_CREATE in capabilities:
        possible.insert(0, UPDATE)
    if has_identifier and CONDITIONAL_UPDATE in capabilities:
        possible.insert(0 if identity == CONDITIONAL else len(possible) - 1, CONDITIONAL)
    if identity == UPDATE and UPDATE not in possible:
        return _fallback(possible, codes.UPDATE_CREATE_MISSING)
    if identity == CONDITIONAL and CONDITIONAL not in possible:
        if has_identifier:
            return _fallback(possible, codes.CONDITIONAL_UPDATE_MISSING)
        # Without an identifier our own id is as good a key; only a plain create is worth a word.
        return Form(kind=possible[0], lacking=codes.UNREPEATABLE if possible[0] == CREATE else None)
    return Form(kind=identity)


def _fallback(possible: list[str], lacking: Code) -> Form:
    return Form(kind=possible[0], lacking=lacking, instead=_WORDS[possible[0]])


def identifier_query(identifier: tuple[str, str]) -> str:
    """`identifier=system|value` for a URL: escaped as a search value, then percent-encoded.

    R4 search.html#escaping: backslash, pipe, comma and dollar are escaped by a backslash.
    """
    system, value = identifier
    text = f"{system.translate(_ESCAPES)}|{value.translate(_ESCAPES)}"
    return f"identifier={quote(text, safe='')}"
