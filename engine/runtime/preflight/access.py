"""Rim. Checks 6, 7 and 8: the account may read what it must, referred resources are there, and
identifiers find the one they should.

Reads only, of a test patient that the environment names; with `--write-canary` one write to it that
changes nothing.
"""

from typing import Any

from engine.channel.environment import TenantConfig
from engine.destinations.http_exchange import Answer
from engine.millennium.identity.normalising import normalise
from engine.pipeline.response import Fault
from engine.runtime.preflight.findings import Finding, failed, passed, warned
from engine.runtime.preflight.probing import (
    Prober,
    entries_of,
    refusal_of,
    request_id,
    resource_of,
)
from engine.runtime.preflight.subject import Subject

OF_PATIENT = frozenset(
    {
        *("AllergyIntolerance", "Appointment", "Condition", "Coverage", "DiagnosticReport"),
        *("DocumentReference", "Encounter", "FamilyMemberHistory", "Immunization"),
        *("MedicationRequest", "Observation", "Procedure", "RelatedPerson"),
    }
)
"""Types that are searched by patient (report section 1.4, 1.6)."""
NAME_A_CANARY = "name a test patient under `canary` in the environment file"


# -- check 6 --


async def check_access(subject: Subject, prober: Prober, *, write: bool) -> list[Finding]:
    """A harmless read of each type that is in use: a 403 here is a privilege, not a scope."""
    canary = subject.tenant.canary.patient
    if not canary:
        return [warned(6, "no test patient to try reads with", NAME_A_CANARY)]
    findings = []
    patient = await prober.read(f"Patient/{canary}")
    findings.append(_access("Patient", patient))
    found = resource_of(patient)
    if found.get("active") is False:
        findings.append(
            warned(6, "the test patient is not active (merged?)", "name another under `canary`")
        )
    kinds = sorted({kind for kind, _ in subject.interactions()} & OF_PATIENT)
    for kind in kinds:
        answer = await prober.read(kind, patient=canary)
        findings.append(_access(kind, answer))
    if write and found:
        findings.append(await _write(subject, prober, found, patient))
    if any(one.status != "pass" for one in findings):
        return [one for one in findings if one.status != "pass"]
    written = "; a write that changes nothing was taken" if write else ""
    return [passed(6, f"readable: {', '.join(['Patient', *kinds])}{written}")]


def _access(kind: str, answer: Any) -> Finding:
    if isinstance(answer, Answer) and answer.status == 200:
        return passed(6, kind)
    shown, remedy = refusal_of(answer)
    return failed(6, f"{kind}: {shown}{request_id(answer)}", remedy)


async def _write(subject: Subject, prober: Prober, found: dict[str, Any], read: Any) -> Finding:
    """Write the patient's gender as it is: the least that proves a write (report section 1.4)."""
    etag = read.headers.get("ETag", "")
    gender = found.get("gender")
    if not etag or not isinstance(gender, str):
        remedy = "name a test patient with a gender under `canary`"
        return warned(6, "the test patient cannot be written unchanged", remedy)
    change = [{"op": "replace", "path": "/gender", "value": gender}]
    answer = await prober.patch(f"Patient/{subject.tenant.canary.patient}", change, etag)
    if isinstance(answer, Answer) and 200 <= answer.status < 300:
        return passed(6, "write")
    shown, remedy = refusal_of(answer)
    return failed(6, f"writing to the test patient: {shown}{request_id(answer)}", remedy)


# -- check 7 --


async def check_references(subject: Subject, prober: Prober) -> list[Finding]:
    """What channels refer to by id is there: the enrolling organization, places, practitioners."""
    tenant = subject.tenant
    listed = list(tenant.references)
    findings = []
    if tenant.enrolling_organization:
        listed.insert(0, f"Organization/{tenant.enrolling_organization}")
    elif subject.uses("Patient", "create"):
        findings.append(
            failed(
                7,
                "channels create patients, but no organization enrols them",
                "write `enrolling_organization` in the environment file; ask the site for its id",
            )
        )
    for reference in listed:
        answer = await prober.read(reference)
        if resource_of(answer).get("resourceType") != reference.partition("/")[0]:
            findings.append(_unread(subject, reference, answer))
    if findings:
        return findings
    if not listed:
        return [passed(7, "channels refer to nothing by id")]
    return [passed(7, f"there: {', '.join(listed)}")]


def _unread(subject: Subject, reference: str, answer: Answer | Fault) -> Finding:
    shown, remedy = refusal_of(answer)
    kind = reference.partition("/")[0]
    out_of_scope = "scopes" in shown and not subject.uses(kind, "read", "search")
    make = warned if out_of_scope else failed  # nothing but preflight reads it
    return make(7, f"{reference}: {shown}{request_id(answer)}", remedy)


# -- check 8 --


async def check_identifiers(subject: Subject, prober: Prober) -> list[Finding]:
    """A known identifier, as messages say it, finds exactly the test record (report section 5)."""
    canary = subject.tenant.canary
    pairs = (
        ("Patient", canary.patient_identifier, canary.patient),
        ("Encounter", canary.encounter_identifier, canary.encounter),
    )
    findings = []
    for kind, identifier, wanted in pairs:
        if identifier:
            findings.append(await _finds(subject.tenant, prober, kind, identifier, wanted))
        elif kind == "Patient" or subject.uses(kind):
            option = f"{kind.lower()}_identifier"
            findings.append(
                warned(8, f"no {kind} identifier to try", f"write `{option}` under `canary`")
            )
    return findings


async def _finds(
    tenant: TenantConfig, prober: Prober, kind: str, identifier: str, wanted: str
) -> Finding:
    system, _, value = identifier.partition("|")
    pool = tenant.alias_pools.get(system)
    rules = pool.normalise if pool else ()
    ids = await _search(prober, kind, system, normalise(value, rules))
    if isinstance(ids, Finding):
        return ids
    if len(ids) == 1 and wanted in ("", ids[0]):
        how = f"normalised by {', '.join(rules)}" if rules else "as it is"
        return passed(8, f"an identifier of {system}, {how}, finds the {kind}")
    if len(ids) > 1:
        evidence = f"an identifier of {system} finds {len(ids)} of {kind}"
        return failed(8, evidence, "have the duplicates combined; identity would be held")
    if ids:
        evidence = f"an identifier of {system} finds another {kind} than `canary` names"
        return failed(8, evidence, "correct `canary`, or the rules of `alias_pools`")
    return await _advised(prober, kind, system, value, rules)


async def _advised(
    prober: Prober, kind: str, system: str, value: str, rules: tuple[str, ...]
) -> Finding:
    """Nothing was found: look which rule would find it."""
    evidence = f"an identifier of {system} finds no {kind}"
    for other in ((), ("strip-zeros",), ("digits",), ("digits", "strip-zeros"), ("upper",)):
        if other == rules or normalise(value, other) == normalise(value, rules):
            continue
        ids = await _search(prober, kind, system, normalise(value, other))
        if not isinstance(ids, Finding) and len(ids) == 1:
            written = f"normalise: [{', '.join(other)}]" if other else "no `normalise`"
            return failed(8, evidence, f"write {written} for this system under `alias_pools`")
    return failed(8, evidence, "check the system (OID) of the alias pool, and `canary`")


async def _search(prober: Prober, kind: str, system: str, value: str) -> list[str] | Finding:
    answer = await prober.read(kind, identifier=f"{system}|{value}")
    found = entries_of(answer)
    if found is None:
        shown, remedy = refusal_of(answer)
        return failed(8, f"{kind} search: {shown}{request_id(answer)}", remedy)
    return [str(one.get("id", "")) for one in found if one.get("resourceType") == kind]
