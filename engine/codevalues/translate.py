"""Pure. `$translate` over the standard tables: the same questions and answers as a FHIR server.

In and out are shaped as the operation of FHIR R4, so that a terminology server is a drop-in:
http://hl7.org/fhir/R4/conceptmap-operation-translate.html.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.codevalues.standard import USABLE, Dependency, Otherwise, StandardTable

OTHER_MAPS_MAX = 5
"""Maps that `unmapped` may lead through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked."""

    code: str
    system: str
    target_system: str = ""
    """Empty: any."""
    properties: Mapping[str, str] = field(default_factory=dict)
    """For `dependsOn`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One concept of the answer."""

    system: str
    code: str
    display: str
    equivalence: str
    product: tuple[Dependency, ...] = ()
    where: str
    """The row or element of the map."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """All matches, and what was looked through."""

    matches: tuple[Match, ...]
    evidence: str

    @property
    def result(self) -> bool:
        """Whether there is a match: one that is not called unmatched or disjoint."""
        return any(one.equivalence not in ("unmatched", "disjoint") for one in self.matches)

    def usable(self) -> list[Match]:
        """Those whose target says no more than the source did."""
        return [one for one in self.matches if one.equivalence in USABLE]


def translate(tables: Sequence[StandardTable], question: Question) -> Answer:
    """Look a code up in all tables; where none has it, do what their `unmapped` says."""
    found = _pairs(tables, question)
    if not found:
        found = _otherwise(tables, tables, question, frozenset())
    return _answer(tables, found)


def _pairs(tables: Sequence[StandardTable], question: Question) -> list[Match]:
    return [
        Match(
            system=pair.target_system or question.target_system,
            code=pair.target,
            display=pair.target_display,
            equivalence=pair.equivalence,
            product=pair.product,
            where=pair.where,
        )
        for table in tables
        for pair in table.find(
            question.code, question.system, question.target_system, question.properties
        )
    ]


def _otherwise(
    tables: Sequence[StandardTable],
    every: Sequence[StandardTable],
    question: Question,
    seen: frozenset[str],
) -> list[Match]:
    """What `group.unmapped` of these tables makes of a code without a pair."""
    found: list[Match] = []
    for table in tables:
        for one in table.otherwise:
            if one.system == question.system and (
                not question.target_system or one.target_system == question.target_system
            ):
                found += _applied(one, every, question, seen)
    return found


def _applied(
    one: Otherwise, every: Sequence[StandardTable], question: Question, seen: frozenset[str]
) -> list[Match]:
    if one.mode == "other-map":
        others = [table for table in every if table.url == one.url]
        if one.url in seen or len(seen) >= OTHER_MAPS_MAX or not others:
            return []
        through = _pairs(others, question)
        return through or _otherwise(others, every, question, seen | {one.url})
    code = one.code if one.mode == "fixed" else question.code
    return [
        Match(
            system=one.target_system,
            code=code,
            display=one.display if one.mode == "fixed" else "",
            equivalence="equivalent" if one.mode == "provided" else "inexact",
            where=f"{one.where} (unmapped {one.mode})",
        )
    ]


def _answer(tables: Sequence[StandardTable], found: Sequence[Match]) -> Answer:
    if found:
        usable = any(one.equivalence in USABLE for one in found)
        evidence = found[0].where if usable else f"{found[0].where} is {found[0].equivalence}"
    elif tables:
        evidence = f"no row in {', '.join(table.file for table in tables)}"
    else:
        evidence = "there is no table in codevalues/standard"
    return Answer(matches=tuple(found), evidence=evidence)


def parameters_of(answer: Answer) -> dict[str, Any]:
    """The answer as the `Parameters` resource that the operation gives."""
    parameters: list[dict[str, Any]] = [{"name": "result", "valueBoolean": answer.result}]
    if not answer.matches:
        parameters.append({"name": "message", "valueString": answer.evidence})
    for match in answer.matches:
        parts: list[dict[str, Any]] = [{"name": "equivalence", "valueCode": match.equivalence}]
        if match.code:
            coding = {"system": match.system, "code": match.code, "display": match.display}
            value = {name: text for name, text in coding.items() if text}
            parts.append({"name": "concept", "valueCoding": value})
        parts += [_product(one) for one in match.product]
        parts.append({"name": "source", "valueUri": match.where})
        parameters.append({"name": "match", "part": parts})
    return {"resourceType": "Parameters", "parameter": parameters}


def _product(one: Dependency) -> dict[str, Any]:
    coding = {"system": one.system, "code": one.value, "display": one.display}
    value = {name: text for name, text in coding.items() if text}
    return {
        "name": "product",
        "part": [
            {"name": "element", "valueUri": one.property},
            {"name": "concept", "valueCoding": value},
        ],
    }


def answer_of(parameters: Mapping[str, Any], source: str) -> Answer | None:
    """The answer that a server's `Parameters` resource gives; None when it is none.

    Args:
        parameters: the resource, as parsed; not trusted.
        source: the server's address, for the evidence.
    """
    listed = parameters.get("parameter")
    if parameters.get("resourceType") != "Parameters" or not isinstance(listed, list):
        return None
    result = None
    matches: list[Match] = []
    for one in listed:
        if not isinstance(one, dict):
            return None
        if one.get("name") == "result":
            result = one.get("valueBoolean")
        elif one.get("name") == "match":
            match = _match_of(one.get("part"), source)
            if match is not None:
                matches.append(match)
    if not isinstance(result, bool):
        return None
    kept = tuple(matches) if result else ()
    return Answer(matches=kept, evidence=source if kept else f"{source} knows no translation")


def _match_of(parts: object, source: str) -> Match | None:
    """A match with a concept; R5 servers call the equivalence `relationship`."""
    if not isinstance(parts, list):
        return None
    values = {part.get("name"): part for part in parts if isinstance(part, dict)}
    concept = values.get("concept", {}).get("valueCoding")
    if not isinstance(concept, dict):
        return None
    texts = {name: concept.get(name) for name in ("system", "code", "display")}
    if not all(isinstance(value, str) or value is None for value in texts.values()):
        return None
    if not texts["system"] or not texts["code"]:
        return None
    word = values.get("equivalence", {}).get("valueCode")
    return Match(
        system=texts["system"],
        code=texts["code"],
        display=texts["display"] or "",
        equivalence=word if isinstance(word, str) else "relatedto",
        where=source,
    )
