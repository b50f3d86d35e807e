"""Pure. The resource a PUT writes: the server's copy with what the message says put into it.

Of Condition and AllergyIntolerance it is documented that a field missing from a PUT is removed
(reference 1.4); so every PUT here is made of the server's copy. What Millennium does not let an
update change is kept, and where the message says it otherwise that is refused. Lists are united:
nothing of the server's goes, but for elements of which there is one.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from engine.millennium.resources.comparing import Normalise, says, unnormalised
from engine.millennium.resources.documents import for_update
from engine.millennium.resources.exclusive import with_exclusive_codings
from engine.millennium.resources.patching import Refused, element_keys
from engine.millennium.resources.rules import ResourceRules

Json = dict[str, Any]

_SERVERS_OWN = frozenset({"id", "meta", "text", "resourceType"})
_ONE_ONLY = frozenset({"content", "category", "interpretation", "referenceRange"})
"""Lists of which Millennium has one item: what the message says stands in place of the server's."""
_FOR_UPDATE: Mapping[str, Callable[[Json], Json]] = {"DocumentReference": for_update}
"""What of a type is written otherwise in an update."""
_CHOICES = ("value", "onset", "abatement", "effective", "deceased", "born", "performed")


@dataclass(slots=True, kw_only=True)
class Replacement:
    """What is to be written, and what could not be said."""

    resource: Json
    changed: bool
    """False: the server has all that can be said, and nothing is to be sent."""
    refused: list[Refused] = field(default_factory=list)


def replacement_of(
    present: Json,
    wanted: Json,
    rules: ResourceRules,
    *,
    normalise: Normalise = unnormalised,
    again: bool = False,
) -> Replacement:
    """The resource to PUT.

    Args:
        present: the server's copy; it stays as it is.
        wanted: what the message says, shaped; references are the server's.
        rules: of the type.
        normalise: of identifiers.
        again: the message was sent before: what the server does not give back has been written.
    """
    updatable = _FOR_UPDATE.get(str(wanted["resourceType"]))
    made = _Replacement(present, updatable(wanted) if updatable else wanted, rules, normalise)
    said = made.sayable()
    for key, value in said.items():
        known = again if key in rules.unseen else says(present.get(key), value)
        if not known:
            made.put(key, value)
    if made.changed or made.is_restated():
        for key in rules.unseen:
            if key in said:
                made.resource[key] = said[key]
    made.stand_in()
    written = with_exclusive_codings(_without_servers_words(made.resource))
    return Replacement(resource=written, changed=made.changed, refused=made.refused)


class _Replacement:
    """A resource that is being made."""

    def __init__(
        self, present: Json, wanted: Json, rules: ResourceRules, normalise: Normalise
    ) -> None:
        self.present = present
        self.wanted = wanted
        self.rules = rules
        self.keys = element_keys(normalise)
        self.resource = deepcopy(present)
        self.refused: list[Refused] = []
        self.changed = False

    def sayable(self) -> Json:
        """What is wanted, without what an update of this type cannot say."""
        left = _SERVERS_OWN | set(self.rules.create_only) | {p for p, _ in self.rules.update_values}
        found = {key: deepcopy(one) for key, one in self.wanted.items() if key not in left}
        for path in self.rules.immutable:
            self._keep(found, self.present, path.split("."), path)
        return found

    def _keep(self, wanted: Any, present: Any, steps: list[str], path: str) -> None:
        """Take out of `wanted` what differs from the server's and may not."""
        if isinstance(wanted, list) and isinstance(present, list):
            for one, there in zip(wanted, present, strict=False):
                self._keep(one, there, steps, path)
            return
        key = steps[0]
        if not isinstance(wanted, dict) or not isinstance(present, dict):
            return
        if key not in wanted or key not in present:
            return
        if len(steps) > 1:
            self._keep(wanted[key], present[key], steps[1:], path)
            return
        if not says(present[key], wanted[key]):
            reason = "an update of this type cannot change it"
            where = f"{self.wanted['resourceType']}.{path}"
            self.refused.append(Refused(path=where, reason=reason))
        wanted[key] = present[key]

    def put(self, key: str, value: Any) -> None:
        """Write one element; of a choice of types the others go."""
        for choice in _CHOICES:
            if _is_choice(key, choice):
                for name in [one for one in self.resource if _is_choice(one, choice)]:
                    if name != key:
                        del self.resource[name]
        self.resource[key] = self._united(key, self.present.get(key), value)
        self.changed = True

    def is_restated(self) -> bool:
        """True when a status alone differs: what is unseen must be written with it."""
        return any(
            self.wanted.get(path) not in (None, self.present.get(path), *dict(said))
            for path, said in self.rules.update_values
        )

    def stand_in(self) -> None:
        """Elements whose value an update says otherwise than a create (`final`: `amended`).

        Where nothing else changes, such a value changes nothing either: a result that comes again
        as final does not undo its amendment.
        """
        for path, said in self.rules.update_values:
            value = self.wanted.get(path)
            instead = dict(said).get(str(value))
            if value is None:
                continue
            if instead is not None and self.changed:
                self.resource[path] = instead
            elif instead is None and value != self.present.get(path):
                self.resource[path] = value
                self.changed = True

    def _united(self, key: str, there: Any, wanted: Any) -> Any:
        """The server's value with what is wanted in it."""
        if isinstance(wanted, dict) and isinstance(there, dict) and not _is_concept(wanted):
            merged = {
                name: self._united(name, there.get(name), one) for name, one in wanted.items()
            }
            return {**there, **merged}
        if not isinstance(wanted, list) or not isinstance(there, list) or key in _ONE_ONLY:
            return wanted
        found = list(there)
        for item in wanted:
            if any(says(one, item) for one in found):
                continue
            place = self._place(key, found, item)
            if place is None:
                found.append(item)
            else:
                found[place] = {**found[place], **item}
        return found

    def _place(self, key: str, found: list[Any], item: Any) -> int | None:
        key_of = self.keys.get(key)
        if key_of is None or not isinstance(item, dict):
            return None
        for index, one in enumerate(found):
            if isinstance(one, dict) and key_of(one) == key_of(item):
                return index
        return None


def _is_choice(key: str, choice: str) -> bool:
    return key.startswith(choice) and key[len(choice) : len(choice) + 1].isupper()


def _is_concept(value: Json) -> bool:
    """A code, a quantity: a value that is said whole."""
    return "coding" in value or "value" in value or set(value) == {"text"}


def _without_servers_words(resource: Json) -> Json:
    """Without narrative, version and time, which the server makes; profiles and tags stay."""
    meta = {
        name: value
        for name, value in resource.get("meta", {}).items()
        if name not in ("versionId", "lastUpdated")
    }
    found = {name: value for name, value in resource.items() if name not in ("meta", "text")}
    return {**found, "meta": meta} if meta else found
