"""Pure. What must hold inside one call: its path has what it names, its rules are there."""

import re
from collections.abc import Iterator

from engine.diagnostics import Diagnostic
from engine.millennium import codes
from engine.millennium.calls.model import (
    CUSTOM,
    IGNITE,
    PUBLIC,
    Body,
    CallPreset,
    Interaction,
)

ROOTS = ("fhir_root", "ehr_api_root")
"""Names of a path that the tenant gives."""
OWN = ("id",)
"""Names that the ledger gives."""
_NAME = re.compile(r"\{([^{}]*)\}")
_CALL_NAME = re.compile(r"[a-z][A-Za-z0-9]*(?:\.[a-z][A-Za-z0-9]*)+")
_CAPTURED = re.compile(r"location\.id|header\.[a-z0-9-]+|body(?:\.[A-Za-z0-9_]+)+")
_SCOPE = re.compile(r"\S+")


def names_of(template: str) -> list[str]:
    """The names in braces, in order."""
    return _NAME.findall(template)


def check_call(preset: CallPreset) -> list[Diagnostic]:
    """Every problem of a call that needs no other call."""
    found = [codes.CALL_SHAPE(preset.place, problem=text) for text in _problems(preset)]
    writes = preset.body in (Body.RESOURCE, Body.PATCH) and preset.api != CUSTOM
    if writes and preset.resource and preset.rules is None:
        found.append(codes.NO_RULES(preset.place, resource=preset.resource))
    return found


def _problems(preset: CallPreset) -> Iterator[str]:
    if preset.name and _CALL_NAME.fullmatch(preset.name) is None:
        yield f'"{preset.name}" has no name of two words, such as patient.register'
    if preset.contract == PUBLIC and preset.api == CUSTOM:
        yield "has no public contract: a call of `api: custom` is tenant-specific"
    if preset.interaction is Interaction.REGISTER:
        if not preset.resource:
            yield "registers no resource: write `resource`"
        return
    if preset.api == IGNITE and not preset.resource:
        yield "of Ignite FHIR names no resource"
    yield from _path_problems(preset)
    for name, where in preset.capture:
        if _CAPTURED.fullmatch(where) is None:
            yield f"captures {name} from {where}: write location.id, header.NAME or body.PATH"
    for scope in (*preset.scopes, *preset.scopes_v2):
        if _SCOPE.fullmatch(scope) is None:
            yield f'has the scope "{scope}", which is no word'
    if preset.concurrency.if_match and "id" not in names_of(preset.path):
        yield "sends If-Match, and its path names no {id}"


def root_of(preset: CallPreset) -> str:
    """The name of the root its path begins with; empty when it begins with none."""
    first = preset.path.partition("/")[0]
    return first[1:-1] if first.startswith("{") and first.endswith("}") else ""


def _root_problems(preset: CallPreset) -> Iterator[str]:
    root = root_of(preset)
    if preset.api == CUSTOM and not root:
        yield "has a path that begins with no {name}/ of the tenant's `services`"
    elif preset.api != CUSTOM and preset.path and root not in ROOTS:
        yield "has a path that does not begin with {fhir_root}/ or {ehr_api_root}/"
    if preset.content is not None and preset.body is not Body.JSON:
        yield "has `content`, which only `body: json` sends"


def _path_problems(preset: CallPreset) -> Iterator[str]:
    own_root = (root_of(preset),) if preset.api == CUSTOM else ROOTS
    known = (*own_root, *OWN, *preset.parameters)
    texts = (preset.path, *(value for _, value in (*preset.query, *preset.headers)))
    for name in dict.fromkeys(name for text in texts for name in names_of(text)):
        if name not in known:
            yield f"names {{{name}}}, which is neither a root, id nor one of its `parameters`"
    yield from _root_problems(preset)
    for name in preset.required:
        if name not in preset.parameters:
            yield f'requires "{name}", which is none of its `parameters`'
    alone = {value[1:-1] for _, value in preset.query if names_of(value) == [value[1:-1]]}
    for name, most in preset.repeats:
        if name not in alone or not most:
            yield f'repeats "{name}", which is no value of its `query` alone, or not even once'
