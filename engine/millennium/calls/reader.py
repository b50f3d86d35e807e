"""Pure. The files of Millennium calls and resource rules to their values, all problems at once.

A plain call:

    call: patient.create
    description: A person who is not there yet.
    api: ignite-fhir-r4                # ignite-fhir-r4 | ehr-api | custom
    contract: public                   # public | tenant-specific
    grade: documented                  # documented | captured | field report | inferred
    source: ...
    resource: Patient
    does: create                       # an interaction
    path: "{fhir_root}/Patient"
    scopes: {v1: [system/Patient.write], v2: [system/Patient.crus]}
    expect: {status: [201], headers: [location, etag]}
    capture: {id: location.id, etag: header.etag}

A `register` names the calls it is made of: `does: register`, `find:`, `create:`, `change:`, and of
documents `read:`, which reads the content that a change must say again.
"""

from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field, replace
from typing import Any

from engine.diagnostics import Diagnostic, Place, did_you_mean
from engine.fhir.definitions import resource_types
from engine.millennium import codes
from engine.millennium.calls.checker import check_call
from engine.millennium.calls.model import (
    APIS,
    CONTRACTS,
    CUSTOM,
    EHR_API,
    AnswerClass,
    Body,
    CallPreset,
    Concurrency,
    Expected,
    Interaction,
    Presets,
)
from engine.millennium.capabilities import GRADES, Capabilities, read_capabilities
from engine.millennium.keys import Keys
from engine.millennium.resources.rules import ResourceRules
from engine.millennium.resources.rules_reader import read_rules
from engine.yamltext import Mapping, Node, Scalar, Sequence, parse_yaml

KEYS = (
    "call", "description", "api", "contract", "grade", "source", "resource", "does", "method",
    "path", "query", "headers", "body", "content", "parameters", "required",
    "repeats", "scopes", "concurrency", "once", "probe", "expect", "capture", "classify",
    "prerequisites", "find", "create", "change", "read",
)  # fmt: skip
PARTS = ("find", "create", "change", "read")
FHIR_JSON = "application/fhir+json"
JSON = "application/json"
JSON_PATCH = "application/json-patch+json"

_METHODS = {
    Interaction.CREATE: "POST",
    Interaction.UPDATE: "PUT",
    Interaction.PATCH: "PATCH",
    Interaction.DELETE: "DELETE",
    Interaction.OPERATION: "POST",
    Interaction.SEARCH: "GET",
    Interaction.READ: "GET",
}
_BODIES = {
    Interaction.CREATE: Body.RESOURCE,
    Interaction.UPDATE: Body.RESOURCE,
    Interaction.PATCH: Body.PATCH,
    Interaction.OPERATION: Body.PARAMETERS,
}
_CONTENT = {Body.RESOURCE: FHIR_JSON, Body.PARAMETERS: FHIR_JSON, Body.PATCH: JSON_PATCH}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """A call whose parts are still names."""

    preset: CallPreset
    parts: tuple[tuple[str, Scalar], ...]


@dataclass(slots=True)
class _Found:
    """What the files hold."""

    problems: list[Diagnostic] = field(default_factory=list)
    calls: dict[str, _Read] = field(default_factory=dict)
    rules: dict[str, ResourceRules] = field(default_factory=dict)
    capabilities: Capabilities | None = None


def read_presets(
    files: MappingType[str, str], base: Presets | None = None
) -> tuple[Presets, list[Diagnostic]]:
    """Read calls and rules.

    Args:
        files: name (for places) to text.
        base: what is there already; a call or rules of the same name in `files` take their place,
            which is how a site's overlay changes what ships.

    Returns:
        Everything that could be read, and all problems.
    """
    found = _Found()
    for file, text in sorted(files.items()):
        root, faults = parse_yaml(text, file)
        found.problems.extend(faults)
        if isinstance(root, Mapping):
            _read_file(root, file, found)
        elif not faults:
            problem = "it is empty" if root is None else "it is no mapping"
            found.problems.append(codes.NOT_A_CALL(Place(file=file, line=1), problem=problem))
    base = base or Presets()
    own = {name: one.preset for name, one in found.calls.items()}
    rules = {**base.rules, **found.rules}
    calls = {
        name: replace(preset, rules=None if preset.api == CUSTOM else rules.get(preset.resource))
        for name, preset in {**base.calls, **own}.items()
    }
    for name in own:
        found.problems.extend(check_call(calls[name]))
    calls |= _linked(calls, found.calls, found.problems)
    capabilities = found.capabilities or base.capabilities
    return Presets(calls=calls, rules=rules, capabilities=capabilities), found.problems


def _read_file(root: Mapping, file: str, found: _Found) -> None:
    if root.get("call") is not None:
        one = _read_call(root, file, found.problems)
        name = one.preset.name
        if name in found.calls:
            other = found.calls[name].preset.file
            found.problems.append(codes.DUPLICATE_CALL(one.preset.place, name=name, other=other))
        elif name:
            found.calls[name] = one
    elif root.get("resource") is not None:
        rules = read_rules(root, file, found.problems)
        name = rules.resource
        if name in found.rules:
            other = found.rules[name].file
            found.problems.append(codes.DUPLICATE_CALL(rules.place, name=name, other=other))
        elif name:
            found.rules[name] = rules
    elif root.get("capabilities") is not None:
        found.capabilities = read_capabilities(root, found.problems)
    else:
        problem = "the key `call`, `resource` or `capabilities` is missing"
        found.problems.append(codes.NOT_A_CALL(root.place, problem=problem))


def _read_call(root: Mapping, file: str, problems: list[Diagnostic]) -> _Read:
    keys = Keys(root, "the call", problems)
    keys.known(KEYS)
    does = Interaction(keys.word("does", [one.value for one in Interaction]) or "read")
    api = keys.word("api", APIS) or APIS[0]
    plain_body = Body.JSON if api == EHR_API and does is Interaction.OPERATION else None
    usual = plain_body or _BODIES.get(does, Body.NONE)
    body = Body(keys.word("body", [one.value for one in Body], default=usual.value))
    scopes = keys.inside("scopes", ("v1", "v2"))
    concurrency = keys.inside("concurrency", ("if_match", "rereads_max"))
    expect = keys.inside("expect", ("status", "headers"))
    preset = CallPreset(
        name=keys.text("call", required=True),
        file=file,
        place=keys.place("call"),
        description=keys.text("description", required=True),
        api=api,
        contract=keys.word("contract", CONTRACTS),
        grade=keys.word("grade", GRADES),
        source=keys.text("source", required=True),
        resource=_resource(keys),
        interaction=does,
        method=keys.text("method") or _METHODS.get(does, ""),
        path=keys.text("path", required=does is not Interaction.REGISTER),
        query=keys.texts("query"),
        headers=_headers(keys, api, body),
        body=body,
        content=_plain(root.get("content")),
        parameters=keys.words("parameters"),
        required=keys.words("required"),
        repeats=_repeats(keys),
        scopes=scopes.words("v1"),
        scopes_v2=scopes.words("v2"),
        concurrency=Concurrency(
            if_match=concurrency.flag("if_match"),
            rereads_max=concurrency.number("rereads_max", Concurrency().rereads_max),
        ),
        once=keys.flag("once"),
        probe=keys.text("probe"),
        expected=Expected(
            statuses=_statuses(expect) or Expected().statuses,
            headers=tuple(name.lower() for name in expect.words("headers")),
        ),
        capture=keys.texts("capture"),
        classify=_classes(keys),
        prerequisites=keys.words("prerequisites"),
    )
    parts = ((part, root.get(part)) for part in PARTS)
    return _Read(
        preset=preset,
        parts=tuple((part, node) for part, node in parts if isinstance(node, Scalar)),
    )


def _plain(node: Node | None) -> Any:
    """A node as JSON values whose leaves are texts."""
    if isinstance(node, Mapping):
        return {key.text: _plain(item) for key, item in node}
    if isinstance(node, Sequence):
        return [_plain(item) for item in node]
    return node.text if node is not None else None


def _resource(keys: Keys) -> str:
    kind = keys.text("resource")
    known = resource_types()
    if kind and kind not in known:
        place, hint = keys.place("resource"), did_you_mean(kind, known)
        keys.problems.append(codes.NOT_A_WORD(place, key="resource", value=kind, hint=hint))
        return ""
    return kind


def _headers(keys: Keys, api: str, body: Body) -> tuple[tuple[str, str], ...]:
    """The headers of the API and the body, and over them those written."""
    found = {"accept": ("Accept", JSON if api == EHR_API else FHIR_JSON)}
    content = _CONTENT.get(body, JSON if body is Body.JSON else "")
    if content:
        found["content-type"] = ("Content-Type", content)
    for name, value in keys.texts("headers"):
        found[name.lower()] = (name, value)
    return tuple(found.values())


def _statuses(expect: Keys) -> tuple[int, ...]:
    found = (expect.whole(item, "`status`") for item in expect.scalars("status"))
    return tuple(status for status in found if status is not None)


def _repeats(keys: Keys) -> tuple[tuple[str, int], ...]:
    """Parameters and how many values of each go into one call."""
    found: list[tuple[str, int]] = []
    for name, node in keys.pairs("repeats"):
        most = keys.whole(node, f"`{name.text}` of `repeats`")
        if most is not None:
            found.append((name.text, most))
    return tuple(found)


def _classes(keys: Keys) -> tuple[tuple[int, str], ...]:
    found: list[tuple[int, str]] = []
    words = [one.value for one in AnswerClass]
    for name, node in keys.pairs("classify"):
        status = keys.whole(name, "a status of `classify`")
        word = _word(keys, node, words)
        if status is not None and word:
            found.append((status, word))
    return tuple(found)


def _word(keys: Keys, node: Node, words: list[str]) -> str:
    if not isinstance(node, Scalar):
        keys.wrong(node, "`classify`", "a status and a class")
        return ""
    return keys.one_of(node, "classify", node.text, words)


def _linked(
    calls: MappingType[str, CallPreset],
    read: MappingType[str, _Read],
    problems: list[Diagnostic],
) -> dict[str, CallPreset]:
    """Every register with its parts; those of the base with parts that were changed."""
    found: dict[str, CallPreset] = {}
    for name, preset in calls.items():
        if preset.interaction is not Interaction.REGISTER:
            continue
        names = _part_names(preset)
        for part, scalar in read[name].parts if name in read else ():
            names[part] = scalar.text
            if scalar.text not in calls:
                hint = did_you_mean(scalar.text, calls)
                problems.append(codes.UNKNOWN_CALL(scalar.place, name=scalar.text, hint=hint))
        found[name] = replace(
            preset,
            find=calls.get(names.get("find", "")),
            create=calls.get(names.get("create", "")),
            change=calls.get(names.get("change", "")),
            read=calls.get(names.get("read", "")),
        )
    return found


def _part_names(preset: CallPreset) -> dict[str, str]:
    parts = ((name, getattr(preset, name)) for name in PARTS)
    return {name: part.name for name, part in parts if part is not None}
