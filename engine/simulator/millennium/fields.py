"""Rim. What holds for the body of every write: no modifier extensions, no implicit rules, the
fields the interaction lists, proprietary and standard codes apart, references to what is there.
"""

from typing import Any

from engine.fhir import checker
from engine.simulator.millennium.answers import Resource, RuleBrokenError, invalid_request
from engine.simulator.millennium.chart import Chart
from engine.simulator.millennium.code_values import EVENT_CODES, STANDARD, CodeTable
from engine.simulator.millennium.elements import (
    PROPRIETARY,
    all_coding_lists,
    as_list,
    codings,
    is_proprietary,
)
from engine.simulator.millennium.tables import Part

ALWAYS = frozenset({"resourceType", "id", "meta", "extension", "contained", "language"})
"""Fields no interaction lists that are let pass."""
MALFORMED = frozenset({"F604", "F605", "F606", "F607", "F608", "F609", "F614", "F615"})
"""Problems of form, of those the R4 checker finds; what is missing is for the rules to say."""
CHECKED_REFERENCES = frozenset({"Patient", "Encounter", "Slot"})
MIXED = "cannot contain proprietary and standard codes"


def check_form(resource: Any, kind: str) -> Resource:
    """The resource, if it is one of the type. Refuses with 400."""
    if not isinstance(resource, dict) or resource.get("resourceType") != kind:
        raise invalid_request()
    if any(found.code in MALFORMED for found in checker.check(resource)):
        raise invalid_request()
    return resource


def check_modifiers(resource: Resource, *, allowed: frozenset[str] = frozenset()) -> None:
    """No modifierExtension (save within fields named), no implicitRules. Refuses with 422."""
    if "implicitRules" in resource:
        raise RuleBrokenError(
            "implicitRules is not supported", code="not-supported", observed_status=422
        )
    rest = {name: value for name, value in resource.items() if name not in allowed}
    if _has_modifier(rest):
        raise RuleBrokenError(
            "modifierExtension is not supported", code="extension", observed_status=422
        )


def _has_modifier(value: Any) -> bool:
    if isinstance(value, dict):
        return "modifierExtension" in value or any(_has_modifier(one) for one in value.values())
    return isinstance(value, list) and any(_has_modifier(one) for one in value)


def keep_supported(resource: Resource, fields: Part, *, refuse: bool) -> Resource:
    """The resource with the fields the interaction lists; the rest is ignored or refused.

    Raises RuleBrokenError for a required field that is missing, or one that is not listed.
    """
    kept: Resource = _kept(resource, fields, "", refuse=refuse, top=True)
    return kept


def _kept(value: Any, part: Part, path: str, *, refuse: bool, top: bool = False) -> Any:
    if isinstance(value, list):
        return [_kept(one, part, path, refuse=refuse) for one in value]
    if not isinstance(value, dict):
        return value
    kept: dict[str, Any] = {}
    for name, inner in value.items():
        found = _listed(name, part)
        if found is not None:
            below = _kept(inner, found, _join(path, name), refuse=refuse)
            kept[name] = below
        elif not part.closed or name in ALWAYS or (not top and name == "modifierExtension"):
            kept[name] = inner
        elif refuse and name != "text":
            raise RuleBrokenError(f"{_join(path, name)} is not supported")
    for name, below in part.parts.items():
        if below.required and not any(_listed(each, part) is below for each in kept):
            raise RuleBrokenError(f"{_join(path, name)} is required", code="required")
    return kept


def _listed(name: str, part: Part) -> Part | None:
    name = name.removeprefix("_")
    found = part.parts.get(name)
    if found is not None:
        return found
    for listed, below in part.parts.items():
        stem = listed.removesuffix("[x]")
        if stem != listed and name.startswith(stem) and name[len(stem) :][:1].isupper():
            return below
    return None


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def check_codings(resource: Resource, codes: CodeTable) -> None:
    """Proprietary and standard codes apart; proprietary ones the tenant has and that are active."""
    for listed in all_coding_lists(resource):
        own = [one for one in listed if is_proprietary(one)]
        if own and len(own) < len(listed):
            raise RuleBrokenError(MIXED, code="invalid", observed_status=422, verbatim=True)
        for coding in own:
            _check_own(coding, codes)


def _check_own(coding: dict[str, Any], codes: CodeTable) -> None:
    system = str(coding["system"])
    base = next(one for one in PROPRIETARY if system.startswith(one))
    tenant, _, rest = system.removeprefix(base).partition("/")
    place, _, number = rest.partition("/")
    if tenant != codes.tenant:
        raise unprocessable("a proprietary code is of another tenant")
    if place != "codeSet" or not number.isdigit():
        return
    row = codes.get(str(coding.get("code", "")))
    if row is None and not codes.has_set(int(number)):
        return
    if row is None or row.code_set != int(number) or not row.active:
        raise unprocessable("a proprietary code is not an active value of its code set")


def event_code(concept: Any, codes: CodeTable, name: str) -> dict[str, Any] | None:
    """The proprietary coding a concept ends with: its own, or the one its standard code maps to.

    None when the concept has no coding at all. Raises RuleBrokenError for an unmapped one.
    """
    listed = codings(concept)
    if not listed:
        return None
    for coding in listed:
        if is_proprietary(coding):
            row = codes.get(str(coding.get("code", "")))
            return codes.coding(row) if row is not None else coding
        row = codes.mapped(str(coding.get("system", "")), str(coding.get("code", "")))
        if row is not None and row.active and coding.get("system") in STANDARD:
            return codes.coding(row)
    raise unprocessable(f"{name} has no code that is mapped to code set {EVENT_CODES}")


def unprocessable(text: str) -> RuleBrokenError:
    """A code the tenant cannot file; seen in the field without any detail, as 422."""
    return RuleBrokenError(text, code="invalid", observed_status=422)


def check_references(resource: Any, chart: Chart, path: str = "") -> None:
    """Every patient, encounter and slot referred to is there."""
    if isinstance(resource, list):
        for one in resource:
            check_references(one, chart, path)
    if not isinstance(resource, dict):
        return
    text = resource.get("reference")
    if isinstance(text, str):
        kind, _, identity = text.partition("?")[0].rpartition("/")
        kind = kind.rpartition("/")[2]
        if kind in CHECKED_REFERENCES and chart.get(kind, identity) is None:
            raise RuleBrokenError(f"{path} refers to no {kind} of this tenant", code="not-found")
    for name, value in resource.items():
        if name != "contained":
            check_references(value, chart, _join(path, name))


def one_of(resource: Resource, name: str) -> Any:
    """The only element of a list. Raises RuleBrokenError for none or several."""
    found = as_list(resource.get(name))
    if len(found) != 1:
        raise RuleBrokenError(
            f"{name} expected exactly 1 list item", code="invalid", observed_status=422
        )
    return found[0]
