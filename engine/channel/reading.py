"""Pure. YAML nodes x specifications -> model values: all problems are collected.

A value with a problem is left out, so its default stands in and later checks can still run; a
component whose required option is missing or wrong is not made. `failed` says what not to trust.
"""

from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field
from typing import Any

from engine.channel import codes
from engine.channel.fields import NO_DEFAULT, ComponentSpec, FieldSpec, Kind, default_of
from engine.channel.hints import above_hint, indent_hint, unknown_option_hint
from engine.channel.references import Allowed, resolve
from engine.channel.scalars import coerce
from engine.diagnostics import Diagnostic, Place, did_you_mean, has_errors
from engine.yamltext import Mapping, Node, Scalar, Sequence


class _Failed:
    """The value could not be read; the problem is reported."""


_FAILED = _Failed()


@dataclass(slots=True, kw_only=True)
class Reading:
    """What is collected while one file is read."""

    environment: MappingType[str, str]
    problems: list[Diagnostic] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)
    """Option path such as `destinations[0].fhir.url` to its place."""
    failed: set[str] = field(default_factory=set)
    """Option paths that have an error."""
    ancestors: list[tuple[ComponentSpec, Mapping]] = field(default_factory=list)

    def report(self, path: str, problem: Diagnostic) -> None:
        """Collect a problem of the option at `path`."""
        self.problems.append(problem)
        if has_errors((problem,)):
            self.failed.add(path)

    def place(self, path: str) -> Place:
        """The place of an option, or of the nearest thing around it that is written."""
        while path not in self.places and path:
            path = path.rpartition(".")[0]
        return self.places.get(path) or self.places.get("", Place())

    def trusts(self, path: str) -> bool:
        """True when neither the option nor anything inside it has an error."""
        inside = (f"{path}.", f"{path}[")
        return not any(found == path or found.startswith(inside) for found in self.failed)


def read_component(
    node: Node,
    spec: ComponentSpec,
    path: str,
    reading: Reading,
    forgiven: frozenset[str] = frozenset(),
) -> Any | None:
    """Make the model of one component.

    Args:
        node: the mapping; an empty scalar counts as an empty mapping.
        spec: what it may hold.
        path: its option path, "" for the whole file.
        reading: collects places and problems.
        forgiven: options not to be called missing (they are written in the wrong place).

    Returns:
        An instance of `spec.model`, or None when a required option is missing or wrong.
    """
    if _is_empty(node):
        node = Mapping((), node.place)
    if not isinstance(node, Mapping):
        problem = _wrong_kind(node, spec.title, Kind.OBJECT.value)
        reading.report(path, problem)
        return None
    values: dict[str, Any] = {}
    unknown: list[Scalar] = []
    for key, child in node:
        option = spec.field(key.text)
        if option is None:
            unknown.append(key)
            continue
        child_path = _join(path, option.name)
        reading.places[child_path] = child.place if isinstance(child, Scalar) else key.place
        reading.ancestors.append((spec, node))
        value = _read_value(child, option, child_path, reading, key)
        reading.ancestors.pop()
        if not isinstance(value, _Failed):
            values[option.target] = value
    for key in unknown:
        hint = unknown_option_hint(key, spec, node, reading.ancestors)
        reading.report(
            _join(path, key.text),
            codes.UNKNOWN_OPTION(key.place, option=key.text, owner=spec.title, hint=hint),
        )
    _report_missing(node, spec, path, reading, forgiven, unknown)
    return _build(spec, values, path, reading)


def _report_missing(
    node: Mapping,
    spec: ComponentSpec,
    path: str,
    reading: Reading,
    forgiven: frozenset[str],
    unknown: list[Scalar],
) -> None:
    for option in spec.fields:
        if not option.required or node.key(option.name) is not None or option.name in forgiven:
            continue
        # A misspelt key is one problem, not two.
        if any(did_you_mean(key.text, [option.name]) for key in unknown):
            continue
        place = reading.place(path)
        hint = f"add `{option.name}:`" + (f" such as {option.example}" if option.example else "")
        reading.report(
            _join(path, option.name),
            codes.MISSING_OPTION(place, owner=spec.title, option=option.name, hint=hint),
        )


def _build(spec: ComponentSpec, values: dict[str, Any], path: str, reading: Reading) -> Any | None:
    filled = dict(values)
    incomplete = False
    for option in spec.fields:
        if option.target in filled:
            continue
        default = default_of(spec, option)
        incomplete = incomplete or default is NO_DEFAULT
        filled[option.target] = None if default is NO_DEFAULT else default
    for check in spec.checks:
        for problem in check(filled, lambda name: reading.place(_join(path, name))):
            reading.report(path, problem)
    return None if incomplete else spec.model(**values)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _wrong_kind(node: Node, option: str, expected: str, hint: str | None = None) -> Diagnostic:
    if isinstance(node, Scalar):
        found = "text" if node.text else "nothing"
    else:
        found = "a list" if isinstance(node, Sequence) else "a group of options"
    return codes.WRONG_KIND(
        node.place,
        option=option,
        expected=expected,
        found=found,
        hint=hint or f"write {expected} here",
    )


def _read_value(node: Node, option: FieldSpec, path: str, reading: Reading, key: Scalar) -> Any:
    """The converted value, or _FAILED."""
    reader = _READERS.get(option.kind, _read_scalar)
    value = reader(node, option, path, reading, key)
    if isinstance(value, _Failed) or value is None or option.convert is None:
        return _FAILED if value is None else value
    return option.convert(value)


def _read_object(
    node: Node, option: FieldSpec, path: str, reading: Reading, _key: Scalar
) -> Any | None:
    assert option.component is not None  # noqa: S101  a specification without it is a bug
    return read_component(node, option.component, path, reading)


def _read_variant(
    node: Node, option: FieldSpec, path: str, reading: Reading, key: Scalar
) -> Any | None:
    choices = {variant.key: variant for variant in option.variants}
    names = ", ".join(choices)
    if not isinstance(node, Mapping):
        expected = f"one of {names} with its options"
        reading.report(path, _wrong_kind(node, option.name, expected))
        return None
    written = [found for found, _ in node if found.text in choices]
    if len(written) != 1:
        reading.report(path, _no_variant(node, option, key, written))
        return None
    variant = choices[written[0].text]
    misplaced = [found for found, _ in node if found is not written[0]]
    for found in misplaced:
        if variant.field(found.text):
            hint = indent_hint(found, written[0])
        else:
            hint = (
                did_you_mean(found.text, choices)
                or above_hint(found, reading.ancestors)
                or f"one type only: {names}"
            )
        reading.report(
            _join(path, found.text),
            codes.UNKNOWN_OPTION(
                found.place, option=found.text, owner=f"`{option.name}`", hint=hint
            ),
        )
    child = node.get(variant.key)
    child_path = _join(path, variant.key)
    reading.places[child_path] = written[0].place
    assert child is not None  # noqa: S101  its key was just found
    forgiven = frozenset(found.text for found in misplaced)
    return read_component(child, variant, child_path, reading, forgiven)


def _no_variant(node: Mapping, option: FieldSpec, key: Scalar, written: list[Scalar]) -> Diagnostic:
    names = [variant.key for variant in option.variants]
    place = (
        written[1].place if written else (node.entries[0][0].place if node.entries else key.place)
    )
    hint = None
    if not written and node.entries:
        first = node.entries[0][0].text
        fitting = [variant.key for variant in option.variants if variant.field(first)]
        hint = did_you_mean(first, names)
        if hint is None and fitting:
            hint = f"`{first}` is an option of {' and '.join(fitting)}: write the type above it"
    return codes.ONE_VARIANT(place, owner=f"`{option.name}`", choices=", ".join(names), hint=hint)


def _read_list(
    node: Node, option: FieldSpec, path: str, reading: Reading, key: Scalar
) -> Any | None:
    """A list; one scalar is a list of one."""
    assert option.item is not None  # noqa: S101  a specification without it is a bug
    if isinstance(node, Mapping):
        hint = None
        if option.item.kind in (Kind.OBJECT, Kind.ONE_OF):
            hint = f"write `- ` before each entry of `{option.name}`"
        reading.report(path, _wrong_kind(node, option.name, Kind.LIST.value, hint))
        return None
    items = node.items if isinstance(node, Sequence) else (node,)
    if not items or (items == (node,) and _is_empty(node)):
        reading.report(path, codes.EMPTY_LIST(key.place, option=key.text))
        return None
    values = []
    for index, item in enumerate(items):
        item_path = f"{path}[{index}]"
        reading.places[item_path] = item.place
        value = _read_value(item, option.item, item_path, reading, key)
        if not isinstance(value, _Failed):
            values.append(value)
    return tuple(values)


def _is_empty(node: Node) -> bool:
    """A key with nothing behind it."""
    return isinstance(node, Scalar) and not node.text and not node.quoted


def _read_table(
    node: Node, option: FieldSpec, path: str, reading: Reading, _key: Scalar
) -> Any | None:
    assert option.item is not None  # noqa: S101  a specification without it is a bug
    if not isinstance(node, Mapping):
        reading.report(path, _wrong_kind(node, option.name, Kind.TABLE.value))
        return None
    pairs = []
    for name, child in node:
        child_path = _join(path, name.text)
        reading.places[child_path] = child.place if isinstance(child, Scalar) else name.place
        wrong = option.key_form(name.text) if option.key_form else None
        if wrong:
            reading.report(
                child_path,
                codes.BAD_FORM(
                    name.place,
                    option=name.text,
                    expected=f"a name for `{option.name}`",
                    problem=wrong,
                ),
            )
        value = _read_value(child, option.item, child_path, reading, name)
        if not isinstance(value, _Failed) and not wrong:
            pairs.append((name.text, value))
    return tuple(pairs)


def _read_scalar(
    node: Node, option: FieldSpec, path: str, reading: Reading, key: Scalar
) -> Any | None:
    if not isinstance(node, Scalar):
        reading.report(path, _wrong_kind(node, option.name or key.text, option.kind.value))
        return None
    if _is_empty(node):
        # An empty value has no text of its own to point at.
        stand_in = Scalar("", key.place)
        hint = "write a value, or leave the option out"
        reading.report(path, _wrong_kind(stand_in, key.text, option.kind.value, hint))
        return None
    allowed = Allowed(
        option=key.text,
        environment=option.environment,
        text=option.kind is not Kind.SECRET,
        secret=option.kind in (Kind.SECRET, Kind.TEXT_OR_SECRET),
    )
    resolved = resolve(node, allowed, reading.environment)
    for problem in resolved.problems:
        reading.report(path, problem)
    if not isinstance(resolved.value, str):
        return resolved.value
    value, wrong_value = coerce(resolved.value, option, key.text, node.place)
    if wrong_value is not None:
        reading.report(path, wrong_value)
    return value


_READERS = {
    Kind.OBJECT: _read_object,
    Kind.ONE_OF: _read_variant,
    Kind.LIST: _read_list,
    Kind.TABLE: _read_table,
}
