"""Pure. The resources of a message as Millennium calls for one destination.

A resource whose type a call of the destination writes becomes that call, shaped and with its codes
resolved; one that others only refer to becomes a call that finds it; merged patients become a merge
of identities for the ledger. The rest is not sent, and that is said. Calls stand after those they
refer to. Body of the delivery: `calls.body`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from engine.diagnostics import Diagnostic, Place
from engine.fhir.bundle import unique_entries
from engine.fhir.entries import Entry, references_of
from engine.millennium import codes
from engine.millennium.calls.body import CHANGE, ENGINE, MERGE, MessageFacts
from engine.millennium.calls.code_fields import CodeSource, Resolved, resolve_codes
from engine.millennium.calls.identifiers import identifiers_of, second_factor
from engine.millennium.calls.model import CUSTOM, CallPreset, Interaction
from engine.millennium.calls.places import (
    LOCATION_CODES,
    Placed,
    Unplaced,
    places_of,
    unplaced_problem,
)
from engine.millennium.calls.references import engine_names, with_references
from engine.millennium.capabilities import Gap
from engine.millennium.resources.shapers import Surroundings, apply_shaper
from engine.millennium.resources.shaping import Shaped, shape

Json = dict[str, Any]

COMPOSED = (Interaction.REGISTER, Interaction.CREATE, Interaction.OPERATION)
"""Interactions of calls that are made of a resource of the message."""
_HEADS = frozenset({"MessageHeader", "OperationOutcome", "Provenance", "Composition"})
"""Of which nobody expects that they are sent."""
_ROLE = "PractitionerRole"
ONCE_DIGITS = 32
PLACE_DEMANDED = "participant of a Location"
"""As `with_references` says that an appointment lacks its place."""
_ENGINE_NAME = re.compile(
    r"[A-Z][A-Za-z]+/[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
)
"""A resource by an id of the engine's, which no server knows; others a site's maps have given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Composer:
    """What one destination composes with."""

    destination: str
    calls: tuple[CallPreset, ...]
    """Those that write, as the destination names them."""
    finders: Mapping[str, CallPreset] = field(default_factory=dict)
    """Resource type to the call that finds one by its identifier."""
    codes: CodeSource
    enrolling_organization: str = ""
    gaps: tuple[Gap, ...] = ()
    """What the API cannot be told."""

    def writer(self, kind: str) -> CallPreset | None:
        """The call that writes resources of a type."""
        for call in self.calls:
            if call.resource == kind and call.interaction in COMPOSED:
                return call
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """The calls of one message for one destination."""

    calls: tuple[Json, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    held: bool = False
    """A code asks for a person: nothing is sent before it is mapped."""
    rejected: bool = False
    """A code is refused by the destination's policy."""


def compose(entries: Sequence[Entry], composer: Composer, message: MessageFacts) -> Composed:
    """The calls of a message.

    Args:
        entries: the resources, checked; they stay as they are.
        composer: the destination's.
        message: what the calls say of it.
    """
    composition = _Composition(entries, composer, message)
    composition.write_all()
    composition.settle()
    return Composed(
        calls=(*composition.merges(), *composition.in_order()),
        diagnostics=tuple(composition.diagnostics()),
        held=any(one.held for one in composition.resolved),
        rejected=any(one.rejected for one in composition.resolved),
    )


class _Composition:
    """The calls while they are made."""

    def __init__(self, entries: Sequence[Entry], composer: Composer, message: MessageFacts) -> None:
        self.composer = composer
        self.message = message
        self.entries = unique_entries([one for one in entries if not one.only_merged])
        self.roles = _practitioners(self.entries)
        self.places = places_of(self.entries, composer.codes)
        self.placed: dict[str, str] = {}
        self.around = Surroundings(
            enrolling_organization=composer.enrolling_organization,
            reports=_reports(self.entries),
            names=_names(self.entries),
            code_systems=composer.codes.values.system_of(0).removesuffix("/codeSet/0"),
        )
        self.calls: dict[str, Json] = {}
        self.demanded: dict[str, list[str]] = {}
        self.resolved: list[Resolved] = []
        self.problems: list[Diagnostic] = []
        self.left_out: dict[str, dict[str, None]] = {}

    # -- calls that write --

    def write_all(self) -> None:
        """A call for each resource that the destination writes."""
        for name, entry in self.entries.items():
            preset = self.composer.writer(str(entry.resource["resourceType"]))
            if preset is not None and not _is_retired(entry.resource):
                self._write(name, entry, preset)

    def _write(self, name: str, entry: Entry, preset: CallPreset) -> None:
        self.placed = {}
        shaped = Shaped(resource=self._renamed(entry.resource))
        if preset.api != CUSTOM:
            apply_shaper(shaped, name, self.around)
        if shaped.skipped:
            self._skip(shaped)
            return
        resolved = Resolved()
        if preset.rules is not None:
            resolved = resolve_codes(shaped.resource, preset.rules, self.composer.codes)
            shape(shaped, preset.rules)
        self.problems.extend(shaped.problems)
        self.left_out.setdefault(shaped.kind, {}).update(dict.fromkeys(shaped.left_out))
        identifiers = identifiers_of(entry)
        if preset.find is not None and not identifiers:
            shaped.lacking.append("an identifier with a system")
        if shaped.lacking:
            self._refuse(name, shaped.lacking)
            return
        self.resolved.append(resolved)  # a code of what is not sent holds nothing
        self.problems.extend(resolved.problems)
        self.demanded[name] = shaped.demanded
        call = {
            "call": preset.name,
            "name": name,
            "identifiers": identifiers,
            "resource": shaped.resource,
            "verify": second_factor(shaped.resource),
            "event_at": self.message.event_at,
            "unmapped": resolved.unmapped,
            "resolved": [
                *resolved.evidence,
                *({"field": "Location", "evidence": one} for one in self.placed.values()),
            ],
        }
        if entry.deletes:
            call["deletes"] = list(entry.deletes)
        if shaped.demanded:
            call["demanded"] = shaped.demanded
        if shaped.change_only:
            call["only"] = CHANGE
        creating = preset.create or preset
        if creating.once:
            call["once"] = sha256(name.encode()).hexdigest()[:ONCE_DIGITS]
        if creating.probe:
            call["probe"] = creating.probe
        self.calls[name] = call

    def _renamed(self, resource: Json) -> Json:
        """A copy without id and narrative, whose references name resources of the message."""
        return {
            key: self._copy(item) for key, item in resource.items() if key not in ("id", "text")
        }

    def _copy(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._copy(item) for item in value]
        if not isinstance(value, dict):
            return value
        found = {key: self._copy(item) for key, item in value.items()}
        reference = found.get("reference")
        if isinstance(reference, str):
            name = self.roles.get(reference, reference)
            place = self.places.get(name)
            if isinstance(place, Placed):
                found["reference"] = f"Location/{place.id}"
                self.placed[name] = place.evidence
            elif name in self.entries or _ENGINE_NAME.fullmatch(name):
                found["reference"] = f"{ENGINE}{name}"
            found.pop("type", None)
        return found

    def _skip(self, shaped: Shaped) -> None:
        kind, destination = shaped.kind, self.composer.destination
        self.problems.append(
            codes.SKIPPED(
                Place(path=kind), resource=kind, destination=destination, reason=shaped.skipped
            )
        )

    def _refuse(self, name: str, lacking: Iterable[str]) -> None:
        kind = name.partition("/")[0]
        what = "; ".join(dict.fromkeys(lacking))
        destination = self.composer.destination
        self.problems.append(
            codes.CANNOT_SEND(Place(path=kind), resource=kind, destination=destination, what=what)
        )

    # -- calls that find, and references that cannot be found --

    def settle(self) -> None:
        """Find what is referred to; what cannot be found goes, until nothing changes."""
        changed = True
        while changed:
            changed = False
            for name, call in list(self.calls.items()):
                if "resource" in call:
                    changed = self._settle(name, call) or changed

    def _settle(self, name: str, call: Json) -> bool:
        wanted = list(dict.fromkeys(engine_names(call["resource"])))
        known = {one: f"{ENGINE}{one}" for one in wanted if self._is_known(one)}
        if len(known) == len(wanted):
            return False
        preset = self.composer.writer(name.partition("/")[0])
        rules = preset.rules if preset is not None else None
        demanded = self.demanded.get(name, ())
        resource, gone, missing = with_references(call["resource"], known, rules, demanded)
        call["resource"] = resource
        if missing:
            del self.calls[name]
            if self._is_held_by_place(wanted, missing):
                return True
            self._refuse(name, [f"the {path}, which Millennium cannot find" for path in missing])
        else:
            kind = resource["resourceType"]
            self.left_out.setdefault(kind, {}).update(dict.fromkeys(gone))
        return True

    def _is_held_by_place(self, wanted: Iterable[str], missing: Sequence[str]) -> bool:
        """What cannot be without its place waits until the place has a code."""
        if list(missing) != [PLACE_DEMANDED]:
            return False
        unplaced = [one for one in map(self.places.get, wanted) if isinstance(one, Unplaced)]
        for one in unplaced[:1]:
            problem = unplaced_problem(one, self.composer.codes)
            self.resolved.append(Resolved(held=True, problems=[]))
            self.problems.extend([problem] if problem is not None else [])
        return bool(unplaced)

    def _is_known(self, name: str) -> bool:
        """True when a call writes or finds it; a call that finds it is made."""
        if name in self.calls:
            return True
        entry = self.entries.get(name)
        finder = self.composer.finders.get(name.partition("/")[0])
        if entry is None or finder is None:
            return False
        identifiers = identifiers_of(entry)
        if not identifiers:
            self._report_unfindable(name)
            return False
        self.calls[name] = {
            "call": finder.name,
            "name": name,
            "identifiers": identifiers,
            "verify": second_factor(self._renamed(entry.resource)),
            "event_at": self.message.event_at,
        }
        return True

    def _report_unfindable(self, name: str) -> None:
        kind = name.partition("/")[0]
        hint = None
        if isinstance(self.places.get(name), Unplaced):
            table = f"{self.composer.codes.contributor_source}/{LOCATION_CODES}"
            hint = f"give the ward its location code: `engine tables add {table} CODE=TARGET`"
        problem = codes.NO_IDENTIFIER(Place(path=kind), resource=kind, hint=hint)
        if problem not in self.problems:
            self.problems.append(problem)

    # -- what comes of it --

    def merges(self) -> Iterable[Json]:
        """A merge of identities for each patient that another replaces."""
        for entry in self.entries.values():
            for link in entry.resource.get("link", ()):
                other = self.entries.get(str(link.get("other", {}).get("reference", "")))
                if link.get("type") == "replaced-by" and other is not None:
                    yield {
                        "call": MERGE,
                        "survivor": identifiers_of(other),
                        "retired": identifiers_of(entry),
                        "event_at": self.message.event_at,
                    }

    def in_order(self) -> list[Json]:
        """Every call after those it refers to; of a circle, in the order of the message."""
        found: dict[str, Json] = {}
        begun: set[str] = set()

        def add(name: str) -> None:
            if name in begun or name not in self.calls:
                return
            begun.add(name)
            for other in engine_names(self.calls[name].get("resource", {})):
                add(other)
            found[name] = self.calls[name]

        for name in self.entries:
            add(name)
        return list(found.values())

    def diagnostics(self) -> Iterable[Diagnostic]:
        """What was noticed, each once."""
        yield from dict.fromkeys(self.problems)
        event = tuple(self.message.message_type.split("^")[:2])
        for gap in self.composer.gaps:
            if event in gap.messages:
                yield codes.GAP_SENT(cannot=gap.cannot, sent=gap.sent)
        for kind, paths in self.left_out.items():
            if paths:
                fields = ", ".join(sorted(paths))
                yield codes.LEFT_OUT(Place(path=kind), resource=kind, fields=fields)
        unsent = {
            kind
            for name in self.entries
            if name not in self.calls
            and (kind := name.partition("/")[0]) not in _HEADS
            and self.composer.writer(kind) is None
            and kind not in self.composer.finders
            and kind != _ROLE
        }
        if unsent:
            types = ", ".join(sorted(unsent))
            yield codes.NOT_SENT(destination=self.composer.destination, types=types)


def _is_retired(resource: Json) -> bool:
    """A patient that was merged into another: the ledger is told, nothing is written of it."""
    return any(link.get("type") == "replaced-by" for link in resource.get("link", ()))


def _practitioners(entries: Mapping[str, Entry]) -> dict[str, str]:
    """Millennium has no PractitionerRole: a reference to one is to its practitioner."""
    found: dict[str, str] = {}
    for name, entry in entries.items():
        practitioner = entry.resource.get("practitioner", {}).get("reference")
        if name.startswith(f"{_ROLE}/") and practitioner:
            found[name] = practitioner
    return found


def _names(entries: Mapping[str, Entry]) -> dict[str, str]:
    """Reference to an Organization to its name."""
    return {
        f"{ENGINE}{name}": str(entry.resource["name"])
        for name, entry in entries.items()
        if name.startswith("Organization/") and entry.resource.get("name")
    }


def _reports(entries: Mapping[str, Entry]) -> dict[str, Json]:
    """Name of an Observation to its DiagnosticReport."""
    found: dict[str, Json] = {}
    for entry in entries.values():
        if entry.resource["resourceType"] == "DiagnosticReport":
            for _, reference in references_of(entry.resource.get("result", []), "result"):
                found.setdefault(reference, entry.resource)
    return found
