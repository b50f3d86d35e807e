"""Pure. What a failure has in common with others of the same cause: its fingerprint.

A fingerprint holds what names the cause (stage, code, rule or element, table, server's issue type)
and nothing that differs from message to message: no ids, indexes, dates or values, so nothing of a
patient. Its version stands in it: a later version groups anew and leaves old groups as they are.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from engine.fhir import outcome

VERSION = 2
ISSUES_MAX = 3
OBJECTS_MAX = 8
"""So many objects of an answer are looked at, the last ones."""
_INDEX = re.compile(r"\[\d+\]")
_OBJECT = re.compile(rb"^\{", re.MULTILINE)
_NUMBER = re.compile(r"(?<![\w.:/-])\d+(?:,\d{3})*(?![\w:/-]|[.,]\d)")
"""A number of its own, such as a position or a count; not that of a name, as in utf-8 or PID-3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """One cause."""

    title: str
    """For a list, such as `T566 the code has no row in table sex (PID-8)`."""
    parts: tuple[tuple[str, str], ...]
    """(name, value) of what is grouped by, for the page that shows it."""

    @property
    def key(self) -> str:
        """Version and digest, such as `1-5f2c9a...`."""
        text = "\0".join(f"{name}={value}" for name, value in self.parts)
        return f"{VERSION}-{sha256(text.encode()).hexdigest()[:24]}"


def of_diagnostics(diagnostics: Sequence[Mapping[str, Any]]) -> Fingerprint | None:
    """The cause of a run that failed or waits: its first error, else its first diagnostic.

    Args:
        diagnostics: in their JSON form, in order.

    Returns:
        None when there is none.
    """
    errors = [one for one in diagnostics if one.get("severity") == "error"]
    chosen = next(iter(errors or diagnostics), None)
    if chosen is None:
        return None
    code, message = str(chosen.get("code", "")), _NUMBER.sub("…", str(chosen.get("message", "")))
    path = _INDEX.sub("", str(chosen.get("path", "")))
    place = f"{chosen['file']}:{chosen.get('line', 0)}" if chosen.get("file") else ""
    parts = [("stage", "process"), ("code", code), ("what", message)]
    parts += [(name, value) for name, value in (("rule", place), ("path", path)) if value]
    where = path or place
    title = f"{code} {message} ({where})" if where else f"{code} {message}"
    return Fingerprint(title=title, parts=tuple(parts))


def of_attempt(destination: str, failure_code: str, response: bytes) -> Fingerprint:
    """The cause of a delivery that failed or waits: the answer's code, and what the server says.

    Args:
        destination: its name.
        failure_code: such as `http-422`.
        response: of the last attempt as it is stored: status, headers, body, of a transcript
            several. Of its last OperationOutcome type and element count, never its text.
    """
    parts = [("stage", "deliver"), ("destination", destination), ("code", failure_code)]
    said: list[str] = []
    for issue in _issues(response):
        if issue.severity in ("fatal", "error") and len(said) < ISSUES_MAX:
            where = _INDEX.sub("", issue.expression[0]) if issue.expression else ""
            said.append(f"{issue.code} {where}".strip())
    if said:
        parts.append(("issues", "; ".join(dict.fromkeys(said))))
    title = f"{failure_code} from {destination}"
    return Fingerprint(
        title=f"{title}: {parts[-1][1]}" if said else title,
        parts=tuple(parts),
    )


def _issues(response: bytes) -> tuple[outcome.Issue, ...]:
    starts = [match.start() for match in _OBJECT.finditer(response)]
    for start in reversed(starts[-OBJECTS_MAX:]):
        rest = response[start:]
        # in a transcript an empty line and what came next may follow
        if found := outcome.parse(rest) or outcome.parse(rest.partition(b"\n\n")[0]):
            return found
    return ()
