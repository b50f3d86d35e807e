"""Pure. Classes of CDA as a map sees them: what stands in them, and which serve for which."""

from engine.cda.definitions import STATEMENTS, children_of
from engine.mapping.syntax import NodeStep

_SERVES: dict[str, frozenset[str]] = {
    "CD": frozenset({"CE", "CV", "CO", "CS", "PQR"}),
    "ED": frozenset({"ST"}),
    "ST": frozenset({"ED", "SC"}),
    "EN": frozenset({"PN", "ON", "TN"}),
    "TS": frozenset({"IVL_TS", "IVXB_TS", "SXCM_TS", "PIVL_TS", "EIVL_TS", "SXPR_TS"}),
    "IVL_TS": frozenset({"TS", "SXCM_TS", "PIVL_TS", "EIVL_TS", "SXPR_TS"}),
    "PQ": frozenset({"IVL_PQ", "IVXB_PQ"}),
    "IVL_PQ": frozenset({"PQ"}),
    "INT": frozenset({"INT_POS", "IVL_INT", "IVXB_INT"}),
    "Organization": frozenset({"CustodianOrganization"}),
    "AssignedEntity": frozenset({"AssignedAuthor"}),
    "PlayingEntity": frozenset({"Entity"}),
    "Performer2": frozenset({"Performer1"}),
}
"""A map for the first takes the others: they have its parts, or its `xsi:type` is decided later."""

ANY = "ANY"
"""A map for any element: `class: ANY`."""


_NAMED = {
    name[:1].lower() + name[1:]: (name,) for name in (*STATEMENTS, "Section", "StructuredBody")
}
"""Elements whose name tells their class, wherever they stand."""


def class_serves(wanted: str, classes: tuple[str, ...]) -> bool:
    """True when a map for `wanted` can be given an element of one of `classes`."""
    if wanted == ANY or not classes:
        return True
    return any(one == wanted or one in _SERVES.get(wanted, frozenset()) for one in classes)


def step_types(
    classes: tuple[str, ...], step: NodeStep
) -> tuple[tuple[str, ...], bool, bool] | None:
    """What a step from elements of `classes` leads to.

    Returns:
        (classes, whether there may be several, whether the step is known): the classes are empty
        when nothing is known; None when no class has such a child.
    """
    if step.axis == "self":
        return classes, False, True
    if step.axis.startswith("ancestor"):
        return _NAMED.get(step.name, ()), True, step.name in _NAMED
    if step.axis not in ("child", "attribute"):
        return (), step.axis != "parent", False
    if step.name == "*" or not classes:
        return (), step.name == "*", False
    name = f"@{step.name}" if step.axis == "attribute" else step.name
    if name == "@xsi:type":
        return (), False, True
    types: dict[str, None] = {}
    many = known = False
    for one in classes:
        children = children_of(one)
        if children is None:
            return (), True, False
        child = children.get(name)
        if child is not None:
            known, many = True, many or (child.many and step.axis == "child")
            types.update(dict.fromkeys(child.types))
    return (tuple(types), many, True) if known else None


def child_names(classes: tuple[str, ...]) -> list[str]:
    """The steps that can follow, for hints."""
    found: dict[str, None] = {}
    for one in classes:
        found.update(dict.fromkeys(children_of(one) or {}))
    return list(found)
