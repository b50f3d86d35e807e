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
CREATE_ONCE = "create-once"
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


_PREFERENCE = {
    UPDATE: (UPDATE, CONDITIONAL, CREATE_ONCE, CREATE),
    CONDITIONAL: (CONDITIONAL, UPDATE, CREATE_ONCE, CREATE),
    CREATE: (CREATE_ONCE, CREATE),
}
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
    possible = {
        UPDATE: UPDATE_CREATE in capabilities,
        CONDITIONAL: has_identifier and CONDITIONAL_UPDATE in capabilities,
        CREATE_ONCE: has_identifier and CONDITIONAL_CREATE in capabilities,
        CREATE: True,
    }
    kind = next(form for form in _PREFERENCE[identity] if possible[form])
    return Form(kind=kind, lacking=_lacking(identity, kind, has_identifier), instead=_WORDS[kind])


def _lacking(identity: str, kind: str, has_identifier: bool) -> Code | None:
    """What is to be said when the form is not the one asked for."""
    if identity == CREATE:
        return codes.CONDITIONAL_CREATE_MISSING if has_identifier and kind == CREATE else None
    if kind == identity:
        return None
    if identity == UPDATE:
        return codes.UPDATE_CREATE_MISSING
    if has_identifier:
        return codes.CONDITIONAL_UPDATE_MISSING
    # Without an identifier our own id is as good a key; only a plain create is worth a word.
    return codes.UNREPEATABLE if kind == CREATE else None


def identifier_query(identifier: tuple[str, str]) -> str:
    """`identifier=system|value` for a URL: escaped as a search value, then percent-encoded.

    R4 search.html#escaping: backslash, pipe, comma and dollar are escaped by a backslash.
    """
    system, value = identifier
    text = f"{system.translate(_ESCAPES)}|{value.translate(_ESCAPES)}"
    return f"identifier={quote(text, safe='')}"
