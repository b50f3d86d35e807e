"""Pure. Tables against the snapshot of a tenant, and against what FHIR elements bind.

What these find is right in form and would still hold messages or be refused by Millennium. Report
section 4, linting.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime

from engine.codevalues import codes
from engine.codevalues.aliases import AliasRow, AliasTable
from engine.codevalues.bindings import DOCUMENTED_SETS, code_sets_of
from engine.codevalues.project import CodeValueFiles
from engine.codevalues.registry import ALIAS_POOLS, CONTRIBUTOR_SOURCES, FILE
from engine.codevalues.snapshot import Snapshot
from engine.codevalues.targets import Target
from engine.diagnostics import Diagnostic, Place

STALE_DAYS = 90
EVENT_CODES = 72
PASS = "pass"  # noqa: S105  the policy that sends a code as it came


def lint_tables(found: CodeValueFiles) -> list[Diagnostic]:
    """What is to be said of the tables themselves: code sets and coding systems."""
    problems: list[Diagnostic] = []
    for table in found.aliases.values():
        if table.code_set not in DOCUMENTED_SETS:
            place = Place(file=table.file, line=1)
            problems.append(codes.CODE_SET_UNBOUND(place, code_set=table.code_set))
        for name, line in _first_lines((row.system, row.line) for row in table.rows):
            if name and not found.registry.knows(name):
                problems.append(codes.UNKNOWN_SYSTEM(Place(file=table.file, line=line), name=name))
    return problems


def _first_lines(names: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    first: dict[str, int] = {}
    for name, line in names:
        first.setdefault(name, line)
    return list(first.items())


def lint_bindings(found: CodeValueFiles, snapshot: Snapshot) -> list[Diagnostic]:
    """Targets that name nothing, something inactive or several things in a tenant's snapshot."""
    problems: list[Diagnostic] = []
    for table in found.aliases.values():
        if table.code_set not in snapshot.code_sets:
            place = Place(file=table.file, line=1)
            problems.append(
                codes.CODE_SET_ABSENT(place, snapshot=snapshot.name, code_set=table.code_set)
            )
            continue
        problems += [
            problem
            for row in table.rows
            for problem in _bound(row.target, table.code_set, snapshot, _place(table, row))
        ]
    registry = Place(file=FILE, line=1)
    if ALIAS_POOLS in snapshot.code_sets:
        for one in found.registry.authorities.values():
            if one.alias_pool is not None:
                problems += _bound(one.alias_pool, ALIAS_POOLS, snapshot, registry)
    if CONTRIBUTOR_SOURCES in snapshot.code_sets:
        for target in found.registry.contributor_sources.values():
            problems += _bound(target, CONTRIBUTOR_SOURCES, snapshot, registry)
    return problems


def _place(table: AliasTable, row: AliasRow) -> Place:
    return Place(file=table.file, line=row.line, column=1, width=len(row.alias))


def _bound(target: Target, code_set: int, snapshot: Snapshot, place: Place) -> list[Diagnostic]:
    rows = snapshot.named(target, code_set)
    active = [one for one in rows if one.active]
    if len(active) == 1:
        return []
    if active:
        return [
            codes.TARGET_AMBIGUOUS(place, target=target, count=len(active), snapshot=snapshot.name)
        ]
    if rows:
        return [codes.TARGET_INACTIVE(place, target=target, snapshot=snapshot.name)]
    hint = _near(target, code_set, snapshot)
    return [
        codes.TARGET_ABSENT(
            place, target=target, code_set=code_set, snapshot=snapshot.name, hint=hint
        )
    ]


def _near(target: Target, code_set: int, snapshot: Snapshot) -> str | None:
    """A hint when another code set has it: the usual slip is a file with the wrong number."""
    elsewhere = [one for one in snapshot.code_sets if snapshot.named(target, one)]
    if not elsewhere:
        return None
    return f"code set {elsewhere[0]} has it: check the number of the file, not {code_set}"


def lint_snapshot(
    snapshot: Snapshot, *, file: str, today: date, stale_days: int = STALE_DAYS
) -> list[Diagnostic]:
    """Whether a snapshot is stale.

    Args:
        snapshot: what was taken.
        file: where it is.
        today: the date to compare with.
        stale_days: older than this is reported.
    """
    taken = datetime.fromisoformat(snapshot.taken_at).astimezone(UTC).date()
    days = (today - taken).days
    if days <= stale_days:
        return []
    return [codes.SNAPSHOT_STALE(Place(file=file, line=2), snapshot=snapshot.name, days=days)]


def lint_tenant(snapshot: Snapshot, *, file: str, tenant: str) -> list[Diagnostic]:
    """Whether a snapshot is of the tenant it is used for."""
    if snapshot.tenant == tenant:
        return []
    place = Place(file=file, line=1)
    return [codes.SNAPSHOT_OTHER_TENANT(place, other=snapshot.tenant, tenant=tenant)]


def lint_element(element: str, code_set: int, place: Place) -> list[Diagnostic]:
    """Whether a code set is what an element binds; silent where nothing is documented.

    Args:
        element: `Observation.code`.
        code_set: what a preset or a channel names for it.
        place: where it does.
    """
    wanted = code_sets_of(element)
    if not wanted or code_set in wanted:
        return []
    listed = " or ".join(str(one) for one in wanted)
    return [codes.WRONG_CODE_SET(place, element=element, wanted=listed, code_set=code_set)]


def lint_policy(element: str, policy: str, place: Place) -> list[Diagnostic]:
    """Whether an unmapped policy would send LOINC where Millennium wants event codes.

    Args:
        element: `Observation.code`.
        policy: reject, hold, text, pass or a fixed code.
        place: where it stands.
    """
    if policy != PASS or EVENT_CODES not in code_sets_of(element):
        return []
    return [codes.STANDARD_SENT(place, element=element)]
