"""Pure. The rules of one object as a tree of JSON keys, in the order of their first mention.

Rules that share the start of their target (`period.start`, `period.end`) meet in one slot; what is
below a primitive goes into the slot of its extensions (`_birthDate`).
"""

from dataclasses import dataclass, field

from engine.mapping.sources import is_constant, may_be_constant
from engine.mapping.syntax import Literal, Rule, TargetPart
from engine.mapping.target_types import (
    NUMBER_FUNCTIONS,
    TargetType,
    element_type,
    is_primitive,
)


@dataclass(slots=True)
class Slot:
    """One JSON key of an object."""

    name: str
    kind: TargetType
    choice: bool = False
    rules: list[Rule] = field(default_factory=list)
    inner: "Tree | None" = None
    """Rules below it: `name.family`."""
    items: list["tuple[str, Tree] | Rule"] = field(default_factory=list)
    """Of a list: labelled items and append rules, in order."""


@dataclass(slots=True)
class Tree:
    """The slots of one object, in the order of their first mention."""

    kind: TargetType
    slots: dict[str, Slot] = field(default_factory=dict)

    def slot(self, name: str, kind: TargetType, *, choice: bool = False) -> Slot:
        """The slot of that name, made when new."""
        found = self.slots.get(name)
        if found is None:
            found = self.slots[name] = Slot(name=name, kind=kind, choice=choice)
        return found


def plant(kind: TargetType, rules: tuple[Rule, ...]) -> Tree:
    """The tree of the rules of an object of that type."""
    tree = Tree(kind=kind)
    for rule in rules:
        _plant(tree, rule.target.parts, rule)
    return tree


def _plant(tree: Tree, parts: tuple[TargetPart, ...], rule: Rule) -> None:
    part, rest = parts[0], parts[1:]
    kind = element_type(tree.kind, part.name)
    name = part.name
    if rest and is_primitive(kind):
        name, kind = f"_{name}", TargetType(names=("Element",))
    slot = tree.slot(name, kind, choice=part.choice)
    if part.label is not None:
        labelled = next(
            (item[1] for item in slot.items if isinstance(item, tuple) and item[0] == part.label),
            None,
        )
        if labelled is None:
            labelled = Tree(kind=kind)
            slot.items.append((part.label, labelled))
        if rest:
            _plant(labelled, rest, rule)
        else:
            labelled.slot("$this", kind).rules.append(rule)
    elif rest:
        if slot.inner is None:
            slot.inner = Tree(kind=kind)
        _plant(slot.inner, rest, rule)
    elif part.append:
        slot.items.append(rule)
    else:
        slot.rules.append(rule)


def tree_is_constant(tree: Tree, given: frozenset[str]) -> bool:
    """True when nothing in it comes from the source; `given` are the names of parameters."""
    return all(_slot_is_constant(slot, given) for slot in tree.slots.values())


def _slot_is_constant(slot: Slot, given: frozenset[str]) -> bool:
    return (
        all(is_constant(rule, given) for rule in slot.rules)
        and (slot.inner is None or tree_is_constant(slot.inner, given))
        and all(
            is_constant(item, given) if isinstance(item, Rule) else tree_is_constant(item[1], given)
            for item in slot.items
        )
    )


def is_literal(slot: Slot) -> bool:
    """True for a slot that always holds one literal."""
    if len(slot.rules) != 1 or slot.inner or slot.items or slot.choice or slot.name == "$this":
        return False
    rule = slot.rules[0]
    return (
        isinstance(rule.expression, Literal)
        and rule.expression.value != ""
        and rule.when is None
        and rule.loop is None
        and not (slot.kind.name in NUMBER_FUNCTIONS and isinstance(rule.expression.value, str))
    )


def literal_of(slot: Slot) -> str:
    """The code of such a literal."""
    expression = slot.rules[0].expression
    return repr(expression.value) if isinstance(expression, Literal) else "None"


def literal_object(tree: Tree) -> str | None:
    """The code of an object of literals alone, at any depth; None for any other."""
    entries: list[str] = []
    for slot in tree.slots.values():
        text = literal_of(slot) if is_literal(slot) else _literal_part(slot)
        if text is None:
            return None
        entries.append(f'"{slot.name}": {text}')
    return f"{{{', '.join(entries)}}}"


def _literal_part(slot: Slot) -> str | None:
    if slot.choice or slot.name == "$this":
        return None
    if slot.inner is not None and not slot.rules and not slot.items:
        return literal_object(slot.inner)
    if slot.items and not slot.rules and slot.inner is None:
        texts = [
            _literal_block(item, slot.kind) if isinstance(item, Rule) else literal_object(item[1])
            for item in slot.items
        ]
        known = [text for text in texts if text is not None]
        return f"[{', '.join(known)}]" if len(known) == len(texts) else None
    if len(slot.rules) == 1 and slot.inner is None and not slot.items:
        return _literal_block(slot.rules[0], slot.kind)
    return None


def _literal_block(rule: Rule, kind: TargetType) -> str | None:
    """The code of what a rule with a block of literals writes, whatever the source."""
    if rule.block is None or rule.when is not None or rule.loop is not None:
        return None
    if rule.alternatives is not None or rule.choice_type is not None:
        return None
    return literal_object(plant(kind, rule.block))


def has_constant(slot: Slot, given: frozenset[str]) -> bool:
    """True when something in it may be constant at run time."""
    return (
        any(may_be_constant(rule, given) for rule in slot.rules)
        or (slot.inner is not None and tree_is_constant(slot.inner, given))
        or any(
            may_be_constant(item, given)
            if isinstance(item, Rule)
            else tree_is_constant(item[1], given)
            for item in slot.items
        )
    )
