"""Pure. The content of a call that sends JSON of its own form, filled from the resource.

    content:
      fin: "{identifier.0.value}"
      patient: "{subject.id}"
      ward: "to {location.0.location.display}"

A text that is one path alone becomes the value as it is, with its type; paths inside a text become
text. `id` of a reference is the id it names. What a path does not find leaves its key out.
"""

import re
from collections.abc import Mapping
from typing import Any

_PATH = re.compile(r"\{([A-Za-z][A-Za-z0-9]*(?:\.[A-Za-z0-9]+)*)\}")
_MISSING = object()


def fill(template: Any, resource: Mapping[str, Any]) -> Any:
    """The template with the values of a resource; None when nothing of it is left."""
    found = _fill(template, resource)
    return None if found is _MISSING else found


def _fill(template: Any, resource: Mapping[str, Any]) -> Any:
    if isinstance(template, dict):
        pairs = ((name, _fill(item, resource)) for name, item in template.items())
        return {name: item for name, item in pairs if item is not _MISSING} or _MISSING
    if isinstance(template, list):
        items = (_fill(item, resource) for item in template)
        return [item for item in items if item is not _MISSING] or _MISSING
    return _fill_text(str(template), resource)


def _fill_text(text: str, resource: Mapping[str, Any]) -> Any:
    whole = _PATH.fullmatch(text)
    if whole is not None:
        return _value(resource, whole[1])
    found = [_value(resource, path) for path in _PATH.findall(text)]
    if _MISSING in found:
        return _MISSING
    values = iter(found)
    return _PATH.sub(lambda _match: str(next(values)), text)


def _value(resource: Any, path: str) -> Any:
    value = resource
    for step in path.split("."):
        if isinstance(value, list):
            value = value[int(step)] if step.isdigit() and int(step) < len(value) else _MISSING
        elif isinstance(value, dict) and step == "id" and "reference" in value:
            value = str(value["reference"]).rpartition("/")[2]
        elif isinstance(value, dict):
            value = value.get(step, _MISSING)
        else:
            return _MISSING
    return value
