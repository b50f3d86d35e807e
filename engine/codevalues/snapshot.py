"""Pure. Binding snapshots: the code values of one tenant, as they were at one moment.

A CSV file of code values under comment lines that say which tenant, when, and the sha256 of what
follows. The hash is checked when the file is read: a snapshot is taken, never edited, so that what
a message was sent with can be told afterwards. Sandbox and production differ in nothing else.
Columns as the EHR API names them (report 3.1). Report section 4, layer 3.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from engine.codevalues.codes import (
    SNAPSHOT_CHANGED,
    SNAPSHOT_HEADER,
    SNAPSHOT_TWICE,
    TABLE_SHAPE,
)
from engine.codevalues.rows import Row, Rows, read_rows, write_rows
from engine.codevalues.targets import Target, TargetKind, fold
from engine.diagnostics import Diagnostic, Place

COLUMNS = (
    "code_set", "code_value", "display", "description", "cdf_meaning", "cki", "concept_cki",
    "active",
)  # fmt: skip
REQUIRED = frozenset({"code_set", "code_value", "active"})
FILE = re.compile(r"codevalues/snapshots/(?P<name>[A-Za-z0-9_.-]{1,60})\.csv")
HEADERS = ("tenant", "taken_at", "source", "code_sets", "count", "sha256")
NUMBER = re.compile(r"[0-9]{1,18}")
SET_NUMBER = re.compile(r"[0-9]{1,9}")
TAKEN_AT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
HASH_SHOWN = 8
"""Hex digits of the hash that evidence names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeValue:
    """One row of Millennium's code_value table."""

    code_set: int
    value: str
    """The number, as text: what FHIR calls the code."""
    display: str
    description: str = ""
    cdf_meaning: str = ""
    cki: str = ""
    concept_cki: str = ""
    active: bool = True

    def cells(self) -> tuple[str, ...]:
        """By `COLUMNS`."""
        return (
            str(self.code_set), self.value, self.display, self.description, self.cdf_meaning,
            self.cki, self.concept_cki, "yes" if self.active else "no",
        )  # fmt: skip

    def targets(self) -> tuple[Target, ...]:
        """The portable names it has, the most durable first."""
        named = (
            (TargetKind.CKI, self.cki),
            (TargetKind.CONCEPT_CKI, self.concept_cki),
            (TargetKind.MEANING, self.cdf_meaning),
            (TargetKind.DISPLAY, self.display),
        )
        return tuple(Target(kind, key) for kind, key in named if key)


_Index = dict[tuple[TargetKind, str], list[CodeValue]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The code values of a tenant."""

    name: str
    """Of the file: `sandbox`."""
    tenant: str
    taken_at: str
    """ISO 8601, UTC."""
    source: str
    """`ehr-api`, or the name of the file it was made from."""
    code_sets: tuple[int, ...]
    """Those that were asked for; one may have no values."""
    sha256: str
    values: tuple[CodeValue, ...] = field(repr=False)
    _by_value: dict[str, CodeValue] = field(default_factory=dict, repr=False, compare=False)
    _index: dict[int, _Index] = field(default_factory=dict, repr=False, compare=False)

    @property
    def label(self) -> str:
        """What evidence calls it: `sandbox 5f2c1d90`."""
        return f"{self.name} {self.sha256[:HASH_SHOWN]}"

    def value(self, code_value: str) -> CodeValue | None:
        """The row of a number."""
        if not self._by_value:
            self._by_value.update((one.value, one) for one in self.values)
        return self._by_value.get(code_value)

    def prepare(self) -> None:
        """Make the index, once: a second for a hundred thousand values, so not while messages
        wait."""
        if self._index:
            return
        for one in self.values:
            index = self._index.setdefault(one.code_set, {})
            for name in one.targets():
                index.setdefault((name.kind, name.folded), []).append(one)
        self._index.setdefault(-1, {})  # made, even when there is no row

    def named(self, target: Target, code_set: int) -> list[CodeValue]:
        """The rows that a portable target names in a code set; active and inactive ones."""
        self.prepare()
        return self._index.get(code_set, {}).get((target.kind, target.folded), [])

    def portable(self, found: CodeValue) -> Target | None:
        """The most durable name that means this value alone among the active ones, or None."""
        for target in found.targets():
            if [one for one in self.named(target, found.code_set) if one.active] == [found]:
                return target
        return None

    def called(self, display: str, code_set: int) -> list[CodeValue]:
        """The active rows that a code set shows by this display or description."""
        wanted = fold(display)
        return [
            one
            for one in self.values
            if one.code_set == code_set
            and one.active
            and wanted in (fold(one.display), fold(one.description))
        ]


def write_snapshot(
    values: Iterable[CodeValue],
    *,
    tenant: str,
    taken_at: str,
    source: str,
    code_sets: Iterable[int],
) -> str:
    """The text of a snapshot: its headers, and the rows in order of code set and value.

    Args:
        values: what was found.
        tenant: whose they are.
        taken_at: ISO 8601, UTC, whole seconds: `2026-01-05T14:30:00Z`.
        source: `ehr-api`, or a file name.
        code_sets: what was asked for.
    """
    ordered = sorted(values, key=lambda one: (one.code_set, int(one.value)))
    body = write_rows(COLUMNS, [one.cells() for one in ordered])
    headers = {
        "tenant": tenant,
        "taken_at": taken_at,
        "source": source,
        "code_sets": " ".join(str(one) for one in sorted(set(code_sets))),
        "count": str(len(ordered)),
        "sha256": sha256(body.encode()).hexdigest(),
    }
    return "".join(f"# {name}: {value}\n" for name, value in headers.items()) + body


def read_snapshot(text: str, file: str) -> tuple[Snapshot | None, list[Diagnostic]]:
    """Read a snapshot and check its hash.

    Args:
        text: the whole file; line ends may have been changed by a version control system.
        file: its name, `codevalues/snapshots/sandbox.csv`.

    Returns:
        The snapshot, or None when any of it cannot be trusted, and all problems.
    """
    match = FILE.fullmatch(file)
    name = match["name"] if match else file
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    headers, body = _split(text)
    place = Place(file=file, line=1)
    missing = [one for one in HEADERS if not headers.get(one)]
    if missing:
        problem = f"the line `# {missing[0]}: ...` is missing"
        return None, [SNAPSHOT_HEADER(place, problem=problem)]
    sets = headers["code_sets"].split()
    if not all(SET_NUMBER.fullmatch(one) for one in sets):
        return None, [SNAPSHOT_HEADER(place, problem="`code_sets` must be numbers")]
    if not TAKEN_AT.fullmatch(headers["taken_at"]):
        problem = "`taken_at` must be a time such as 2026-01-05T14:30:00Z"
        return None, [SNAPSHOT_HEADER(place, problem=problem)]
    if sha256(body.encode()).hexdigest() != headers["sha256"]:
        return None, [SNAPSHOT_CHANGED(place)]
    values, problems = read_code_values(text, file)
    if problems:
        return None, problems
    snapshot = Snapshot(
        name=name,
        tenant=headers["tenant"],
        taken_at=headers["taken_at"],
        source=headers["source"],
        code_sets=tuple(int(one) for one in sets),
        sha256=headers["sha256"],
        values=tuple(values),
    )
    return snapshot, []


def _split(text: str) -> tuple[Mapping[str, str], str]:
    """The comment lines at the top, and the rest."""
    headers: dict[str, str] = {}
    start = 0
    while text.startswith("#", start):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end + 1
        name, colon, value = text[start:end].removeprefix("#").partition(":")
        if colon:
            headers[name.strip()] = value.strip()
        start = end
    return headers, text[start:]


def read_code_values(text: str, file: str) -> tuple[list[CodeValue], list[Diagnostic]]:
    """The code values of a CSV file with the columns of a snapshot: also a site's own export."""
    found, problems = read_rows(text, file, columns=COLUMNS, required=REQUIRED)
    values: list[CodeValue] = []
    seen: dict[str, int] = {}
    for row in found.rows:
        problem = _wrong_cell(found, row)
        if problem is None and row.get("code_value") in seen:
            other = seen[row.get("code_value")]
            place = found.place(row, "code_value")
            problem = SNAPSHOT_TWICE(place, value=row.get("code_value"), other=other)
        if problem is not None:
            problems.append(problem)
            continue
        seen[row.get("code_value")] = row.line
        values.append(_code_value(row))
    return values, problems


def _wrong_cell(found: Rows, row: Row) -> Diagnostic | None:
    for column, form in (("code_set", SET_NUMBER), ("code_value", NUMBER)):
        if not form.fullmatch(row.get(column)):
            place = found.place(row, column)
            return TABLE_SHAPE(place, problem=f"the {column} is no whole number")
    if row.get("active").lower() not in _ACTIVE | _INACTIVE:
        place = found.place(row, "active")
        return TABLE_SHAPE(place, problem="`active` is neither yes nor no")
    return None


_ACTIVE = frozenset({"yes", "1", "true", "y"})
_INACTIVE = frozenset({"no", "0", "false", "n"})


def _code_value(row: Row) -> CodeValue:
    return CodeValue(
        code_set=int(row.get("code_set")),
        value=row.get("code_value").lstrip("0") or "0",
        display=row.get("display"),
        description=row.get("description"),
        cdf_meaning=row.get("cdf_meaning"),
        cki=row.get("cki"),
        concept_cki=row.get("concept_cki"),
        active=row.get("active").lower() in _ACTIVE,
    )
