"""Rim. Check 5: what the server says it can do, against what the channels do and against the last.

The vendor publishes no changelog, and the statement's date is new every day: what is kept is the
content, normalised (report section 6). It is kept in the data directory, for each tenant.
"""

from pathlib import Path
from typing import Any

import orjson

from engine.channel.lacking import capability_of
from engine.pipeline.response import Fault
from engine.runtime.preflight.findings import Finding, failed, passed, warned
from engine.runtime.preflight.probing import Prober, refusal_of, resource_of
from engine.runtime.preflight.subject import Subject

FHIR_VERSION = "4.0.1"
JSON_PATCH = "application/json-patch+json"
CHANGES_SHOWN_MAX = 8
FILE = "capability.json"
PREVIOUS = "capability.previous.json"
_INTERACTIONS = {"search-type": "search"}

Normalised = dict[str, list[str]]
"""Part of the statement to what it lists, sorted: `Patient.interaction`, `Patient.searchParam`."""


def normalised(statement: dict[str, Any]) -> Normalised:
    """What of a CapabilityStatement means something, in one order; dates and texts are left out."""
    found: Normalised = {
        "fhirVersion": [str(statement.get("fhirVersion", ""))],
        "format": sorted(_texts(statement.get("format"))),
        "patchFormat": sorted(_texts(statement.get("patchFormat"))),
    }
    for rest in _objects(statement.get("rest")):
        found["interaction"] = sorted(_named(rest.get("interaction"), "code"))
        for resource in _objects(rest.get("resource")):
            kind = str(resource.get("type", ""))
            words = _named(resource.get("interaction"), "code")
            found[f"{kind}.interaction"] = sorted(_INTERACTIONS.get(one, one) for one in words)
            found[f"{kind}.searchParam"] = sorted(_named(resource.get("searchParam"), "name"))
            found[f"{kind}.operation"] = sorted(_named(resource.get("operation"), "name"))
            if resource.get("updateCreate"):
                found[f"{kind}.updateCreate"] = ["true"]
    return {name: listed for name, listed in sorted(found.items()) if listed}


def differences(before: Normalised, after: Normalised) -> list[str]:
    """What came and what went, `- Patient.interaction patch`."""
    changes = []
    for name in sorted(before.keys() | after.keys()):
        old, new = set(before.get(name, ())), set(after.get(name, ()))
        changes += [f"- {name} {one}" for one in sorted(old - new)]
        changes += [f"+ {name} {one}" for one in sorted(new - old)]
    return changes


async def check_capabilities(subject: Subject, prober: Prober) -> list[Finding]:
    """FHIR version, patch format, every interaction, operation and search parameter in use."""
    answer = await prober.read_public("metadata")
    statement = resource_of(answer)
    if statement.get("resourceType") != "CapabilityStatement":
        shown, remedy = refusal_of(answer)
        unsent = answer is Fault.SECRET_MISSING
        told = remedy if unsent else f"correct `fhir`; {remedy}"
        return [failed(5, f"no capability statement: {shown}", told)]
    said = normalised(statement)
    findings = [
        *_lacking(subject, said),
        *_offered_again(subject, said),
        *_compared(subject, said),
    ]
    if any(one.status != "pass" for one in findings):
        return [one for one in findings if one.status != "pass"]
    counted = len(subject.interactions())
    return [passed(5, f"FHIR {FHIR_VERSION}; all {counted} interactions in use are offered")] + [
        one for one in findings if one.evidence
    ]


def _lacking(subject: Subject, said: Normalised) -> list[Finding]:
    found = []
    version = said.get("fhirVersion", [""])[0]
    if version != FHIR_VERSION:
        found.append(
            failed(5, f"it says FHIR {version or 'nothing'}", "correct `fhir`: R4 is needed")
        )
    if any(word == "patch" for _, word in subject.interactions()) and JSON_PATCH not in said.get(
        "patchFormat", ()
    ):
        found.append(
            failed(5, "it offers no JSON Patch", "leave calls that patch out of the channels")
        )
    for kind, word in subject.interactions():
        if not _has(said, kind, word):
            found.append(_not_offered(subject, kind, word))
    for kind, parameter in sorted(set(subject.search_parameters())):
        if parameter not in said.get(f"{kind}.searchParam", ()):
            evidence = f"{kind} cannot be searched by {parameter}"
            found.append(failed(5, evidence, "ask the site; the call that needs it cannot work"))
    return found


def _not_offered(subject: Subject, kind: str, word: str) -> Finding:
    flag = f"{kind}.{word}"
    using = sorted(call.name for call in subject.calls() if capability_of(call) == flag)
    return failed(
        5,
        f"{flag} is not offered; used by {', '.join(using)}",
        f"leave these calls out, or write `capabilities: {{{flag}: ...}}` with the fallback",
    )


def _offered_again(subject: Subject, said: Normalised) -> list[Finding]:
    """What the environment says is off, though the server has it."""
    return [
        warned(
            5,
            f"{flag} is offered, but the environment says that it is off",
            "try it, then take it out of `capabilities`",
        )
        for flag in subject.tenant.capabilities
        if _has(said, *flag.split(".", 1))
    ]


def _has(said: Normalised, kind: str, word: str) -> bool:
    part = "operation" if word.startswith("$") else "interaction"
    return word.removeprefix("$") in said.get(f"{kind}.{part}", ())


def _compared(subject: Subject, said: Normalised) -> list[Finding]:
    """Against the last statement, which this one replaces."""
    folder = subject.folder / subject.environment.name / subject.tenant.name
    before = read_last(folder)
    try:
        _keep(folder, said, changed=before not in (None, said))
    except OSError as error:
        remedy = "make the data directory writable"
        return [warned(5, f"it cannot be kept for comparison ({type(error).__name__})", remedy)]
    if before is None:
        return [passed(5, f"kept for comparison in {folder / FILE}")]
    changes = differences(before, said)
    if not changes:
        return [passed(5, "the same as at the last preflight")]
    more = len(changes) - CHANGES_SHOWN_MAX
    shown = ", ".join(changes[:CHANGES_SHOWN_MAX]) + (f" and {more} more" if more > 0 else "")
    return [
        warned(
            5,
            f"the server changed since the last preflight: {shown}",
            f"look whether channels rely on what went; the last is kept in {folder / PREVIOUS}",
        )
    ]


def read_last(folder: Path) -> Normalised | None:
    """The statement of the last preflight; None when there is none that can be read."""
    try:
        found = orjson.loads((folder / FILE).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None
    if not isinstance(found, dict):
        return None
    return {str(name): _texts(listed) for name, listed in found.items()}


def _keep(folder: Path, said: Normalised, *, changed: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / FILE
    if changed:
        file.replace(folder / PREVIOUS)
    aside = folder / f"{FILE}.tmp"
    aside.write_bytes(orjson.dumps(said, option=orjson.OPT_INDENT_2))
    aside.replace(file)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _named(value: Any, key: str) -> list[str]:
    return [str(one[key]) for one in _objects(value) if key in one]
