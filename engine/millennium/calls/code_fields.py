"""Pure. The code fields of a resource resolved: the tenant's own code value, or a standard code.

Never both in one array (reference 0.4). The message's codings are asked for in order, those of the
sender's own systems first; the first that has a value gives it. What happens to a code without one
is the field's policy: `hold` and `reject` stop the message; `pass` sends what it has of the
standard systems Millennium takes there, else its text; `text` sends the text alone; `fixed ...`
what it names. A code with several values, or one whose value is inactive or absent in the snapshot,
a fixed one too, always waits for a person: nothing is guessed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.codevalues.resolve import CodeValues, Missing, Outcome, Resolution, problem_of
from engine.diagnostics import Diagnostic, Place
from engine.millennium import codes
from engine.millennium.resources.rules import (
    HOLD,
    PASS,
    REJECT,
    CodeField,
    Fixed,
    ResourceRules,
    read_fixed,
)
from engine.millennium.resources.shaping import concepts, places

Json = dict[str, Any]

LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
STANDARDS = frozenset(
    {
        LOINC,
        SNOMED,
        "http://hl7.org/fhir/sid/cvx",
        "http://hl7.org/fhir/sid/icd-10-cm",
        "http://hl7.org/fhir/sid/icd-9-cm",
        "http://hl7.org/fhir/sid/icd-10",
        "http://www.ama-assn.org/go/cpt",
        "http://www.nlm.nih.gov/research/umls/rxnorm",
    }
)
"""Terminologies that belong to no sender; asked for after the sender's own codes."""


@dataclass(slots=True, kw_only=True)
class Resolved:
    """What resolving the code fields of one resource gave."""

    problems: list[Diagnostic] = field(default_factory=list)
    unmapped: list[Json] = field(default_factory=list)
    evidence: list[Json] = field(default_factory=list)
    held: bool = False
    rejected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeSource:
    """Where code values come from, for one destination."""

    values: CodeValues
    contributor_source: str
    policies: Mapping[str, str] = field(default_factory=dict)
    """`Observation.code` to its policy, where the destination has its own."""


def resolve_codes(resource: Json, rules: ResourceRules, source: CodeSource) -> Resolved:
    """Resolve every code field in place."""
    found = Resolved()
    for one in rules.codes:
        for holder, key in places(resource, one.path):
            for concept in concepts(holder, key):
                _resolve(concept, _Field(rules.resource, one, source), found)
            _drop_empty(holder, key)
    return found


@dataclass(frozen=True, slots=True)
class _Field:
    """One code field at one destination."""

    resource: str
    rule: CodeField
    source: CodeSource

    @property
    def name(self) -> str:
        return f"{self.resource}.{self.rule.path}"

    @property
    def policy(self) -> str:
        return self.source.policies.get(self.name, self.rule.unmapped)


def _resolve(concept: Json, at: _Field, found: Resolved) -> None:
    codings = [one for one in concept.get("coding", ()) if one.get("code")]
    ordered = sorted(codings, key=lambda one: one.get("system") in STANDARDS)
    if at.rule.code_set:
        for coding in ordered:
            answer = _ask(coding, at)
            if answer.outcome is Outcome.RESOLVED and answer.coding is not None:
                _take(concept, [answer.coding], answer, at, found)
                return
            if answer.outcome is not Outcome.UNMAPPED:
                _note(coding, answer.outcome, at)
                _stop(answer, at, found)
                return
    elif _standard(concept, ordered, at, found):
        return
    if codings or at.policy in (HOLD, REJECT):
        _unmapped(concept, ordered, at, found)


def _ask(coding: Json, at: _Field) -> Resolution:
    return at.source.values.resolve(
        str(coding["code"]),
        str(coding.get("system", "")),
        code_set=at.rule.code_set,
        contributor_source=at.source.contributor_source,
        alias_meaning=at.rule.alias_meaning,
        display=str(coding.get("display", "")),
    )


def _take(
    concept: Json, codings: list[Json], answer: Resolution, at: _Field, found: Resolved
) -> None:
    concept["coding"] = codings
    found.evidence.append({"field": at.name, "evidence": answer.evidence})


def _standard(concept: Json, codings: list[Json], at: _Field, found: Resolved) -> bool:
    """Where Millennium has no code set: codes of the systems it takes, or mapped to one of them."""
    fitting = [one for one in codings if one.get("system") in at.rule.accepts]
    if fitting:
        concept["coding"] = fitting
        return True
    for target in at.rule.accepts:
        for coding in codings:
            answer = at.source.values.standard(
                str(coding["code"]), str(coding.get("system", "")), target=target
            )
            if answer.outcome is Outcome.RESOLVED and answer.coding is not None:
                _take(concept, [answer.coding], answer, at, found)
                return True
    return False


def _stop(answer: Resolution, at: _Field, found: Resolved) -> None:
    """A code that has several values, or one that cannot be used: a person decides."""
    found.held = True
    _report(answer, at, found)


def _note(coding: Json, outcome: Outcome, at: _Field) -> None:
    """For the analyst's work list; see `CodeValues.noted`."""
    at.source.values.note(
        Missing(
            element=at.name,
            code=str(coding["code"]),
            system=str(coding.get("system", "")),
            display=str(coding.get("display", "")),
            code_set=at.rule.code_set,
            contributor_source=at.source.contributor_source,
            outcome=outcome,
            targets=at.rule.accepts,
        )
    )


def _report(answer: Resolution, at: _Field, found: Resolved) -> None:
    problem = problem_of(
        answer,
        Place(path=at.name),
        code_set=at.rule.code_set,
        contributor_source=at.source.contributor_source,
    )
    if problem is not None:
        found.problems.append(problem)


def _unmapped(concept: Json, codings: list[Json], at: _Field, found: Resolved) -> None:
    """What the policy of the field says of a concept without a value."""
    policy = at.policy
    passed = [one for one in codings if one.get("system") in at.rule.accepts]
    if policy == PASS and passed:
        concept["coding"] = passed
        return
    for coding in codings[:1]:
        _note(coding, Outcome.UNMAPPED, at)
    if policy in (HOLD, REJECT):
        found.held = found.held or policy == HOLD
        found.rejected = found.rejected or policy == REJECT
        _refuse(at, found)
        return
    first = codings[0] if codings else {}
    fixed = read_fixed(policy)
    if fixed is not None:
        answer = fixed_coding(fixed, at.rule.code_set, at.source.values)
        value = policy.partition(" ")[2]
        if answer.coding is None:
            found.held = True
            problem = codes.FIXED_UNUSABLE(
                Place(path=at.name), field=at.name, value=value, code_set=at.rule.code_set
            )
            found.problems.append(problem)
            return
        sent = f"the fixed value {value}"
        concept["coding"] = [answer.coding]
    else:
        sent = "text" if _keep_text(concept, codings, at) else "nothing"
    found.unmapped.append(
        {
            "field": at.name,
            "code": first.get("code", ""),
            "system": first.get("system", ""),
            "code_set": at.rule.code_set,
            "sent": sent,
        }
    )
    found.problems.append(codes.CODE_STOOD_IN(Place(path=at.name), field=at.name, sent=sent))


def fixed_coding(fixed: Fixed, code_set: int, values: CodeValues) -> Resolution:
    """What a policy `fixed ...` sends at a tenant.

    Args:
        fixed: the policy, read.
        code_set: of the field; 0: it has none.
        values: of the tenant. Without a snapshot of the code set a number is believed.
    """
    policy = "the policy fixed"
    if fixed.target is not None:
        return values.bind(fixed.target, code_set, policy)
    coding: dict[str, str | bool] = {"system": fixed.system, "code": fixed.code}
    if not fixed.system:
        coding = {"system": values.system_of(code_set), "code": fixed.code, "userSelected": True}
        taken = values.snapshot
        if taken is not None and code_set in taken.code_sets:
            row = taken.value(fixed.code)
            evidence = f"{policy} -> snapshot {taken.label}"
            if row is None or row.code_set != code_set:
                return Resolution(outcome=Outcome.UNBOUND, evidence=evidence)
            if not row.active:
                return Resolution(outcome=Outcome.INACTIVE, evidence=evidence)
    return Resolution(outcome=Outcome.RESOLVED, coding=coding, evidence=policy)


def _refuse(at: _Field, found: Resolved) -> None:
    if at.rule.code_set:
        _report(Resolution(outcome=Outcome.UNMAPPED, evidence=""), at, found)
        return
    systems = ", ".join(at.rule.accepts)
    found.problems.append(codes.NO_STANDARD(Place(path=at.name), field=at.name, systems=systems))


def _keep_text(concept: Json, codings: list[Json], at: _Field) -> bool:
    """The words of the concept alone; nothing where there are none or the field takes no text."""
    texts = (concept.get("text"), *(one.get("display") for one in codings))
    words = next((text for text in texts if text), None)
    concept.clear()
    if words and at.rule.text:
        concept["text"] = words
    return bool(concept)


def _drop_empty(holder: Json, key: str) -> None:
    """Concepts of which nothing is left."""
    item = holder.get(key)
    if isinstance(item, list):
        holder[key] = [one for one in item if one != {}]
    if holder.get(key) in ({}, []):
        del holder[key]
