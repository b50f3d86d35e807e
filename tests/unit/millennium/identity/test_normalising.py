"""Identifiers in their pool's form."""

import pytest

from engine.channel.environment import NORMALISATIONS
from engine.millennium.identity.entries import LedgerKey
from engine.millennium.identity.normalising import (
    VALUE_CHARACTERS_MAX,
    keys_of,
    normalise,
    with_normalised,
)

MRN = "urn:oid:1.2.3"


@pytest.mark.parametrize(
    ("value", "rules", "expected"),
    [
        ("00490052464", ("strip-zeros",), "490052464"),
        ("0000", ("strip-zeros",), "0"),
        ("", ("strip-zeros",), ""),
        (" ab12 ", ("trim", "upper"), "AB12"),
        ("00-490-05", ("digits", "strip-zeros"), "49005"),
        ("A-12/b", ("alphanumeric", "upper"), "A12B"),
        ("\u0661\u0662", ("digits",), ""),
        ("as it is", (), "as it is"),
    ],
)
def test_rules_apply_in_their_order(value, rules, expected):
    assert normalise(value, rules) == expected


@pytest.mark.parametrize("rule", NORMALISATIONS)
def test_every_rule_an_environment_may_name_exists(rule):
    once = normalise(" 0aB-1 ", (rule,))
    assert normalise(once, (rule,)) == once, "a form stays as it is"


def test_keys_are_in_order_and_each_once():
    identifiers = [
        {"system": MRN, "value": "0012"},
        {"system": "urn:oid:9", "value": "0012", "type": "MR"},
        {"system": MRN, "value": "12"},
        {"system": MRN, "value": "-"},
        {"system": MRN, "value": "1" * (VALUE_CHARACTERS_MAX + 1)},
    ]
    pools = {MRN: ("digits", "strip-zeros")}
    assert keys_of("Patient", identifiers, pools) == (
        LedgerKey(resource_type="Patient", system=MRN, value="12"),
        LedgerKey(resource_type="Patient", system="urn:oid:9", value="0012"),
    )


def test_a_resource_is_sent_with_the_form_its_pool_stores_and_the_message_keeps_its_own():
    patient = {"identifier": [{"assigner": {}}, {"system": MRN, "value": "0012"}, {"value": "7"}]}
    sent = with_normalised(patient, {MRN: ("strip-zeros",)})
    assert [one.get("value") for one in sent["identifier"]] == [None, "12", "7"]
    assert patient["identifier"][1]["value"] == "0012"
    assert with_normalised(patient, {}) is patient
