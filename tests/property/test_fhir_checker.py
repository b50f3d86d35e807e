"""The gate, the checker and fhir.resources agree, on resources made from the definitions."""

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.fhir import checker, compiled, definitions
from engine.fhir.definitions.model import ElementDefinition, TypeDefinition
from engine.fhir.invariants import NAME_RULES, VALUE_RULES

Json = dict[str, Any]

DEPTH_MAX = 4
"""Deeper, only required elements are made."""
TEXTS = ("Ward 4", "täglich", "line\nnext", "山田 太郎", "12%", "a\tb", "'quoted' \"twice\" \\")
PRIMITIVES: dict[str, tuple[Any, ...]] = {
    "base64Binary": ("YQ==", "aGVsbG8=", "aGVs bG8="),
    "boolean": (True, False),
    "canonical": ("http://example.org/StructureDefinition/a|1.0", "urn:oid:2.999.1"),
    "code": ("a", "final", "two words", "N/A"),
    "date": ("2024-02-29", "1999", "2001-12", "1900-02-28"),
    "dateTime": ("2024-02-29T23:59:59.123+05:30", "1999", "2001-12", "2001-12-31"),
    "decimal": (0, -1, 1.5, 12345678, 0.001, 1e10),
    "id": ("a", "A-1.b", "x" * 64),
    "instant": ("2024-02-29T23:59:59Z", "2001-01-01T00:00:00.5-14:00"),
    "integer": (0, -5, 2_147_483_647),
    "markdown": TEXTS,
    "oid": ("urn:oid:2.999.1", "urn:oid:1.0"),
    "positiveInt": (1, 2_147_483_647),
    "string": TEXTS,
    "time": ("00:00:00", "23:59:59.999"),
    "unsignedInt": (0, 1),
    "uri": ("http://example.org/a?b=c", "urn:oid:2.999.1", "urn:ietf:bcp:47"),
    "url": ("http://example.org/fhir", "mailto:a@example.org"),
    "uuid": ("urn:uuid:c757873d-ec9a-4326-a141-556f43239520",),
    "xhtml": ('<div xmlns="http://www.w3.org/1999/xhtml">text</div>',),
}
UUID = "0f6d1f8e-5b7a-5c3e-9d42-7d1a0c5b9e11"


def make_resource(random: Random, resource_type: str, depth: int = 0) -> Json:
    definition = definitions.type_definition(resource_type)
    assert definition is not None
    return {"resourceType": resource_type, **make_object(random, definition, depth)}


def make_object(random: Random, definition: TypeDefinition, depth: int) -> Json:
    made: Json = {}
    share = 0.25 if depth == 0 else 0.12 if depth < DEPTH_MAX else 0.0
    for element in definition.elements.values():
        if element.name == "contained" or (element.name == "implicitRules"):
            continue
        if element.min or random.random() < share:
            make_element(random, made, element, depth)
    if definition.name == "Extension":
        make_extension(random, made, depth)
    if not made:
        optional = [
            element for element in definition.elements.values() if not is_deep(element, depth)
        ]
        make_element(random, made, random.choice(optional), depth)
    settle(random, made, definition, depth)
    return made or make_object(random, definition, depth)


def settle(random: Random, made: Json, definition: TypeDefinition, depth: int) -> None:
    """Take away what R4's rules between elements forbid, add what they need."""
    while (at := first_broken_rule(made, definition)) is not None:
        names = {key: definition.keys[key.removeprefix("_")][0].name for key in made}
        if at in names.values():
            for key in [key for key, name in names.items() if name == at]:
                del made[key]
            continue
        without = {*names.values(), "contained"}
        missing = [e for e in definition.elements.values() if e.name not in without]
        named = [element for element in missing if element.name == at]
        make_element(random, made, random.choice(named or missing), depth)


def first_broken_rule(made: Json, definition: TypeDefinition) -> str | None:
    """The element one of the rules wants to have or not to have; empty: one that it leaves open."""
    present = {definition.keys[key.removeprefix("_")][0].name for key in made}
    for rule in NAME_RULES.get(definition.name, ()):
        if not rule.holds(present):
            return rule.at
    for value_rule in VALUE_RULES.get(definition.name, ()):
        fault = value_rule.fault(made)
        if fault is not None:
            return definition.keys[fault.partition("[")[0].removeprefix("_")][0].name
    return None


def is_deep(element: ElementDefinition, depth: int) -> bool:
    kind = definitions.type_definition(element.types[0])
    return element.types[0] == "Resource" or kind is None or kind.kind != "primitive"


def make_extension(random: Random, made: Json, depth: int) -> None:
    for key in [key for key in made if key.startswith(("value", "_value"))]:
        del made[key]
    if "extension" in made and depth < DEPTH_MAX:
        return
    made.pop("extension", None)
    element = definitions.element("Extension", "value[x]")
    assert element is not None
    make_element(random, made, element, depth)


def make_element(random: Random, made: Json, element: ElementDefinition, depth: int) -> None:
    kinds = [kind for kind in element.types if depth < DEPTH_MAX or is_primitive(kind)]
    kind = random.choice(kinds or list(element.types))
    key = element.name + (kind[0].upper() + kind[1:] if element.choice else "")
    if not element.max_many:
        made[key] = make_value(random, element, kind, depth)
        extensible = is_primitive(kind) and not element.attribute
        if extensible and depth < DEPTH_MAX and random.random() < 0.05:
            made["_" + key] = make_gap_filler(random, depth)
        return
    made[key] = [make_value(random, element, kind, depth) for _ in range(random.randint(1, 2))]
    if is_primitive(kind) and depth < DEPTH_MAX and random.random() < 0.1:
        made[key].append(None)
        made["_" + key] = [None] * (len(made[key]) - 1) + [make_gap_filler(random, depth)]


def make_gap_filler(random: Random, depth: int) -> Json:
    definition = definitions.type_definition("Extension")
    assert definition is not None
    return {"extension": [make_object(random, definition, depth + 1)]}


def is_primitive(kind: str) -> bool:
    return kind in PRIMITIVES


def make_value(random: Random, element: ElementDefinition, kind: str, depth: int) -> Any:
    binding = element.binding
    if kind == "Resource":
        return make_resource(random, "Basic", depth + 1)
    if is_primitive(kind):
        codes = binding.codes if binding is not None else None
        return random.choice(sorted(codes) if codes is not None else PRIMITIVES[kind])
    if kind == "Reference":
        return make_reference(random, element.targets)
    if binding is not None and binding.codings is not None:
        system, code = random.choice(sorted(binding.codings))
        return {"coding": [{"system": system, "code": code}]}
    definition = definitions.type_definition(kind)
    assert definition is not None
    return make_object(random, definition, depth + 1)


def make_reference(random: Random, targets: tuple[str, ...]) -> Json:
    target = random.choice(sorted(targets) or ["Patient"])
    forms = (f"{target}/{UUID}", f"urn:uuid:{UUID}", f"https://example.org/fhir/{target}/1")
    made: Json = {"reference": random.choice(forms)}
    if random.random() < 0.3:
        made["type"] = target
    return made


@dataclass(frozen=True)
class Spot:
    """One key of one object inside a resource."""

    holder: Json
    key: str
    path: str
    element: ElementDefinition
    kind: str
    owner: TypeDefinition

    @property
    def value(self) -> Any:
        return self.holder[self.key]

    @property
    def item_path(self) -> str:
        """Where a problem of the (first) value is."""
        return f"{self.path}[0]" if self.element.max_many else self.path

    def put(self, value: Any) -> str:
        """Replace the value, or the first of the list; returns the path of what was put."""
        if self.element.max_many:
            self.holder[self.key] = [value, *self.value[1:]]
        else:
            self.holder[self.key] = value
        return self.item_path


def spots(value: Json, definition: TypeDefinition, path: str) -> Iterator[Spot]:
    for key, item in value.items():
        if key not in definition.keys:
            continue
        element, kind = definition.keys[key]
        yield Spot(value, key, f"{path}.{key}", element, kind, definition)
        inner = definitions.type_definition(kind)
        if inner is None or inner.kind == "primitive":
            continue
        for index, each in enumerate(item if isinstance(item, list) else [item]):
            here = f"{path}.{key}[{index}]" if isinstance(item, list) else f"{path}.{key}"
            yield from spots(each, inner, here)


def seed_missing(random: Random, found: list[Spot]) -> str | None:
    chosen = pick(random, [s for s in found if s.element.min and s.owner.name != "Extension"])
    if chosen is None:
        return None
    del chosen.holder[chosen.key]
    chosen.holder.pop("_" + chosen.key, None)
    if not chosen.holder:  # nothing is left: that is the problem that is reported
        return chosen.path.rpartition(".")[0]
    parent = chosen.path.rpartition(".")[0]
    return f"{parent}.{chosen.element.name}" + ("[x]" if chosen.element.choice else "")


def seed_list_for_scalar(random: Random, found: list[Spot]) -> str | None:
    chosen = pick(random, [s for s in found if not s.element.max_many])
    if chosen is None:
        return None
    chosen.holder[chosen.key] = [chosen.value]
    return chosen.path


def seed_scalar_for_list(random: Random, found: list[Spot]) -> str | None:
    chosen = pick(random, [s for s in found if s.element.max_many])
    if chosen is None:
        return None
    chosen.holder[chosen.key] = chosen.value[0]
    return chosen.path


def seed_unknown_element(random: Random, found: list[Spot]) -> str | None:
    chosen = random.choice(found)
    chosen.holder["middleNme"] = "x"
    return chosen.path.rpartition(".")[0] + ".middleNme"


def seed_two_choices(random: Random, found: list[Spot]) -> str | None:
    chosen = pick(random, [s for s in found if s.element.choice and "String" not in s.key])
    if chosen is None or "string" not in chosen.element.types:
        return None
    chosen.holder[chosen.element.name + "String"] = "x"
    return f"{chosen.path.rpartition('.')[0]}.{chosen.element.name}String"


def seed_empty(value: Any) -> Callable[[Random, list[Spot]], str | None]:
    def seed(random: Random, found: list[Spot]) -> str | None:
        wanted = [s for s in found if value == "" or not is_primitive(s.kind)]
        chosen = pick(random, [s for s in wanted if s.kind != "Resource"])
        return chosen.put(copy.copy(value)) if chosen is not None else None

    return seed


def seed_empty_list(random: Random, found: list[Spot]) -> str | None:
    chosen = pick(random, [s for s in found if s.element.max_many])
    if chosen is None:
        return None
    chosen.holder[chosen.key] = []
    return chosen.path


def seed_null(random: Random, found: list[Spot]) -> str | None:
    chosen = random.choice(found)
    chosen.holder[chosen.key] = None
    return chosen.path


def seed_wrong_type(random: Random, found: list[Spot]) -> str | None:
    chosen = pick(random, [s for s in found if s.kind not in ("Resource", "boolean")])
    if chosen is None:
        return None
    return chosen.put({"value": "x"} if is_primitive(chosen.kind) else "Jane")


def seed_text_for_boolean(random: Random, found: list[Spot]) -> str | None:
    chosen = pick(random, [s for s in found if s.kind == "boolean"])
    return chosen.put("true") if chosen is not None else None


def seed_bad_format(bad: dict[str, Any]) -> Callable[[Random, list[Spot]], str | None]:
    def seed(random: Random, found: list[Spot]) -> str | None:
        chosen = pick(random, [s for s in found if s.kind in bad])
        return chosen.put(bad[chosen.kind]) if chosen is not None else None

    return seed


BAD_TIMES = {
    "date": "2023-02-29",
    "dateTime": "2024-04-31T10:00:00Z",
    "instant": "2024-01-01",
    "time": "24:00:00",
}
BAD_TOKENS = {
    "code": " a",
    "id": "a_b",
    "decimal": float("nan"),
    "positiveInt": 0,
    "unsignedInt": -1,
    "base64Binary": "YQ=",
}
BAD_TEXTS = {"string": "a\x00b", "uri": "a b", "integer": 2**31}


def seed_bad_code(random: Random, found: list[Spot]) -> str | None:
    bound = [s for s in found if s.element.binding is not None and s.element.binding.codes]
    chosen = pick(random, bound)
    if chosen is None:
        return None
    wrong = {"coding": [{"system": "urn:oid:2.999.1", "code": "not-a-code"}]}
    return chosen.put("not-a-code" if chosen.kind == "code" else wrong)


def seed_wrong_target(random: Random, found: list[Spot]) -> str | None:
    chosen = pick(random, [s for s in found if s.kind == "Reference" and s.element.targets])
    if chosen is None or "Slot" in chosen.element.targets:
        return None
    return chosen.put({"reference": f"Slot/{UUID}"})


def seed_unknown_choice_type(random: Random, found: list[Spot]) -> str | None:
    chosen = pick(random, [s for s in found if s.element.choice])
    if chosen is None:
        return None
    chosen.holder[chosen.element.name + "Narrative"] = {"status": "empty"}
    return f"{chosen.path.rpartition('.')[0]}.{chosen.element.name}Narrative"


def pick(random: Random, found: list[Spot]) -> Spot | None:
    return random.choice(found) if found else None


FAULTS: dict[str, Callable[[Random, list[Spot]], str | None]] = {
    "missing required element": seed_missing,
    "list for one value": seed_list_for_scalar,
    "one value for a list": seed_scalar_for_list,
    "unknown element": seed_unknown_element,
    "two values of a choice": seed_two_choices,
    "type that is not of the choice": seed_unknown_choice_type,
    "empty string": seed_empty(""),
    "empty object": seed_empty({}),
    "empty list": seed_empty_list,
    "null": seed_null,
    "wrong JSON type": seed_wrong_type,
    "text for a boolean": seed_text_for_boolean,
    "date that does not exist": seed_bad_format(BAD_TIMES),
    "bad code, id or number": seed_bad_format(BAD_TOKENS),
    "bad text, URI or large number": seed_bad_format(BAD_TEXTS),
    "code outside a required binding": seed_bad_code,
    "reference to a wrong type": seed_wrong_target,
}

NOT_SEEN_BY_MODELS = {
    "empty string": "accepted in URIs and base64",
    "empty object": "accepted wherever nothing is required",
    "empty list": "accepted",
    "null": "read as absent",
    "text for a boolean": "converted",
    "bad text, URI or large number": "not looked at",
    "code outside a required binding": "bindings are not part of the models",
    "reference to a wrong type": "targets are not part of the models",
}
"""What fhir.resources accepts and we do not, and why."""

NOT_IN_MODELS = {"Evidence", "EvidenceVariable"}
"""Made anew in R4B; the other types below are not in R4B at all."""


resource_types = st.sampled_from(sorted(definitions.resource_types()))
seeds = st.integers(min_value=0, max_value=2**40)


def with_fault(seed: int, resource_type: str, fault: str) -> tuple[Json, str | None]:
    """A valid resource with one fault, and the path of it; None when the fault finds no place."""
    random = Random(seed)
    resource = make_resource(random, resource_type)
    definition = definitions.type_definition(resource_type)
    assert definition is not None
    return resource, FAULTS[fault](random, list(spots(resource, definition, resource_type)))


@given(seed=seeds, resource_type=resource_types)
@settings(max_examples=300, deadline=None)
def test_checker_and_gate_accept_every_valid_resource(seed: int, resource_type: str) -> None:
    resource = make_resource(Random(seed), resource_type)
    assert checker.check(resource) == ()
    assert compiled.is_valid(resource)


@pytest.mark.parametrize("fault", FAULTS)
@given(seed=seeds, resource_type=resource_types)
@settings(max_examples=60, deadline=None)
def test_checker_names_the_path_of_a_fault_and_the_gate_refuses_it(
    fault: str, seed: int, resource_type: str
) -> None:
    resource, path = with_fault(seed, resource_type, fault)
    if path is None:
        return
    found = checker.check(resource)
    assert path in [problem.place.path for problem in found]
    assert not compiled.is_surely_valid(resource)
    assert not compiled.is_valid(resource)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(("", "_", "id", "extension", "value", "a")), inner)
    ),
    max_leaves=8,
)


@given(seed=seeds, resource_type=resource_types, value=values)
@settings(max_examples=300, deadline=None)
def test_nothing_in_a_resource_makes_the_checker_raise_or_the_gate_disagree(
    seed: int, resource_type: str, value: Any
) -> None:
    random = Random(seed)
    resource = make_resource(random, resource_type)
    definition = definitions.type_definition(resource_type)
    assert definition is not None
    chosen = random.choice(list(spots(resource, definition, resource_type)))
    chosen.holder[chosen.key] = value
    if compiled.is_surely_valid(resource):
        assert checker.check(resource) == ()


@given(value=values)
def test_any_value_in_place_of_a_resource_is_refused(value: Any) -> None:
    assert checker.check(value)
    assert not compiled.is_valid(value)


def model_of(resource_type: str) -> Any:
    """The R4B model, or None where R4B has no such type or another one of that name."""
    if resource_type in NOT_IN_MODELS:
        return None
    try:
        return get_fhir_model_class(resource_type)
    except ValueError:
        return None


OPEN_CHOICES = ("value", "fixed", "pattern", "defaultValue")
"""Elements that may have any type (R4, datatypes.html#open)."""


def is_beyond_models(resource: Json) -> bool:
    """R4 has Meta where any type may stand (Extension.valueMeta, ElementDefinition.fixedMeta) and
    extensions on Extension.value[x]; the models have neither."""
    text = json.dumps(resource)
    return any(f'"{name}Meta"' in text for name in OPEN_CHOICES) or '"_value' in text


MODELLED_TYPES = [name for name in sorted(definitions.resource_types()) if model_of(name)]


@given(seed=seeds, resource_type=st.sampled_from(MODELLED_TYPES))
@settings(max_examples=300, deadline=None)
def test_models_of_fhir_resources_accept_what_we_accept(seed: int, resource_type: str) -> None:
    resource = make_resource(Random(seed), resource_type)
    if not is_beyond_models(resource):
        model_of(resource_type).model_validate(resource)


@pytest.mark.parametrize("fault", sorted(FAULTS.keys() - NOT_SEEN_BY_MODELS.keys()))
@given(seed=seeds, resource_type=st.sampled_from(MODELLED_TYPES))
@settings(max_examples=40, deadline=None)
def test_models_of_fhir_resources_refuse_the_faults_they_can_see(
    fault: str, seed: int, resource_type: str
) -> None:
    resource, path = with_fault(seed, resource_type, fault)
    if path is None or is_beyond_models(resource):
        return
    with pytest.raises((ValueError, TypeError)):
        model_of(resource_type).model_validate(resource)
