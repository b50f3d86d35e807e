"""Pure. Hints for options in the wrong place: indented wrongly, under the wrong key, or misspelt.

Two spaces too few is the most frequent fault in YAML configuration; a bare "unknown option" loses
people.
"""

from collections.abc import Sequence

from engine.channel.fields import ComponentSpec, FieldSpec, Kind
from engine.diagnostics import did_you_mean
from engine.yamltext import Mapping, Scalar

Ancestors = Sequence[tuple[ComponentSpec, Mapping]]
"""The components around the one being read, outermost first."""


def unknown_option_hint(
    key: Scalar, component: ComponentSpec, node: Mapping, ancestors: Ancestors
) -> str:
    """What the writer most likely meant by an option that `component` does not have."""
    found = _below(key, component, node) or above_hint(key, ancestors)
    if found:
        return found
    names = [field.name for field in component.fields]
    return did_you_mean(key.text, names) or f"known here: {', '.join(names)}"


def indent_hint(key: Scalar, owner: Scalar) -> str:
    """`key` belongs under `owner`, a key of the same mapping."""
    column = key.place.column or 1
    wanted = (owner.place.column or 1) + 2
    where = f"under `{owner.text}:` (line {owner.place.line})"
    if wanted > column:
        return f"this option belongs {where}; indent it by {wanted - column}"
    return f"this option belongs {where}"


def _below(key: Scalar, component: ComponentSpec, node: Mapping) -> str | None:
    """The option of a group one level down."""
    for field in component.fields:
        if not any(inner.field(key.text) for inner in _components(field)):
            continue
        owner = node.key(field.name)
        if owner is not None and field.kind is Kind.OBJECT:
            return indent_hint(key, owner)
        return f"this option belongs under `{field.name}:`"
    return None


def above_hint(key: Scalar, ancestors: Ancestors) -> str | None:
    """The option of a component around this one."""
    for component, node in reversed(ancestors):
        if component.field(key.text) is None or not node.entries:
            continue
        column = node.entries[0][0].place.column or 1
        return f"this is an option of {component.title}; move it left to column {column}"
    return None


def _components(field: FieldSpec) -> tuple[ComponentSpec, ...]:
    if field.component is not None:
        return (field.component,)
    if field.item is not None:
        return _components(field.item)
    return field.variants
