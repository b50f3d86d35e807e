"""Two descriptions of one resource."""

import copy
from typing import Any

import pytest

from engine.fhir.merging import Seen, merge

Json = dict[str, Any]


def practitioner(**elements: Any) -> Json:
    return {"resourceType": "Practitioner", **elements}


NPI = {"system": "http://hl7.org/fhir/sid/us-npi", "value": "1111111112"}
LOCAL = {"system": "urn:oid:2.999.1", "value": "7"}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        # what only the second has is taken over
        ({"gender": "male"}, {"birthDate": "1970"}, {"gender": "male", "birthDate": "1970"}),
        # what both have stays as the first says
        ({"gender": "male"}, {"gender": "female"}, {"gender": "male"}),
        # a value that says more replaces the lesser one
        ({"name": [{"family": "A"}]}, {"name": [{"family": "A", "given": ["B"]}]},
         {"name": [{"family": "A", "given": ["B"]}]}),
        ({"name": [{"family": "A", "given": ["B"]}]}, {"name": [{"family": "A"}]},
         {"name": [{"family": "A", "given": ["B"]}]}),
        # nothing is joined inside a value
        ({"name": [{"family": "A", "prefix": ["Dr"]}]}, {"name": [{"family": "A", "given": ["B"]}]},
         {"name": [{"family": "A", "prefix": ["Dr"]}, {"family": "A", "given": ["B"]}]}),
        # lists: what is new comes at the end
        ({"identifier": [NPI]}, {"identifier": [LOCAL, NPI]}, {"identifier": [NPI, LOCAL]}),
        # a list cannot be merged with what is not one
        ({"identifier": [NPI]}, {"identifier": NPI}, {"identifier": [NPI]}),
        # true is not 1
        ({"x": [True]}, {"x": [1]}, {"x": [True, 1]}),
    ],
)  # fmt: skip
def test_the_second_fills_in_what_the_first_lacks(
    first: Json, second: Json, expected: Json
) -> None:
    assert merge(practitioner(**first), practitioner(**second)) == practitioner(**expected)


def test_a_choice_is_not_made_twice() -> None:
    first = {"resourceType": "Patient", "deceasedBoolean": True}
    second = {"resourceType": "Patient", "deceasedDateTime": "2024-01-01", "_deceasedDateTime": {}}
    assert merge(first, second) == first


def test_a_value_and_its_extension_are_not_mixed() -> None:
    first = {"resourceType": "Patient", "birthDate": "1970"}
    second = {"resourceType": "Patient", "_birthDate": {"id": "a"}}
    assert merge(first, second) == first


def test_another_type_is_not_looked_at() -> None:
    assert merge(practitioner(), {"resourceType": "Patient", "gender": "male"}) == practitioner()


def test_merging_twice_changes_nothing_more_and_no_argument() -> None:
    first = practitioner(identifier=[NPI], name=[{"family": "A"}])
    second = practitioner(identifier=[LOCAL], name=[{"family": "A", "given": ["B"]}])
    before = copy.deepcopy((first, second))
    once = merge(first, second)
    assert merge(once, second) == once
    assert merge(once, first) == once
    assert (first, second) == before
    assert list(once) == ["resourceType", "identifier", "name"]


def test_long_lists_keep_what_is_new_and_drop_what_is_equal() -> None:
    numbers = [{"value": str(number)} for number in range(100)]
    first = practitioner(identifier=numbers)
    second = practitioner(identifier=[{"value": "7"}, {"value": "new"}])
    assert merge(first, second)["identifier"] == [*numbers, {"value": "new"}]


def test_a_long_list_that_grows_holds_each_item_once_also_when_it_was_changed_between() -> None:
    seen: dict[str, Seen] = {}
    made: dict[str, Any] = {"resourceType": "Appointment", "participant": []}
    for round_ in range(2):
        for number in range(100):
            item = {"actor": {"display": f"{number}"}, "required": "required"}
            more = {"resourceType": "Appointment", "participant": [item]}
            made = merge(made, more, seen)
        if round_ == 0:
            made["participant"].append({"actor": {"display": "put"}})
            put = {"resourceType": "Appointment", "participant": [{"actor": {"display": "put"}}]}
            made = merge(made, put, seen)
    assert len(made["participant"]) == 101
