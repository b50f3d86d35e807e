"""Pure. Functions that join what one message says in several places.

A child order names the result it was made for by numbers and codes (OBR-26, OBR-29; HL7 v2.5.1 ch.
4.5.3.26 and 4.5.3.29), and results form groups by dotted sub-ids (OBX-4, ch. 7.4.2.4): the parent
stands in another order of the message, or further up. A map makes resources known as it makes them,
and finds the one that a later segment names. A name that two of them bear is nobody's.
"""

from collections.abc import Iterable
from typing import Any, Protocol

from engine.mapping.functions.record import (
    TEXT_TYPES,
    Example,
    Facts,
    FunctionRecord,
    Kind,
    Parameter,
)


class Resource(Protocol):
    """A resource made earlier."""

    reference: dict[str, str]
    resource: dict[str, Any]


class MessageFacts(Facts, Protocol):
    """Facts with a memory that lasts for one message."""

    values: dict[tuple[Any, ...], Any]

    def put(self, made: Any, names: tuple[str, ...], value: Any, *, append: bool) -> None:
        """Set an element of a resource already made."""


Names = list[tuple[str, str]]


def _names(kind: str, placer: str | None, filler: str | None, rest: str) -> Names:
    """What a thing is known by: the filler's number goes before the placer's."""
    found = [(kind, f"F{filler}{rest}")] if filler else []
    return [*found, (kind, f"P{placer}{rest}")] if placer else found


def _know(facts: MessageFacts, resource: Resource, names: Names) -> None:
    for name in names:
        if facts.values.setdefault(name, resource) is not resource:
            facts.values[name] = None


def _find(facts: MessageFacts, names: Names) -> Resource | None:
    return next((found for name in names if (found := facts.values.get(name))), None)


def _join(facts: MessageFacts, member: Resource, group: Resource | None) -> dict[str, str] | None:
    """Put a result among the members of another; the Reference of that one."""
    if group is None or group is member:
        return None
    if member.reference not in group.resource.get("hasMember", ()):
        facts.put(group, ("hasMember",), member.reference, append=True)
    return group.reference


def known_request(
    facts: MessageFacts, resource: Resource | None, placer: str | None, filler: str | None
) -> dict[str, str] | None:
    """The Reference of an order, which is known by its numbers from now on."""
    if resource is None:
        return None
    _know(facts, resource, _names("request", placer, filler, ""))
    return resource.reference


def parent_request(
    facts: MessageFacts, placer: str | None, filler: str | None
) -> dict[str, str] | None:
    """The Reference of the order of the message with these numbers."""
    found = _find(facts, _names("request", placer, filler, ""))
    return None if found is None else {**found.reference}


def parent_named(facts: MessageFacts, _code: str) -> None:
    """Keep that an order of the message names the result it was made for; yields nothing."""
    facts.values["parents", "named"] = True


def parents_named(facts: MessageFacts) -> str | None:
    """A text when an order of the message names the result it was made for."""
    return "Y" if ("parents", "named") in facts.values else None


def known_report(
    facts: MessageFacts, report: Resource | None, placer: str | None, filler: str | None
) -> None:
    """Keep by which numbers the order of a report is known; yields nothing."""
    if report is None:
        return
    for name in _names("reports", placer, filler, ""):
        reports = facts.values.setdefault(name, [])
        if report not in reports:
            reports.append(report)


def known_result(
    facts: MessageFacts,
    resource: Resource | None,
    report: Resource | None,
    code: str | None,
    sub_id: str | None,
) -> dict[str, str] | None:
    """The Reference of a result, which children may name from now on."""
    if resource is None or report is None:
        return None
    known = facts.values.setdefault(("results", report.reference["reference"]), {})
    # without a sub-id the only result of that code is meant
    if known.setdefault((code, ""), resource) is not resource:
        known[code, ""] = None
    if sub_id and known.setdefault((code, sub_id), resource) is not resource:
        known[code, sub_id] = None
    return resource.reference


def parent_result(
    facts: MessageFacts,
    resource: Resource | None,
    placer: str | None,
    filler: str | None,
    code: str | None,
    sub_id: str | None,
) -> dict[str, str] | None:
    """The Reference of the result that a child names; the child becomes one of its members."""
    if resource is None:
        return None
    for name in _names("reports", placer, filler, ""):
        found = _result_of(facts, facts.values.get(name, ()), (code, sub_id or ""))
        if found is not None:
            return _join(facts, resource, found)
    return None


def _result_of(
    facts: MessageFacts, reports: Iterable[Resource], name: tuple[str | None, str]
) -> Resource | None:
    """The only result of that code and sub-id in these reports."""
    found: list[Resource | None] = []
    for report in reports:
        known = facts.values.get(("results", report.reference["reference"]), {})
        if name in known and known[name] not in found:
            found.append(known[name])
    return found[0] if len(found) == 1 else None


def parent_group(
    facts: MessageFacts, resource: Resource | None, report: Resource | None, sub_id: str
) -> dict[str, str] | None:
    """The Reference of the result whose sub-id is one level up; the result becomes its member."""
    if resource is None or report is None:
        return None
    name = report.reference["reference"]
    _know(facts, resource, [("group", f"{name}|{sub_id}")])
    above = sub_id.rpartition(".")[0]
    return _join(facts, resource, _find(facts, [("group", f"{name}|{above}")])) if above else None


def occurrence(facts: MessageFacts, *keys: str | None) -> str | None:
    """`2` when the same texts are met the second time in the message; None the first time."""
    name = ("occurrence", keys)
    count = facts.values[name] = facts.values.get(name, 0) + 1
    return str(count) if count > 1 else None


def numbered(facts: MessageFacts, value: str | None, *keys: str | None) -> str | None:
    """The value, and `|2` after it when it is met the second time with the same texts."""
    name = ("numbered", value, keys)
    values = facts.values
    count = values[name] = values.get(name, 0) + 1
    if count == 1:
        return value
    return f"{value}|{count}" if value else str(count)


def given(value: str, _other: str) -> str:
    """The value as it is; the map calls it only when the other is populated too."""
    return value


def gather(facts: MessageFacts, resource: Resource | None, text: str) -> None:
    """Keep a line of text for a resource."""
    if resource is not None:
        facts.values.setdefault(("gather", resource.reference["reference"]), []).append(text)


def gathered(facts: MessageFacts, resource: Resource | None) -> str | None:
    """The lines kept for a resource."""
    if resource is None:
        return None
    found = facts.values.get(("gather", resource.reference["reference"]))
    return "\n".join(found) if found else None


_RESOURCE = Parameter(name="resource", doc="its name", kind=Kind.RESOURCE)
_PLACER = Parameter(name="placer", doc="the placer's number of the order", required=False)
_FILLER = Parameter(name="filler", doc="the filler's number of the order", required=False)
_CODE = Parameter(name="code", doc="the result's code, OBX-3.1", required=False)
_SUB_ID = Parameter(name="sub_id", doc="its sub-id, OBX-4", required=False)
_KEYS = Parameter(name="keys", doc="the texts it is known by", required=False, many=True)
_REPORT = Parameter(name="report", doc="the report it is in", kind=Kind.RESOURCE)


def _record(name: str, doc: str, body: Any, *parameters: Parameter) -> FunctionRecord:
    return FunctionRecord(
        name=name,
        doc=doc,
        parameters=parameters,
        returns=("Reference",),
        examples=(Example(arguments=(*[None] * len(parameters),), result=None),),
        body=body,
        uses_facts=True,
        varies=True,
    )


RECORDS = (
    _record(
        "known_request",
        "The Reference of an order, which `parent_request` finds by its numbers from now on.",
        known_request,
        *(_RESOURCE, _PLACER, _FILLER),
    ),
    _record(
        "parent_request",
        "The Reference of the order of the same message with these numbers (OBR-29, ORC-8).",
        parent_request,
        *(_PLACER, _FILLER),
    ),
    FunctionRecord(
        name="parent_named",
        doc="Keeps that an order of the message names a parent result (OBR-26) until "
        "`parents_named` asks for it; yields nothing.",
        parameters=(Parameter(name="code", doc="the code of the parent, OBR-26"),),
        returns=("Reference",),
        examples=(Example(arguments=("600-7",), result=None),),
        body=parent_named,
        uses_facts=True,
        varies=True,
    ),
    FunctionRecord(
        name="parents_named",
        doc="`Y` when an order of the message names a parent result: only then must results be "
        "known to those that come later.",
        parameters=(),
        returns=TEXT_TYPES,
        examples=(Example(arguments=(), result=None),),
        body=parents_named,
        uses_facts=True,
        varies=True,
        takes_absent=True,
    ),
    FunctionRecord(
        name="known_report",
        doc="Keeps the numbers of the order that a report answers, by which `parent_result` finds "
        "its results; yields nothing.",
        parameters=(_REPORT, _PLACER, _FILLER),
        returns=("Reference",),
        examples=(Example(arguments=(None, "P-1", "F-1"), result=None),),
        body=known_report,
        uses_facts=True,
        varies=True,
    ),
    _record(
        "known_result",
        "The Reference of a result of a report, which `parent_result` finds from now on.",
        known_result,
        *(_RESOURCE, _REPORT, _CODE, _SUB_ID),
    ),
    _record(
        "parent_result",
        "The Reference of the result of the same message that a child order names (OBR-29, "
        "OBR-26); the child's result is put into its `hasMember`. Nothing when two bear the name.",
        parent_result,
        *(_RESOURCE, _PLACER, _FILLER, _CODE, _SUB_ID),
    ),
    _record(
        "parent_group",
        "The Reference of the result of the same report whose sub-id is one level up: `1.1` of "
        "`1.1.2` (OBX-4); the result is put into its `hasMember`. Nothing when two bear it.",
        parent_group,
        *(_RESOURCE, _REPORT, Parameter(name="sub_id", doc="its sub-id, OBX-4")),
    ),
    FunctionRecord(
        name="given",
        doc="The value, when another is populated too. For keys.",
        parameters=(
            Parameter(name="value", doc="the value"),
            Parameter(name="other", doc="what must be populated"),
        ),
        returns=TEXT_TYPES,
        examples=(Example(arguments=("F-2", "P-1"), result="F-2"),),
        body=given,
    ),
    FunctionRecord(
        name="gather",
        doc="Keeps a line of text for a resource until `gathered` asks for it; yields nothing.",
        parameters=(_RESOURCE, Parameter(name="value", doc="the text")),
        returns=TEXT_TYPES,
        examples=(Example(arguments=(None, "No acute disease."), result=None),),
        body=gather,
        uses_facts=True,
        varies=True,
    ),
    FunctionRecord(
        name="gathered",
        doc="The lines that `gather` kept for a resource.",
        parameters=(_RESOURCE,),
        returns=TEXT_TYPES,
        examples=(Example(arguments=(None,), result=None),),
        body=gathered,
        uses_facts=True,
        varies=True,
    ),
    FunctionRecord(
        name="occurrence",
        doc="`2`, `3` and so on when the same texts come again in the message; nothing the first "
        "time. For keys of things that nothing else tells apart.",
        parameters=(_KEYS,),
        returns=TEXT_TYPES,
        examples=(Example(arguments=("request", "GLU"), result=None),),
        body=occurrence,
        uses_facts=True,
        varies=True,
    ),
    FunctionRecord(
        name="numbered",
        doc="The value, followed by `|2`, `|3` and so on when it comes again with the same texts; "
        "the number alone where there is no value. For keys of things that nothing else tells "
        "apart.",
        parameters=(Parameter(name="value", doc="the value", required=False), _KEYS),
        returns=TEXT_TYPES,
        examples=(Example(arguments=("1", "GLU"), result="1"),),
        body=numbered,
        uses_facts=True,
        varies=True,
    ),
)
