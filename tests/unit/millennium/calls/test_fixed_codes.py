"""`fixed` of an unmapped code: portable, a number of the tenant, or a code of a standard."""

from typing import Any

import pytest

from engine.codevalues.resolve import CodeValues
from engine.codevalues.snapshot import CodeValue, read_snapshot, write_snapshot
from engine.millennium.calls.code_fields import CodeSource, resolve_codes
from engine.millennium.resources.rules import CodeField, ResourceRules, read_fixed
from engine.millennium.resources.rules_reader import is_policy

SNOMED = "http://snomed.info/sct"
TYPES = "https://fhir.cerner.com/t/codeSet/71"
RULES = ResourceRules(
    resource="Encounter",
    codes=(CodeField(path="type", code_set=71), CodeField(path="reasonCode", accepts=(SNOMED,))),
)


def values(*rows: CodeValue) -> CodeValues:
    text = write_snapshot(
        rows, tenant="t", taken_at="2026-01-05T14:30:00Z", source="x", code_sets=[71]
    )
    snapshot, problems = read_snapshot(text, "codevalues/snapshots/a.csv")
    assert problems == []
    return CodeValues(tenant="t", snapshot=snapshot)


TAKEN = values(
    CodeValue(code_set=71, value="10", display="Inpatient", cdf_meaning="INPATIENT"),
    CodeValue(code_set=71, value="11", display="Gone", active=False),
    CodeValue(code_set=72, value="12", display="Potassium"),
)


def resolved(policy: str, found: CodeValues = TAKEN, field: str = "type") -> tuple[Any, Any]:
    concept: dict[str, Any] = {"coding": [{"code": "X", "system": "urn:oid:1", "display": "Ex"}]}
    resource = {"resourceType": "Encounter", field: [concept]}
    source = CodeSource(
        values=found, contributor_source="REG", policies={f"Encounter.{field}": policy}
    )
    done = resolve_codes(resource, RULES, source)
    return concept.get("coding"), done


@pytest.mark.parametrize(
    "policy", ["fixed 10", "fixed meaning:INPATIENT", "fixed display:inpatient"]
)
def test_a_value_that_the_tenant_has_is_sent(policy: str) -> None:
    coding, done = resolved(policy)
    assert [(one["system"], one["code"]) for one in coding] == [(TYPES, "10")]
    assert not done.held


@pytest.mark.parametrize(
    "policy", ["fixed 99", "fixed 11", "fixed 12", "fixed meaning:NOPE", "fixed cki:CKI.EC!1"]
)
def test_a_value_that_the_tenant_has_not_is_never_sent(policy: str) -> None:
    coding, done = resolved(policy)
    assert done.held
    assert [one.code for one in done.problems] == ["O827"]
    assert [one["code"] for one in coding] == ["X"]


def test_without_a_snapshot_a_number_is_believed_and_a_name_is_not() -> None:
    bare = CodeValues(tenant="t")
    assert not resolved("fixed 99", bare)[1].held
    assert resolved("fixed meaning:INPATIENT", bare)[1].held


def test_where_there_is_no_code_set_a_standard_code_is_sent() -> None:
    coding, done = resolved(f"fixed {SNOMED}|419199007", field="reasonCode")
    assert coding == [{"system": SNOMED, "code": "419199007"}]
    assert not done.held


@pytest.mark.parametrize(
    "policy",
    [
        *("fixed", "fixed ", "fixed a b", "fixed nothing:X", "fixed cki:", f"fixed {SNOMED}|"),
        *("fix 1", "fixed display:" + "x" * 200),
    ],
)
def test_what_says_nothing_to_send_is_no_policy(policy: str) -> None:
    assert read_fixed(policy) is None
    assert not is_policy(policy)
