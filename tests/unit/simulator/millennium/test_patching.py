"""A patch does what is listed, in order, and nothing at all when one operation fails."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.simulator.millennium.answers import RefusedError, RuleBrokenError
from engine.simulator.millennium.patching import patched
from engine.simulator.millennium.tables import write_rules

RULES = write_rules()["Patient"].patch
PATIENT = {
    "resourceType": "Patient",
    "telecom": [{"id": "a", "value": "1"}, {"id": "b", "value": "2"}],
    "gender": "female",
}


def test_operations_are_applied_in_their_order() -> None:
    operations: list[dict[str, Any]] = [
        {"op": "test", "path": "/telecom/1/id", "value": "b"},
        {"op": "replace", "path": "/telecom/1/value", "value": "3"},
        {"op": "add", "path": "/telecom/-", "value": {"value": "4"}},
        {"op": "test", "path": "/telecom/0/id", "value": "a"},
        {"op": "remove", "path": "/telecom/0"},
        {"op": "add", "path": "/address/-", "value": {"city": "X"}},
        {"op": "replace", "path": "/telecom/1/period", "value": {"start": "2026"}},
    ]
    after, listed = patched(PATIENT, operations, RULES)
    assert [one["value"] for one in after["telecom"]] == ["3", "4"]
    assert after["address"] == [{"city": "X"}]
    assert after["telecom"][1]["period"] == {"start": "2026"}
    assert len(listed) == 7
    assert len(PATIENT["telecom"]) == 2


@pytest.mark.parametrize(
    "operations",
    [
        [{"op": "replace", "path": "/telecom/0/value", "value": "9"}],
        [{"op": "test", "path": "/telecom/1/id", "value": "b"},
         {"op": "replace", "path": "/telecom/0/value", "value": "9"}],
        [{"op": "test", "path": "/telecom/0/id", "value": "b"}],
        [{"op": "replace", "path": "/active", "value": False}],
        [{"op": "add", "path": "/gender", "value": "x"}],
        [{"op": "test", "path": "/telecom/x/id", "value": "b"}],
        [{"op": "test", "path": "/name/0/id", "value": "b"}],
    ],
)  # fmt: skip
def test_what_is_not_listed_or_not_tested_breaks_a_rule(operations: list[dict[str, Any]]) -> None:
    with pytest.raises(RuleBrokenError):
        patched(PATIENT, operations, RULES)


@given(st.recursive(st.none() | st.integers() | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3)
                    | st.dictionaries(st.sampled_from(["op", "path", "value", "x"]), inner),
                    max_leaves=8))  # fmt: skip
def test_garbage_is_an_invalid_request_or_a_broken_rule(garbage: Any) -> None:
    with pytest.raises((RefusedError, RuleBrokenError)):
        patched(PATIENT, garbage, RULES)
