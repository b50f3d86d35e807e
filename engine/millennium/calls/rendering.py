"""Pure. A plain call and its arguments as one HTTP request.

Arguments go into the path, the query and headers percent-encoded or checked, so that no identifier
of a message can become part of an address or a header of its own.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from engine.millennium.calls.body import encode_json
from engine.millennium.calls.checker import ROOTS, names_of
from engine.millennium.calls.model import Body, CallPreset
from engine.millennium.calls.templates import fill
from engine.millennium.resources.administrative import charge_parameters

Json = dict[str, Any]
Arguments = Mapping[str, str | tuple[str, ...]]
"""By name; several values only of a parameter that the call `repeats`."""
_TEMPLATE = re.compile(r"\{([^{}]*)\}")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")
_UNRESERVED = "-._~"


class ArgumentError(ValueError):
    """A call lacks an argument, or one cannot be sent. The text names the argument, no value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedRequest:
    """One request, without the token."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


def render_request(
    preset: CallPreset,
    roots: Mapping[str, str],
    arguments: Arguments,
    content: Any = None,
) -> RenderedRequest:
    """The request of a plain call.

    Args:
        preset: the call.
        roots: `fhir_root` and `ehr_api_root` of the tenant.
        arguments: `id` and the call's parameters by name.
        content: the resource, the patch or the JSON that is sent, where the call sends something.

    Raises:
        ArgumentError: one that is required is missing, has more values than the call takes, or
            cannot be sent where it belongs.
    """
    for name in preset.required:
        if not arguments.get(name):
            raise ArgumentError(f"{preset.name} needs {name}")
    root, _, rest = preset.path.partition("/")
    start = roots.get(root.strip("{}"), "")
    if not start:
        raise ArgumentError(f"the tenant has no {root.strip('{}')}, which {preset.name} needs")
    url = f"{start}/{_filled(preset, rest, arguments)}"
    pairs = [
        f"{quote(name, safe=_UNRESERVED)}={_filled(preset, value, given)}"
        for name, value in preset.query
        if all(arguments.get(one) for one in names_of(value))
        for given in _each(preset, value, arguments)
    ]
    if pairs:
        url += f"?{'&'.join(pairs)}"
    headers = [
        (name, _header(preset, value, arguments))
        for name, value in preset.headers
        if all(arguments.get(one) for one in names_of(value))
    ]
    body = b"" if preset.body is Body.NONE or content is None else encode_json(content)
    return RenderedRequest(method=preset.method, url=url, headers=tuple(headers), body=body)


def content_of(preset: CallPreset, resource: Json, once: str) -> Json:
    """What a call sends for a resource: it, Parameters round it, or content of the call's own.

    Args:
        preset: the plain call.
        resource: as composed, with the server's references.
        once: the key of the composed call.
    """
    if preset.content is not None:
        return fill(preset.content, resource) or {}
    return charge_parameters(resource, once) if preset.body is Body.PARAMETERS else resource


def _each(preset: CallPreset, template: str, arguments: Arguments) -> Iterator[Arguments]:
    """The arguments of a pair of the query: of one that is repeated, one value after the other."""
    name = template[1:-1]
    values = arguments.get(name)
    if not isinstance(values, tuple):
        yield arguments
        return
    most = dict(preset.repeats).get(name, 1)
    if len(values) > most:
        raise ArgumentError(f"{preset.name} takes {most} of {name} at most")
    for value in values:
        yield {**arguments, name: value}


def _filled(preset: CallPreset, template: str, arguments: Arguments) -> str:
    def one(match: re.Match[str]) -> str:
        text = _argument(preset, match[1], arguments)
        if not text.strip("."):
            raise ArgumentError(f"{match[1]} of {preset.name} is a step of a path")
        return quote(text, safe=_UNRESERVED)

    return _TEMPLATE.sub(one, template)


def _header(preset: CallPreset, template: str, arguments: Arguments) -> str:
    value = _TEMPLATE.sub(lambda match: _argument(preset, match[1], arguments), template)
    if _HEADER_VALUE.fullmatch(value) is None:
        raise ArgumentError(f"a header of {preset.name} has characters that cannot be sent")
    return value


def _argument(preset: CallPreset, name: str, arguments: Arguments) -> str:
    found = arguments.get(name)
    if not found or name in ROOTS:
        raise ArgumentError(f"{preset.name} needs {name}")
    if not isinstance(found, str):
        raise ArgumentError(f"{preset.name} takes one {name}")
    return found
