"""Rim. What a check of preflight found: pass, warn or fail, with the evidence and the remedy."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """How a check ended; the worst of several findings is the check's."""

    PASS = "pass"  # noqa: S105  a word
    WARN = "warn"
    FAIL = "fail"


CHECKS = {
    1: "connection",
    2: "clock",
    3: "discovery",
    4: "token",
    5: "capabilities",
    6: "access",
    7: "references",
    8: "identifiers",
    9: "code values",
    10: "documents",
    11: "patch",
    12: "environment",
    13: "local state",
}
"""Number of report section 6 to the name that is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One result. No text of it holds a secret, a token or a value of a patient."""

    check: int
    status: Status
    evidence: str
    remedy: str = ""
    tenant: str = ""

    @property
    def name(self) -> str:
        """Of the check."""
        return CHECKS[self.check]

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        found: dict[str, Any] = {
            "check": self.check,
            "name": self.name,
            "tenant": self.tenant,
            "status": self.status.value,
            "evidence": self.evidence,
        }
        return {**found, "remedy": self.remedy} if self.remedy else found


def passed(check: int, evidence: str) -> Finding:
    """Nothing to do."""
    return Finding(check=check, status=Status.PASS, evidence=evidence)


def warned(check: int, evidence: str, remedy: str) -> Finding:
    """It works, or cannot be told; somebody should look."""
    return Finding(check=check, status=Status.WARN, evidence=evidence, remedy=remedy)


def failed(check: int, evidence: str, remedy: str) -> Finding:
    """Messages would fail."""
    return Finding(check=check, status=Status.FAIL, evidence=evidence, remedy=remedy)


def unchecked(check: int, because: int) -> Finding:
    """It could not be looked at, because another check failed."""
    return warned(
        check,
        f"not checked, because the check of {CHECKS[because]} failed",
        f"put right what check {because} names, then run preflight again",
    )


def worst(findings: list[Finding]) -> Status:
    """Of all; PASS without any."""
    order = list(Status)
    return max((one.status for one in findings), key=order.index, default=Status.PASS)
