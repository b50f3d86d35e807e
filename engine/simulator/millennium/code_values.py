"""Rim. The code values of one tenant: code sets by number, rows by id, cdf meaning, CKI and concept
CKI; and which standard codes are mapped to an event code.

The numbers of the code sets are the same everywhere, the code values are each tenant's own: every
tenant after the first has its own numbers for the same rows. The rows are invented.
"""

import csv
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any

from engine.simulator.millennium.tables import DATA

EVENT_CODES = 72
SHIFT = 500_000
"""Between the numbers of one tenant and of the next."""
STANDARD = {
    "http://loinc.org": "LOINC",
    "http://hl7.org/fhir/sid/cvx": "CVX",
    "http://snomed.info/sct": "SNOMED",
}
"""Systems whose codes event codes are mapped to -> the word of the concept CKI."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeValue:
    """One row."""

    code_set: int
    id: str
    display: str
    description: str
    cdf_meaning: str = ""
    cki: str = ""
    concept_cki: str = ""
    active: bool = True


class CodeTable:
    """The code values of a tenant."""

    def __init__(self, tenant: str, shift: int = 0) -> None:
        """Args: tenant, for the system of its codings; what is added to each number."""
        self.tenant = tenant
        self._shift = shift
        self._by_id: dict[str, CodeValue] = {}
        self._by_concept: dict[tuple[int, str], CodeValue] = {}
        self.added: list[CodeValue] = []
        """Rows beyond those shipped, in the order they came."""
        self.changed: Callable[[CodeValue], None] = lambda _row: None
        """Told of every row that is put."""
        for row in _shipped():
            self._keep(replace(row, id=str(int(row.id) + shift)))

    def put(self, row: CodeValue) -> None:
        """Add a row, or replace the one with its id."""
        self._keep(row)
        self.added.append(row)
        self.changed(row)

    def _keep(self, row: CodeValue) -> None:
        before = self._by_id.get(row.id)
        if before is not None:
            self._by_concept.pop((before.code_set, before.concept_cki), None)
        self._by_id[row.id] = row
        if row.concept_cki:
            self._by_concept[row.code_set, row.concept_cki] = row

    def get(self, identity: str) -> CodeValue | None:
        """A row by its id."""
        return self._by_id.get(identity)

    def rows(self, code_set: int) -> Iterator[CodeValue]:
        """The rows of a code set, in order of their ids."""
        return (row for row in self._by_id.values() if row.code_set == code_set)

    def has_set(self, code_set: int) -> bool:
        """Whether the simulator knows the set's rows."""
        return any(row.code_set == code_set for row in self._by_id.values())

    def mapped(self, system: str, code: str) -> CodeValue | None:
        """The event code a standard code is mapped to."""
        return self._by_concept.get((EVENT_CODES, f"{STANDARD.get(system, system)}!{code}"))

    def standard(self, row: CodeValue) -> dict[str, str] | None:
        """The standard coding an event code is mapped to."""
        word, _, code = row.concept_cki.partition("!")
        for system, known in STANDARD.items():
            if known == word:
                return {"system": system, "code": code, "display": row.display}
        return None

    def shipped(self, number: int) -> dict[str, Any]:
        """The coding of a shipped row, by its number in the first tenant."""
        return self.coding(self._by_id[str(number + self._shift)])

    def coding(self, row: CodeValue) -> dict[str, Any]:
        """The proprietary coding of a row, as it is read and written."""
        return {
            "system": f"https://fhir.cerner.com/{self.tenant}/codeSet/{row.code_set}",
            "code": row.id,
            "display": row.display,
            "userSelected": True,
        }


def as_row(row: CodeValue) -> dict[str, Any]:
    """For the admin path and the state file."""
    return asdict(row)


@cache
def _shipped() -> tuple[CodeValue, ...]:
    with (DATA / "code_values.csv").open(encoding="utf-8", newline="") as lines:
        return tuple(
            CodeValue(
                code_set=int(row["code_set"]),
                id=row["id"],
                display=row["display"],
                description=row["description"],
                cdf_meaning=row["cdf_meaning"],
                cki=row["cki"],
                concept_cki=row["concept_cki"],
                active=row["active"] == "1",
            )
            for row in csv.DictReader(lines)
        )
