"""Merging what a message says into what a server has, for any resource."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.fhir.updating import says_nothing_new, update

TEXT = st.sampled_from(["a", "b", "c"])
IDENTIFIER = st.fixed_dictionaries({"system": TEXT, "value": TEXT})
EXTENSION = st.fixed_dictionaries({"url": TEXT, "valueString": TEXT})
PHONE = st.fixed_dictionaries({"value": TEXT}, optional={"use": st.sampled_from(["home", "work"])})
PATIENT = st.fixed_dictionaries(
    {"resourceType": st.just("Patient")},
    optional={
        "identifier": st.lists(IDENTIFIER, min_size=1, max_size=4),
        "extension": st.lists(EXTENSION, min_size=1, max_size=4),
        "telecom": st.lists(PHONE, min_size=1, max_size=3),
        "birthDate": st.sampled_from(["1970", "1971"]),
        "_birthDate": st.just({"extension": [{"url": "u", "valueString": "x"}]}),
        "deceasedBoolean": st.booleans(),
        "gender": st.sampled_from(["male", "female"]),
    },
)
DELETES = st.lists(
    st.sampled_from(["telecom", "telecom[use!=work]", "gender", "extension[url=a]", "deceased"])
)


@given(PATIENT, PATIENT, DELETES)
def test_to_merge_the_same_again_says_nothing_new(
    present: dict[str, Any], said: dict[str, Any], deletes: list[str]
) -> None:
    once = update(present, said, deletes)
    assert says_nothing_new(once, update(once, said, deletes))


@given(PATIENT, PATIENT)
def test_nothing_the_message_does_not_speak_of_is_lost(
    present: dict[str, Any], said: dict[str, Any]
) -> None:
    merged = update(present, said)
    for key, value in present.items():
        if key.removeprefix("_") not in {one.removeprefix("_") for one in said}:
            assert merged[key] == value
    known = {(one["system"], one["value"]) for one in merged.get("identifier", ())}
    for source in (present, said):
        assert {(one["system"], one["value"]) for one in source.get("identifier", ())} <= known


@given(PATIENT, PATIENT)
def test_all_that_the_message_says_is_there(present: dict[str, Any], said: dict[str, Any]) -> None:
    merged = update(present, said)
    for key, value in said.items():
        if key in ("identifier", "extension"):
            assert all(item in merged[key] for item in value)
        else:
            assert merged[key] == value
