"""Pure. From the server's copy and what a message says to a JSON Patch (RFC 6902) it allows.

Millennium documents the pairs of operation and path that it takes (reference 1.4, in the rules as
`patch`). To replace or remove something inside a list, the id of the element must be tested first
in the same patch; ids come from the copy that was read, so a patch is made anew for every copy.
What the message does not say stays. What it says and no pair can say is refused, with the reason.

Elements of lists are matched by what they are: identifiers by system and value, names and addresses
by use, telecoms by system and use. An element the message tells differently is changed where it
stands, one that is not there is added; only what `deletes` names is removed.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.millennium.resources.comparing import Normalise, says, unnormalised
from engine.millennium.resources.rules import PatchPair, ResourceRules

Json = dict[str, Any]

_DELETE = re.compile(
    r"(?P<name>[A-Za-z]+)(?:\[(?P<key>[A-Za-z]+)(?P<sign>!?=)(?P<value>[^\]]*)\])?"
)
_KEPT_PARTS = frozenset({"id", "use", "type", "assigner"})
"""Parts of an element by which it is known, or that are the server's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Something the message says that cannot be said to Millennium."""

    path: str
    """An element, such as `Patient.deceasedBoolean`."""
    reason: str


@dataclass(slots=True, kw_only=True)
class PatchMade:
    """A patch, and what it could not say."""

    operations: list[Json] = field(default_factory=list)
    """Empty: the server has all that can be said."""
    refused: list[Refused] = field(default_factory=list)


def patch_of(
    present: Json,
    wanted: Json,
    rules: ResourceRules,
    *,
    deletes: Sequence[str] = (),
    normalise: Normalise = unnormalised,
) -> PatchMade:
    """The patch that makes the server's copy say what the message says.

    Args:
        present: the server's copy, with element ids.
        wanted: what the message says, shaped for the create; references are the server's.
        rules: of the type, with the pairs that are documented.
        deletes: what the message deletes: `telecom`, `telecom[use=home]`, `address[use!=work]`.
        normalise: of identifiers of a system, so that `0042` and `42` can be the same.
    """
    made = _Patch(present, str(wanted["resourceType"]), rules, normalise)
    sayable = dict(rules.change_values)
    for key, value in wanted.items():
        left = key in rules.create_only and value not in sayable.get(key, ())
        if key not in ("resourceType", "id", "meta") and not left:
            made.element(key, value)
    for path in deletes:
        made.delete(path, wanted)
    return PatchMade(operations=made.in_order(), refused=made.refused)


def element_keys(normalise: Normalise) -> dict[str, Callable[[Json], Any]]:
    """What tells the elements of a list apart, by the list."""

    def identifier(item: Json) -> Any:
        system, value = str(item.get("system")), str(item.get("value"))
        return system, normalise(system, value)

    return {
        "identifier": identifier,
        "name": lambda item: item.get("use"),
        "telecom": lambda item: (item.get("system"), item.get("use")),
        "address": lambda item: item.get("use"),
        "generalPractitioner": lambda item: item.get("reference"),
        "extension": lambda item: item.get("url"),
        "relationship": lambda item: [
            (one.get("system"), one.get("code")) for one in item.get("coding", ())
        ],
    }


class _Patch:
    """A patch that is being made."""

    def __init__(
        self, present: Json, kind: str, rules: ResourceRules, normalise: Normalise
    ) -> None:
        self.present = present
        self.kind = kind
        self.pairs = {(pair.operation, pair.path): pair for pair in rules.patch}
        self.keys = element_keys(normalise)
        self.tested: set[str] = set()
        self.replaced: list[Json] = []
        self.removed: list[tuple[str, int]] = []
        self.added: list[Json] = []
        self.refused: list[Refused] = []

    def in_order(self) -> list[Json]:
        """Changes where elements stand; then removals, from behind; then what goes to the ends."""
        removals = sorted(set(self.removed), key=lambda one: (one[0], -one[1]))
        return [
            *self.replaced,
            *({"op": "remove", "path": f"/{key}/{index}"} for key, index in removals),
            *self.added,
        ]

    # -- elements --

    def element(self, key: str, value: Any) -> None:
        """One element of the resource."""
        there = self.present.get(key)
        if isinstance(value, list) and key in self.keys:
            self._list(key, there if isinstance(there, list) else [], value)
        elif says(there, value):
            return
        elif not self._whole(key, value, there is not None) and not (
            isinstance(value, dict) and self._inside(key, there, value)
        ):
            self._refuse(key, "a patch of this type cannot change it")

    def _whole(self, key: str, value: Any, exists: bool) -> bool:
        """Replace, or add, the element as a whole."""
        path = f"/{key}"
        for operation in ("replace", "add") if exists else ("add", "replace"):
            if (operation, path) in self.pairs:
                self.replaced.append({"op": operation, "path": path, "value": value})
                return True
        return False

    def _inside(self, key: str, there: Any, value: Json) -> bool:
        """Replace the parts of an element that differ, where each of them has a pair."""
        present = there if isinstance(there, dict) else {}
        changed = [name for name in value if not says(present.get(name), value[name])]
        paths = [f"/{key}/{name}" for name in changed]
        if any(("replace", path) not in self.pairs for path in paths):
            return False
        for name, path in zip(changed, paths, strict=True):
            self.replaced.append({"op": "replace", "path": path, "value": value[name]})
        return True

    # -- lists --

    def _list(self, key: str, there: list[Json], wanted: list[Json]) -> None:
        """The elements of a list, each where it stands or at the end."""
        items = [item for item in wanted if set(item) != {"assigner"}]  # who enrols: a create's
        places = self._places(there, items, self.keys[key])
        for item, index in zip(items, places, strict=True):
            if index is None:
                self._add(key, item)
            else:
                self._change(key, index, there[index], item)

    def _places(
        self, there: list[Json], items: list[Json], key_of: Callable[[Json], Any]
    ) -> list[int | None]:
        """Where each element stands: first those that need no change, then by their keys."""
        found: list[int | None] = [None] * len(items)
        free = list(range(len(there)))
        for number, item in enumerate(items):
            index = next((one for one in free if says(there[one], item)), None)
            if index is not None:
                found[number] = index
                free.remove(index)
        for number, item in enumerate(items):
            if found[number] is not None:
                continue
            fitting = [one for one in free if key_of(there[one]) == key_of(item)]
            current = [one for one in fitting if "end" not in there[one].get("period", {})]
            index = next(iter(current or fitting), None)
            if index is not None:
                found[number] = index
                free.remove(index)
        return found

    def _add(self, key: str, item: Json) -> None:
        if ("add", f"/{key}/-") in self.pairs:
            self.added.append({"op": "add", "path": f"/{key}/-", "value": item})
        elif self.present.get(key) or not self._whole(key, [item], False):
            self._refuse(key, "a patch of this type cannot add one")

    def _change(self, key: str, index: int, there: Json, item: Json) -> None:
        changed = [
            name
            for name in item
            if name not in _KEPT_PARTS and not says(there.get(name), item[name])
        ]
        if not changed or self._replace_element(key, index, there, item):
            return
        for name in changed:
            pair = self._pair("replace", key, index, name)
            if pair is None:
                self._refuse(f"{key}.{name}", "a patch of this type cannot change it")
            elif self._test(pair, key, index, there):
                path = f"/{key}/{index}/{name}"
                self.replaced.append({"op": "replace", "path": path, "value": item[name]})

    def _replace_element(self, key: str, index: int, there: Json, item: Json) -> bool:
        """Of an extension, which is replaced whole; without an id, together with its list."""
        pair = self.pairs.get(("replace", f"/{key}/{{index}}"))
        if pair is not None and (there.get("id") or not pair.tested):
            self._test(pair, key, index, there)
            value = {**({"id": there["id"]} if there.get("id") else {}), **item}
            self.replaced.append({"op": "replace", "path": f"/{key}/{index}", "value": value})
            return True
        if ("replace", f"/{key}") not in self.pairs:
            return False
        earlier = next((one for one in self.replaced if one["path"] == f"/{key}"), None)
        if earlier is None:
            earlier = {"op": "replace", "path": f"/{key}", "value": list(self.present[key])}
            self.replaced.append(earlier)
        earlier["value"][index] = item
        return True

    def _pair(self, operation: str, key: str, index: int, name: str = "") -> PatchPair | None:
        """The pair for a place in a list: of that very place, or of any."""
        tail = f"/{name}" if name else ""
        return self.pairs.get((operation, f"/{key}/{index}{tail}")) or self.pairs.get(
            (operation, f"/{key}/{{index}}{tail}")
        )

    def _test(self, pair: PatchPair, key: str, index: int, there: Json) -> bool:
        """Test the id of the element once, where the pair asks for it; False without an id."""
        if not pair.tested:
            return True
        identity = there.get("id")
        if not identity:
            self._refuse(key, "the server's element has no id that a patch could test")
            return False
        path = f"/{key}/{index}/id"
        if path not in self.tested:
            self.tested.add(path)
            self.replaced.append({"op": "test", "path": path, "value": identity})
        return True

    # -- deletions --

    def delete(self, text: str, wanted: Json) -> None:
        """Remove the elements that a path names and the message does not tell itself."""
        match = _DELETE.fullmatch(text)
        key = match["name"] if match is not None else text.partition(".")[0]
        there = self.present.get(key)
        if there is None or (not isinstance(there, list) and key in wanted):
            return
        if match is None or not isinstance(there, list):
            self._refuse(key, "a patch of this type cannot delete it")
            return
        told = [item for item in wanted.get(key, ()) if isinstance(item, dict)]
        for index, item in enumerate(there):
            if _is_marked(item, match) and not self._is_told(key, item, told):
                self._remove(key, index, item)

    def _is_told(self, key: str, item: Json, told: list[Json]) -> bool:
        key_of = self.keys.get(key)
        return key_of is not None and any(key_of(one) == key_of(item) for one in told)

    def _remove(self, key: str, index: int, item: Json) -> None:
        pair = self._pair("remove", key, index)
        if pair is None:
            self._refuse(key, "a patch of this type cannot delete it")
        elif self._test(pair, key, index, item):
            self.removed.append((key, index))

    def _refuse(self, path: str, reason: str) -> None:
        found = Refused(path=f"{self.kind}.{path}", reason=reason)
        if found not in self.refused:
            self.refused.append(found)


def _is_marked(item: Json, match: "re.Match[str]") -> bool:
    if not match["key"]:
        return True
    equal = str(item.get(match["key"], "")) == match["value"]
    return equal if match["sign"] == "=" else not equal
