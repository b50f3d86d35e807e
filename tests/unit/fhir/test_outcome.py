"""OperationOutcome both ways."""

import json
from typing import Any

import pytest

from engine.diagnostics import Place, warning
from engine.fhir import checker, codes, outcome
from engine.fhir.outcome import Issue

SECRET = "Zyxwv"


def answer(*issues: Any) -> bytes:
    return json.dumps({"resourceType": "OperationOutcome", "issue": list(issues)}).encode()


def test_severity_type_and_path_are_kept() -> None:
    body = answer(
        {"severity": "error", "code": "required", "expression": ["Patient.name[0].family"]},
        {"severity": "warning", "code": "informational"},
    )
    assert outcome.parse(body) == (
        Issue(severity="error", code="required", expression=("Patient.name[0].family",)),
        Issue(severity="warning", code="informational"),
    )


def test_free_text_of_the_server_is_never_kept() -> None:
    body = answer(
        {
            "severity": SECRET,
            "code": SECRET,
            "details": {"text": SECRET, "coding": [{"code": SECRET}]},
            "diagnostics": f"could not store {SECRET}",
            "expression": [
                f"Patient.name.where(family='{SECRET}')",
                f"Patient.{SECRET} x",
                f"Patient.name.{SECRET}",
                SECRET,
                "Patient",
            ],
            "location": [SECRET],
        }
    )
    found = outcome.parse(body)
    assert found == (
        Issue(severity="error", code="unknown", expression=("Patient.name", "Patient")),
    )
    assert SECRET not in repr(found)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"null",
        b"[]",
        b"{",
        b"\xff",
        b'{"resourceType":"Patient"}',
        b'{"resourceType":"OperationOutcome"}',
        b'{"resourceType":"OperationOutcome","issue":{}}',
        b'{"resourceType":"OperationOutcome","issue":["x"]}',
        b"[" * 100_000,
    ],
)
def test_anything_else_gives_no_issues(body: bytes) -> None:
    assert outcome.parse(body) == ()


def test_odd_parts_of_an_issue_are_left_out() -> None:
    body = answer({"severity": 1, "code": None, "expression": "Patient"}, {"expression": [1]})
    assert outcome.parse(body) == (Issue(severity="error", code="unknown"),) * 2


def test_issues_and_expressions_are_bounded() -> None:
    issue = {"severity": "error", "code": "invalid", "expression": ["Patient"] * 1000}
    found = outcome.parse(answer(*[issue] * 1000))
    assert len(found) == outcome.ISSUES_MAX
    assert len(found[0].expression) == outcome.EXPRESSIONS_MAX


def test_our_own_outcome_is_valid_and_reads_back() -> None:
    diagnostics = [
        codes.MISSING(Place(path="Encounter.status"), type="Encounter", name="status"),
        warning("H299", "odd", "look")(Place(path="PID-7")),
    ]
    built = outcome.build(diagnostics)
    assert checker.check(built) == ()
    assert built["issue"][0]["details"]["text"] == "F603: Encounter.status is required"
    assert outcome.parse(json.dumps(built).encode()) == (
        Issue(severity="error", code="required", expression=("Encounter.status",)),
        Issue(severity="warning", code="processing"),
    )


def test_nothing_to_say_is_said_so() -> None:
    built = outcome.build([])
    assert checker.check(built) == ()
    assert built["issue"][0]["severity"] == "information"
