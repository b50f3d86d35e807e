"""Rim. Checks 9 and 10: code maps and their snapshot, and the types of documents."""

from datetime import UTC, datetime

from engine.codevalues.aliases import AliasTable
from engine.codevalues.lint import lint_bindings, lint_snapshot, lint_tables, lint_tenant
from engine.codevalues.resolve import CodeValues, Outcome
from engine.codevalues.snapshot import Snapshot
from engine.diagnostics import Diagnostic, Severity
from engine.runtime.preflight.findings import Finding, failed, passed, warned
from engine.runtime.preflight.probing import Prober, refusal_of, resource_of, token_problem
from engine.runtime.preflight.subject import Subject

SAMPLE_MAX = 50
"""Ids that one look-up takes (report section 3.1)."""
SHOWN_MAX = 3
DOCUMENTS = "DocumentReference"
DOCUMENT_TYPES = 72
"""Code set of document types, and of what is measured."""
_CODE_VALUES = "codeSystem/20240101/codeValues"


# -- check 9 --


async def check_code_values(subject: Subject, prober: Prober) -> list[Finding]:
    """Tables in order; the snapshot there, fresh and of this tenant; its values still in use."""
    tenant = subject.tenant
    if not tenant.snapshot:
        if not subject.destinations:
            return [passed(9, "no channel writes to this tenant")]
        remedy = "take one with `engine tables snapshot`, and name it under `snapshot`"
        return [failed(9, "the tenant has no snapshot of code values", remedy)]
    snapshot = subject.code_values.snapshots.get(tenant.snapshot)
    if snapshot is None:
        remedy = "take it with `engine tables snapshot`"
        return [failed(9, f"{tenant.snapshot} is not there", remedy)]
    findings = _linted(subject, snapshot)
    findings.append(await _verified(subject, prober, snapshot))
    if any(one.status != "pass" for one in findings):
        return [one for one in findings if one.status != "pass"]
    age = f"{len(snapshot.values)} values, taken {snapshot.taken_at}"
    return [passed(9, f"snapshot {snapshot.label}: {age}; {findings[-1].evidence}")]


def _linted(subject: Subject, snapshot: Snapshot) -> list[Finding]:
    file = subject.tenant.snapshot
    today = datetime.fromtimestamp(subject.wall_clock(), UTC).date()
    problems = [
        *lint_tables(subject.code_values),
        *lint_bindings(subject.code_values, snapshot),
        *lint_snapshot(snapshot, file=file, today=today),
        *lint_tenant(snapshot, file=file, tenant=subject.tenant.tenant),
    ]
    by_code: dict[str, list[Diagnostic]] = {}
    for one in problems:
        by_code.setdefault(one.code, []).append(one)
    return [_of_lint(found) for found in by_code.values()]


def _of_lint(found: list[Diagnostic]) -> Finding:
    first = found[0]
    more = f" and {len(found) - 1} more like it" if len(found) > 1 else ""
    make = failed if first.severity is Severity.ERROR else warned
    evidence = f"{first.place}: {first.code} {first.message}{more}"
    return make(9, evidence, first.hint or "run engine check")


async def _verified(subject: Subject, prober: Prober, snapshot: Snapshot) -> Finding:
    """Code values that messages would be sent with, as the tenant has them now."""
    sample = _sample(subject, snapshot)
    if not subject.tenant.ehr_api_root:
        remedy = "write `ehr_api`, and register the client for code values"
        return warned(9, "unverifiable: code values are looked up over the EHR API", remedy)
    problem = await token_problem(prober.ehr_tokens)
    if problem is not None:
        remedy = problem.explanation.hint or ""
        return warned(9, f"unverifiable: {problem.explanation.message}", remedy)
    if not sample:
        return passed(9, "no code of a sender is mapped yet")
    answer = await prober.read_ehr(_CODE_VALUES, [("id", one) for one in sample])
    items = resource_of(answer).get("items")
    if not isinstance(items, list):
        shown, remedy = refusal_of(answer)
        return warned(9, f"unverifiable: {shown}", remedy)
    active = {str(one.get("id")) for one in items if isinstance(one, dict) and one.get("isActive")}
    gone = [one for one in sample if one not in active]
    if not gone:
        return passed(9, f"{len(sample)} of the mapped values are in use at the tenant")
    shown = ", ".join(gone[:SHOWN_MAX])
    return failed(
        9,
        f"{len(gone)} of {len(sample)} mapped values are inactive or gone at the tenant: {shown}",
        "take the snapshot anew with `engine tables snapshot`, then correct the alias tables",
    )


def _sample(subject: Subject, snapshot: Snapshot) -> list[str]:
    """Active values of the snapshot that alias tables lead to."""
    values = code_values_of(subject)
    found: dict[str, None] = {}
    for table in values.aliases.values():
        for row in table.rows:
            bound = values.bind(row.target, table.code_set, "")
            if bound.coding is not None:
                found[str(bound.coding["code"])] = None
            if len(found) == SAMPLE_MAX:
                return list(found)
    return [one for one in found if snapshot.value(one) is not None]


def code_values_of(subject: Subject) -> CodeValues:
    """Of the tenant."""
    tenant = subject.tenant
    return subject.code_values.for_tenant(
        tenant.tenant, region=tenant.region, snapshot=tenant.snapshot
    )


# -- check 10 --


def check_documents(subject: Subject) -> list[Finding]:
    """Document types of each sender lead to a value of the tenant; C-CDA by its LOINC type."""
    sources = sorted(
        {
            destination.contributor_source
            for destination in subject.destinations
            if any(part.resource == DOCUMENTS for call in destination.calls for part in call.plain)
        }
    )
    if not sources:
        return [passed(10, "no channel writes documents")]
    return [_documents_of(source, code_values_of(subject)) for source in sources]


def _documents_of(source: str, values: CodeValues) -> Finding:
    table: AliasTable | None = values.aliases.get((source, DOCUMENT_TYPES))
    file = f"codevalues/aliases/{source or 'SOURCE'}/{DOCUMENT_TYPES}.csv"
    if table is None:
        return failed(
            10,
            f"documents of {source or 'no contributor source'} have no document types: no {file}",
            f"map the sender's document types to code set {DOCUMENT_TYPES} in {file}",
        )
    bound = [values.bind(row.target, DOCUMENT_TYPES, "") for row in table.rows]
    usable = [one for one in bound if one.outcome is Outcome.RESOLVED]
    if not usable:
        return failed(
            10,
            f"none of the {len(bound)} document types of {file} has a value at the tenant",
            "correct the targets, or have the site build the document types",
        )
    return passed(
        10,
        f"{len(usable)} of {len(bound)} document types of {source} have a value; "
        "no limit of size is published",
    )
