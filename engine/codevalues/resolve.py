"""Pure. Resolution: what a sender's code is called in a tenant, or in a standard.

An alias row gives the portable target, the tenant's snapshot the code value. Every step is a row of
a file that can be shown, and nothing is guessed: two targets are an outcome of their own, and the
caller holds the message. The coding that results has only the tenant's own code value, because a
write that mixes proprietary and standard codings is refused (report 0.4). Contract of issue 5.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from engine.codevalues import codes
from engine.codevalues.aliases import AliasTable
from engine.codevalues.registry import ALIAS_POOLS, CONTRIBUTOR_SOURCES, Registry
from engine.codevalues.snapshot import CodeValue, Snapshot
from engine.codevalues.standard import CODE_SET, StandardTable
from engine.codevalues.targets import Target
from engine.codevalues.translate import Answer, Question, translate
from engine.diagnostics import Diagnostic, Place

HOSTS = {
    "us": "https://fhir.cerner.com",
    "ca": "https://fhir.ca.cerner.com",
    "au": "https://fhir.au.cerner.com",
}
"""Of proprietary code systems, by region (report 1.1)."""
_PROPRIETARY = re.compile(
    r"https://fhir(?:\.ca|\.au)?\.cerner\.com/(?P<tenant>[^/]+)/codeSet/(?P<set>[0-9]{1,9})"
)
Coding = dict[str, str | bool]


class Outcome(StrEnum):
    """How it went."""

    RESOLVED = "resolved"
    UNMAPPED = "unmapped"
    """No row."""
    AMBIGUOUS = "ambiguous"
    """More than one; always held."""
    INACTIVE = "inactive"
    """The code value is no longer in use."""
    UNBOUND = "unbound"
    """Mapped, but not in the tenant's snapshot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """The outcome for one code."""

    outcome: Outcome
    coding: Coding | None = None
    """Only when RESOLVED. A new dict each time."""
    evidence: str
    """The rows it rests on, such as `codevalues/aliases/LAB_A/72.csv:14 -> cki:CKI.EC!1234 ->
    snapshot sandbox 5f2c1d90 row 21704910`. Nothing of the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A code of a message that had no value: an entry of the analyst's work list."""

    element: str
    """`Observation.code`."""
    code: str
    system: str
    display: str
    """What the sender calls it."""
    code_set: int
    """0: a standard is wanted, see `targets`."""
    contributor_source: str
    outcome: Outcome
    targets: tuple[str, ...] = ()
    """URIs of the standards that the element takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeValues:
    """The code values of one tenant and project."""

    tenant: str
    """The path segment of the service root."""
    region: str = "us"
    registry: Registry = field(default_factory=Registry)
    aliases: Mapping[tuple[str, int], AliasTable] = field(default_factory=dict)
    """By contributor source and code set."""
    standards: Sequence[StandardTable] = ()
    snapshot: Snapshot | None = None
    noted: list[Missing] | None = None
    """Where codes without a value are noted; None in the engine, whose diagnostics name none."""

    def note(self, missing: Missing) -> None:
        """Note a code without a value where that is wanted."""
        if self.noted is not None:
            self.noted.append(missing)

    def system_of(self, code_set: int) -> str:
        """The URI of a code set of the tenant."""
        return f"{HOSTS[self.region]}/{self.tenant}/{CODE_SET}{code_set}"

    def resolve(
        self,
        code: str,
        system: str = "",
        *,
        code_set: int,
        contributor_source: str,
        alias_meaning: str = "",
        display: str = "",  # noqa: ARG002  of the contract; a display decides nothing here
    ) -> Resolution:
        """The code value of a sender's code.

        Args:
            code: as sent.
            system: URI or name of its coding system; empty when the sender named none. A coding
                of the tenant's own code set needs no alias.
            code_set: what the element binds.
            contributor_source: whose codes these are, the folder of the alias tables.
            alias_meaning: what tells apart several values of one code, such as NURSEUNIT.
            display: the sender's text; kept for the analyst's work list, never matched.
        """
        own = _PROPRIETARY.fullmatch(system)
        if own is not None:
            return self._own(code, own["tenant"], int(own["set"]), code_set)
        file = alias_file(contributor_source, code_set)
        table = self.aliases.get((contributor_source, code_set))
        if table is None:
            return Resolution(outcome=Outcome.UNMAPPED, evidence=f"no table {file}")
        rows = table.find(code, self.registry.canonical(system), alias_meaning)
        if not rows:
            return Resolution(outcome=Outcome.UNMAPPED, evidence=f"no row in {table.file}")
        where = f"{table.file}:{','.join(str(row.line) for row in rows)}"
        if len({row.target for row in rows}) > 1:
            return Resolution(outcome=Outcome.AMBIGUOUS, evidence=f"{where} -> several targets")
        return self.bind(rows[0].target, code_set, where)

    def bind(self, target: Target, code_set: int, where: str) -> Resolution:
        """The code value that a portable target names in the tenant.

        Args:
            target: the name.
            code_set: where it is looked for.
            where: the row that named it, for the evidence.
        """
        path = f"{where} -> {target}"
        if self.snapshot is None:
            return Resolution(outcome=Outcome.UNBOUND, evidence=f"{path} -> no snapshot")
        path += f" -> snapshot {self.snapshot.label}"
        found = self.snapshot.named(target, code_set)
        active = [one for one in found if one.active]
        if len(active) == 1:
            return self._resolved(active[0], f"{path} row {active[0].value}")
        if active:
            evidence = f"{path} has {len(active)} rows"
            return Resolution(outcome=Outcome.AMBIGUOUS, evidence=evidence)
        if found:
            evidence = f"{path} row {found[0].value} is inactive"
            return Resolution(outcome=Outcome.INACTIVE, evidence=evidence)
        evidence = f"{path} has no row in code set {code_set}"
        return Resolution(outcome=Outcome.UNBOUND, evidence=evidence)

    def alias_pool(self, authority: str) -> Resolution:
        """The value of code set 263 of an assigning authority, by its namespace or URI."""
        found = self.registry.authority_of(authority)
        if found is None or found.alias_pool is None:
            return Resolution(outcome=Outcome.UNMAPPED, evidence="the registry names no alias pool")
        return self.bind(found.alias_pool, ALIAS_POOLS, f"registry authority {found.name}")

    def contributor_source(self, name: str) -> Resolution:
        """The value of code set 73 of a contributor source."""
        target = self.registry.contributor_sources.get(name)
        if target is None:
            evidence = "the registry names no code value of this contributor source"
            return Resolution(outcome=Outcome.UNMAPPED, evidence=evidence)
        return self.bind(target, CONTRIBUTOR_SOURCES, f"registry contributor source {name}")

    def standard(
        self, code: str, system: str, *, target: str, properties: Mapping[str, str] | None = None
    ) -> Resolution:
        """The code of a standard: LOINC, SNOMED CT, ICD-10-CM, CVX, RxNorm.

        Args:
            code: a sender's code, or a code value of the tenant.
            system: URI or name of its coding system; `codeSet` URI of a code value.
            target: URI or name of the standard.
            properties: what `dependsOn` of a ConceptMap asks for, by property.
        """
        wanted = self.registry.canonical(target)
        source = self.registry.canonical(system)
        if source == wanted:
            coding: Coding = {"system": wanted, "code": code}
            return Resolution(outcome=Outcome.RESOLVED, coding=coding, evidence="sent as such")
        question = Question(
            code=code, system=source, target_system=wanted, properties=properties or {}
        )
        own = _PROPRIETARY.fullmatch(system)
        if own is None:
            return _standard_resolution(translate(self.standards, question))
        return self._standard_of_code_value(code, own["tenant"], int(own["set"]), question)

    def _own(self, code: str, tenant: str, of_set: int, code_set: int) -> Resolution:
        """A coding of a code set itself: of this tenant and set, and in the snapshot."""
        if tenant != self.tenant or of_set != code_set:
            evidence = "the coding is of another tenant or code set"
            return Resolution(outcome=Outcome.UNMAPPED, evidence=evidence)
        if self.snapshot is None:
            return Resolution(outcome=Outcome.UNBOUND, evidence="sent as such -> no snapshot")
        path = f"sent as such -> snapshot {self.snapshot.label}"
        found = self.snapshot.value(code)
        if found is None or found.code_set != code_set:
            evidence = f"{path} has no such row in code set {code_set}"
            return Resolution(outcome=Outcome.UNBOUND, evidence=evidence)
        if not found.active:
            evidence = f"{path} row {found.value} is inactive"
            return Resolution(outcome=Outcome.INACTIVE, evidence=evidence)
        return self._resolved(found, f"{path} row {found.value}")

    def _resolved(self, found: CodeValue, evidence: str) -> Resolution:
        coding: Coding = {"system": self.system_of(found.code_set), "code": found.value}
        if found.display:
            coding["display"] = found.display
        coding["userSelected"] = True
        return Resolution(outcome=Outcome.RESOLVED, coding=coding, evidence=evidence)

    def _standard_of_code_value(
        self, code: str, tenant: str, code_set: int, question: Question
    ) -> Resolution:
        """By each of the portable names that a code value has, the most durable first."""
        found = self.snapshot.value(code) if self.snapshot is not None else None
        if found is None or tenant != self.tenant or found.code_set != code_set:
            evidence = "the code value is not in the tenant's snapshot"
            return Resolution(outcome=Outcome.UNBOUND, evidence=evidence)
        answer = None
        for name in found.targets():
            asked = Question(
                code=str(name),
                system=f"{CODE_SET}{code_set}",
                target_system=question.target_system,
                properties=question.properties,
            )
            answer = translate(self.standards, asked)
            if answer.matches:
                break
        if answer is None:
            evidence = "the code value has no portable name"
            return Resolution(outcome=Outcome.UNMAPPED, evidence=evidence)
        return _standard_resolution(answer)


def _standard_resolution(answer: Answer) -> Resolution:
    usable = answer.usable()
    if not usable:
        return Resolution(outcome=Outcome.UNMAPPED, evidence=answer.evidence)
    distinct = {(match.system, match.code) for match in usable}
    if len(distinct) > 1:
        where = ", ".join(match.where for match in usable)
        return Resolution(outcome=Outcome.AMBIGUOUS, evidence=f"several targets: {where}")
    match = usable[0]
    coding: Coding = {"system": match.system, "code": match.code}
    if match.display:
        coding["display"] = match.display
    evidence = f"{match.where} -> {match.system} ({match.equivalence})"
    return Resolution(outcome=Outcome.RESOLVED, coding=coding, evidence=evidence)


def alias_file(contributor_source: str, code_set: int) -> str:
    """The table in which a code of this source and code set belongs."""
    return f"codevalues/aliases/{contributor_source}/{code_set}.csv"


_PROBLEMS: Mapping[Outcome, Callable[..., Diagnostic]] = {
    Outcome.UNMAPPED: codes.CODE_UNMAPPED,
    Outcome.AMBIGUOUS: codes.CODE_AMBIGUOUS,
    Outcome.INACTIVE: codes.CODE_INACTIVE,
    Outcome.UNBOUND: codes.CODE_UNBOUND,
}


def problem_of(
    resolution: Resolution, place: Place, *, code_set: int, contributor_source: str
) -> Diagnostic | None:
    """The diagnostic of a code that was not resolved, None for one that was.

    It names field, code set, table and the command that mends it, never the code.

    Args:
        resolution: what came out.
        place: the field of the message or the element, such as `Place(path="Observation.code")`.
        code_set: as asked.
        contributor_source: as asked.
    """
    code = _PROBLEMS.get(resolution.outcome)
    if code is None:
        return None
    file = alias_file(contributor_source, code_set)
    hint = None
    if resolution.outcome is Outcome.UNMAPPED:
        hint = (
            f"see `engine tables missing`, then `engine tables add {contributor_source}/{code_set}"
            " CODE=TARGET` and `engine reload`"
        )
    return code(place, table=file, code_set=code_set, hint=hint)
