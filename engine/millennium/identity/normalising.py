"""Pure. Identifiers in the one form of their alias pool, so that they can be compared.

A feed often sends what a pool shows (`00490052464`) while the service stores and finds the bare
alias (`490052464`; report section 1.7). Rules are those of `alias_pools` in an environment and
apply in the order in which they are written. The raw value stays where it was.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from engine.millennium.identity.entries import LedgerKey

Json = dict[str, Any]
Rules = Mapping[str, Sequence[str]]
"""Identifier system to the names of its rules."""

VALUE_CHARACTERS_MAX = 200
"""Longer ones are no identifiers; an index of the store takes no more."""


def _strip_zeros(value: str) -> str:
    return value.lstrip("0") or value[:1]


def _only(wanted: Callable[[str], bool]) -> Callable[[str], str]:
    return lambda value: "".join(filter(wanted, value))


_RULES: Mapping[str, Callable[[str], str]] = {
    "trim": str.strip,
    "upper": str.upper,
    "strip-zeros": _strip_zeros,
    "digits": _only(lambda one: one.isascii() and one.isdigit()),
    "alphanumeric": _only(lambda one: one.isascii() and one.isalnum()),
}


def normalise(value: str, rules: Sequence[str]) -> str:
    """The value in its pool's form; empty when nothing is left of it.

    Raises KeyError for a rule that does not exist: environments are checked before.
    """
    for rule in rules:
        value = _RULES[rule](value)
    return value


def keys_of(resource_type: str, identifiers: Iterable[Json], pools: Rules) -> tuple[LedgerKey, ...]:
    """The business keys of a resource, best first, each once.

    Args:
        resource_type: FHIR type.
        identifiers: of a composed call: `{"system", "value"}`, best first.
        pools: the tenant's.
    """
    found: dict[LedgerKey, None] = {}
    for item in identifiers:
        value = normalise(item["value"], pools.get(item["system"], ()))
        if value and len(value) <= VALUE_CHARACTERS_MAX:
            key = LedgerKey(resource_type=resource_type, system=item["system"], value=value)
            found[key] = None
    return tuple(found)


def with_normalised(resource: Json, pools: Rules) -> Json:
    """The resource with its identifiers in their pools' form; the given one stays as it is."""
    identifiers = resource.get("identifier")
    if not pools or not isinstance(identifiers, list):
        return resource
    changed = [_normalised(item, pools) for item in identifiers]
    return resource if changed == identifiers else {**resource, "identifier": changed}


def _normalised(item: Json, pools: Rules) -> Json:
    rules = pools.get(item.get("system", ""), ())
    value = item.get("value")
    if not rules or not isinstance(value, str):
        return item
    return {**item, "value": normalise(value, rules) or value}
