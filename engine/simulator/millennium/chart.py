"""Rim. The resources of one tenant in memory: ids and versions as Millennium gives them, indexes
for the searches, combined patients, and a log of the writes.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from engine.simulator.millennium.answers import Resource, outcome
from engine.simulator.millennium.elements import patient_of, reference_of, tokens_of

FIRST_NUMBER = 12_800_000
WRITES_MAX = 200_000
HOPS_MAX = 20

FIRST_ETAGS = {"Observation": "1", "DocumentReference": "1"}
"""What a new resource's version is called; `0` for all others."""


@dataclass(slots=True, kw_only=True)
class Record:
    """A resource as it is now."""

    kind: str
    identity: str
    etag: str
    """Opaque: clients are not to read or count it."""
    resource: Resource
    updated_at: float
    changes: int = 0
    replaced_by: str = ""
    """The id of the resource it has been combined into."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One line of the log of writes."""

    number: int
    interaction: str
    kind: str
    identity: str
    patient: str
    etag: str


@dataclass(slots=True)
class Chart:
    """The resources of one tenant."""

    clock: Callable[[], float]
    resources_max: int
    changed: Callable[[Record, bool], None] = lambda _record, _kept: None
    """Told of every record that was written, and whether it is still there."""
    writes: deque[Write] = field(default_factory=lambda: deque(maxlen=WRITES_MAX))
    number: int = FIRST_NUMBER
    """The last number given to a resource, a version or an element."""
    obstacles: dict[tuple[str, str], int] = field(default_factory=dict)
    """Type and id -> status that a change of it gets now, whatever it says. Not kept in a file."""
    _records: dict[str, dict[str, Record]] = field(default_factory=dict)
    _by_token: dict[tuple[str, str], dict[str, None]] = field(default_factory=dict)
    _by_patient: dict[tuple[str, str], dict[str, None]] = field(default_factory=dict)
    _written: int = 0

    def next_number(self) -> int:
        """A number no resource, version or element has."""
        self.number += 1
        return self.number

    # -- reading --

    def get(self, kind: str, identity: str) -> Record | None:
        """One record."""
        return self._records.get(kind, {}).get(identity)

    def all(self, kind: str) -> Iterator[Record]:
        """The records of a type, oldest first."""
        return iter(list(self._records.get(kind, {}).values()))

    def by_identifier(self, kind: str, system: str, value: str) -> list[Record]:
        """Records with an identifier; of any system when none is given."""
        token = f"{system}|{value}" if system else value
        return self._named(kind, self._by_token.get((kind, token), {}))

    def of_patient(self, kind: str, patient: str) -> list[Record]:
        """Records about a patient."""
        return self._named(kind, self._by_patient.get((kind, patient), {}))

    def _named(self, kind: str, ids: dict[str, None]) -> list[Record]:
        records = self._records.get(kind, {})
        return [records[identity] for identity in ids]

    def counts(self) -> dict[str, int]:
        """How many records there are of each type."""
        return {kind: len(found) for kind, found in self._records.items() if found}

    # -- writing --

    def add(self, kind: str, resource: Resource, identity: str = "", why: str = "create") -> Record:
        """Keep a new resource. Refuses with 507 beyond the bound."""
        if sum(len(found) for found in self._records.values()) >= self.resources_max:
            raise outcome(507, "no-store", "the simulator holds as many resources as it may")
        identity = identity or self.new_id(kind, resource)
        record = Record(
            kind=kind,
            identity=identity,
            etag=FIRST_ETAGS.get(kind, "0"),
            resource=deepcopy(resource),
            updated_at=self.clock(),
        )
        self.restore(record)
        self._tell(record, why)
        return record

    def replace(self, record: Record, resource: Resource, why: str) -> None:
        """Give a record a new content, and with it a new version."""
        self._unlink(record)
        record.resource = deepcopy(resource)
        record.changes += 1
        record.etag = self._next_etag(record)
        record.updated_at = self.clock()
        self._link(record)
        self._tell(record, why)

    def touch(self, record: Record) -> None:
        """A new version with the same content, as if somebody else had written."""
        self.replace(record, record.resource, "touch")

    def remove(self, record: Record) -> None:
        """Forget a record."""
        self.drop(record.kind, record.identity)
        self._tell(record, "delete", kept=False)

    def drop(self, kind: str, identity: str) -> None:
        """Forget a record and tell nobody."""
        record = self._records.get(kind, {}).pop(identity, None)
        if record is not None:
            self._unlink(record)

    def combine(self, retired: Record, survivor: Record) -> None:
        """Combine a patient or an encounter into another one, as done inside Millennium."""
        at = survivor
        for _ in range(HOPS_MAX):
            if at is retired:
                raise ValueError("a record cannot be combined into itself")
            following = self.get(at.kind, at.replaced_by) if at.replaced_by else None
            if following is None:
                break
            at = following
        retired.replaced_by = survivor.identity
        self.replace(retired, retired.resource, "combine")
        if retired.kind != "Patient":
            return
        for kind in list(self._records):
            for record in self.of_patient(kind, retired.identity):
                if kind != "Patient":
                    moved = _renamed(record.resource, retired.identity, survivor.identity)
                    self.replace(record, moved, "combine")

    def restore(self, record: Record) -> None:
        """Put a record where it belongs, as it is."""
        before = self.get(record.kind, record.identity)
        if before is not None:
            self._unlink(before)
        record.resource["id"] = record.identity
        self._records.setdefault(record.kind, {})[record.identity] = record
        self._link(record)

    def new_id(self, kind: str, resource: Resource) -> str:
        """An id of the shape the type's ids have. Report 1.6."""
        number = self.next_number()
        if kind == "Observation":
            category = str(resource.get("category", ""))
            return f"VS-{number}" if "vital-signs" in category else f"L-{number}"
        if kind == "RelatedPerson":
            patient = patient_of(resource)
            encounter = _encounter_extension(resource)
            return f"E-{number}-{encounter}" if encounter else f"{patient}-{number}"
        shapes = {
            "Condition": "p{}",
            "Immunization": "M{}",
            "Basic": "FT-PL-{}",
            "Communication": "{}.0.-4.0",
            "Coverage": f"{patient_of(resource)}-{{}}-0",
            "Slot": "{}-4052-1-15",
        }
        return shapes.get(kind, "{}").format(number)

    def _next_etag(self, record: Record) -> str:
        if record.kind == "Observation":
            return str(2 * record.changes + 1)
        if record.kind == "Condition":
            return f"{record.changes}-{self.next_number()}"
        return str(self.next_number()) if record.changes > 1 else "1"

    def _link(self, record: Record) -> None:
        for token in tokens_of(record.resource):
            for key in (token, token.partition("|")[2]):
                self._by_token.setdefault((record.kind, key), {})[record.identity] = None
        patient = patient_of(record.resource)
        if patient:
            self._by_patient.setdefault((record.kind, patient), {})[record.identity] = None

    def _unlink(self, record: Record) -> None:
        for token in tokens_of(record.resource):
            for key in (token, token.partition("|")[2]):
                _drop(self._by_token, (record.kind, key), record.identity)
        _drop(self._by_patient, (record.kind, patient_of(record.resource)), record.identity)

    def _tell(self, record: Record, interaction: str, *, kept: bool = True) -> None:
        self._written += 1
        self.writes.append(
            Write(
                number=self._written,
                interaction=interaction,
                kind=record.kind,
                identity=record.identity,
                patient=patient_of(record.resource),
                etag=record.etag,
            )
        )
        self.changed(record, kept)

    def write_counts(self) -> dict[str, int]:
        """`Patient create` -> how many, of the writes still in the log."""
        return dict(Counter(f"{one.kind} {one.interaction}" for one in self.writes))


def _drop(
    index: dict[tuple[str, str], dict[str, None]], key: tuple[str, str], identity: str
) -> None:
    ids = index.get(key)
    if ids is None:
        return
    ids.pop(identity, None)
    if not ids:
        del index[key]


def _renamed(value: Any, retired: str, survivor: str) -> Any:
    """The value with references to one patient made references to another."""
    if isinstance(value, dict):
        return {
            name: f"Patient/{survivor}"
            if name == "reference" and reference_of(value, "Patient") == retired
            else _renamed(part, retired, survivor)
            for name, part in value.items()
        }
    if isinstance(value, list):
        return [_renamed(part, retired, survivor) for part in value]
    return value


def _encounter_extension(resource: Resource) -> str:
    for extension in resource.get("extension", []):
        if isinstance(extension, dict) and "encounter" in str(extension.get("url", "")):
            return reference_of(extension.get("valueReference"), "Encounter")
    return ""
