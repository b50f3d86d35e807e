"""Pure. A located problem: stable code, place, hint; and its rendering as text.

Two kinds of failure exist in the engine. A `Diagnostic` is a value, collected, for bad data and bad
configuration. An exception is for bugs and failing input or output.

Codes are grouped by stage and never reused: M1xx framing, H2xx HL7 v2, D3xx C-CDA, C4xx channel,
T5xx transform, F6xx FHIR, S7xx store and delivery, V8xx code values, O8xx Millennium calls.
Every package declares its own in `codes.py`.

A message text never holds a value taken from a patient's message: it names the place instead.
Values from configuration files may be quoted.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from typing import Any


class Severity(Enum):
    """How bad it is: an error stops the thing it is about, a warning does not."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a problem is: in a file, in a message, in a resource, or several of these at once."""

    file: str | None = None
    line: int | None = None
    """1-based."""
    column: int | None = None
    """1-based."""
    width: int = 1
    """Characters to underline."""
    path: str | None = None
    """A path inside a message or resource, such as `PID[1]-3[2].1` or `Patient.name[0].family`."""
    secret: bool = False
    """What stands there is a secret: it is not shown, nor the rest of its line."""

    def __str__(self) -> str:
        """`file:line:column` or the path, whichever is known."""
        parts = [str(part) for part in (self.file, self.line, self.column) if part is not None]
        return ":".join(parts) or (self.path or "")


NOWHERE = Place()
LINE_SHOWN_MAX = 160
"""Characters of a source line that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One problem, ready to be shown or stored."""

    code: str
    severity: Severity
    message: str
    place: Place = NOWHERE
    hint: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The JSON form: absent parts are left out."""
        found: dict[str, Any] = {
            "code": self.code,
            "severity": self.severity.value,
            "message": self.message,
        }
        for name in ("file", "line", "column", "path"):
            value = getattr(self.place, name)
            if value is not None:
                found[name] = value
        if self.hint:
            found["hint"] = self.hint
        return found


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of problem, declared once; calling it makes a `Diagnostic`.

    `text` is a format string whose fields are the keyword arguments of the call. `remedy` is what
    the reader can do about it; the documentation prints both.
    """

    code: str
    severity: Severity
    text: str
    remedy: str

    def __call__(
        self, place: Place = NOWHERE, *, hint: str | None = None, **values: object
    ) -> Diagnostic:
        """Make the diagnostic at `place`; `hint` overrides the general remedy."""
        return Diagnostic(
            code=self.code,
            severity=self.severity,
            message=self.text.format(**values),
            place=place,
            hint=hint or self.remedy,
        )


def error(code: str, text: str, remedy: str) -> Code:
    """Declare an error code."""
    return Code(code, Severity.ERROR, text, remedy)


def warning(code: str, text: str, remedy: str) -> Code:
    """Declare a warning code."""
    return Code(code, Severity.WARNING, text, remedy)


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """True when at least one of them is an error."""
    return any(found.severity is Severity.ERROR for found in diagnostics)


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A hint such as `did you mean "port"?`, or None when nothing known is near."""
    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f'did you mean "{near[0]}"?' if near else None


def render(diagnostic: Diagnostic, source: Sequence[str] | None = None) -> str:
    """The text form: place, severity, code and message, the source line with a caret, the hint.

    Args:
        diagnostic: what to show.
        source: the lines of the file it is in, without line ends; None when not at hand.
    """
    place = diagnostic.place
    head = f"{diagnostic.severity.value}[{diagnostic.code}] {diagnostic.message}"
    where = str(place)
    if place.path and place.file:
        head += f" ({place.path})"
    if source is not None:
        source = without_secrets(source, (diagnostic,), place.file)
    lines = [f"{where}: {head}" if where else head]
    if source is not None and place.line is not None and 0 < place.line <= len(source):
        number = str(place.line)
        text = source[place.line - 1].replace("\t", " ")
        start = max(0, (place.column or 1) - 1 - LINE_SHOWN_MAX // 2)
        start = start if len(text) > LINE_SHOWN_MAX else 0
        lines.append(f"{' ' * len(number)} |")
        lines.append(f"{number} | {text[start : start + LINE_SHOWN_MAX]}")
        if place.column is not None:
            caret = "^" * min(max(1, place.width), LINE_SHOWN_MAX)
            lines.append(f"{' ' * len(number)} | {' ' * (place.column - 1 - start)}{caret}")
    if diagnostic.hint:
        lines.append(f"  = help: {diagnostic.hint}")
    return "\n".join(lines)


def without_secrets(
    source: Sequence[str], diagnostics: Iterable[Diagnostic], file: str | None
) -> list[str]:
    """The lines of a file with every secret that a diagnostic points at replaced by asterisks.

    For all diagnostics of the file at once, because one may show a line that another calls secret.
    """
    lines = list(source)
    for place in (found.place for found in diagnostics):
        if place.secret and place.file == file and place.line and place.line <= len(lines):
            line = lines[place.line - 1]
            start = (place.column or 1) - 1
            lines[place.line - 1] = line[:start] + "*" * len(line[start:])
    return lines


def sort_key(diagnostic: Diagnostic) -> tuple[str, int, int, str]:
    """Order by file, line, column, code."""
    place = diagnostic.place
    return (place.file or "", place.line or 0, place.column or 0, diagnostic.code)
