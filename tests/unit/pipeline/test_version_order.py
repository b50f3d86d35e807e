"""Which of two documents is newer is what they say of themselves, in numbers or by name."""

from dataclasses import replace

import pytest

from engine.cda.header import DocumentHeader, Related
from engine.pipeline.document_keys import document_search_keys
from engine.pipeline.version_order import Known, is_older, keys_to_ask, newest_over, version_of

PATIENT = ("1.3", "N100")
OTHER = ("1.3", "X9")


def facts(
    document: str, number: str = "", *, replaces: str = "", kind: str = "RPLC", **more: object
) -> DocumentHeader:
    related = (Related(kind=kind, identifier=("1.1", replaces)),) if replaces else ()
    found = DocumentHeader(
        identifier=("1.1", document),
        set_id=("1.2", "S1") if number else ("", ""),
        version_number=number,
        patients=(PATIENT,),
        related=related,
    )
    return replace(found, **more)  # type: ignore[arg-type]


def known(message_id: int, header: DocumentHeader) -> Known:
    return Known(message_id=message_id, keys=frozenset(document_search_keys(header)))


def newest(header: DocumentHeader, *others: Known) -> int | None:
    """The message that is newer, of those the store would find by the keys to be asked for."""
    version = version_of(header)
    asked = set(keys_to_ask(version))
    found = newest_over(version, [one for one in others if asked & one.keys])
    return found.message_id if found is not None else None


def test_the_highest_number_of_a_set_is_the_newest() -> None:
    others = [known(7, facts("D2", "2")), known(5, facts("D10", "10")), known(9, facts("D3", "3"))]
    assert newest(facts("D1", "1"), *others) == 5
    assert newest(facts("D9", "9"), *others) == 5
    assert newest(facts("D11", "11"), *others) is None


def test_the_same_version_again_is_not_late() -> None:
    assert newest(facts("D1", "2"), known(7, facts("D2", "2"))) is None


def test_a_document_that_another_names_is_older_without_any_number() -> None:
    newer = known(7, facts("D2", replaces="D1"))
    assert newest(facts("D1"), newer) == 7
    assert newest(facts("D3"), newer) is None


@pytest.mark.parametrize("kind", ["APND", "XFRM", ""])
def test_only_a_replacement_makes_older(kind: str) -> None:
    assert newest(facts("D1"), known(7, facts("D2", replaces="D1", kind=kind))) is None


def test_numbers_go_before_names() -> None:
    confused = known(7, facts("D1", "1", replaces="D2"))
    assert newest(facts("D2", "2"), confused) is None


def test_of_two_that_name_each_other_neither_is_older() -> None:
    assert newest(facts("D1", replaces="D2"), known(7, facts("D2", replaces="D1"))) is None
    assert newest(facts("D1", replaces="D1"), known(7, facts("D1", replaces="D1"))) is None


def test_a_set_of_another_patient_is_another_set() -> None:
    other = replace(facts("D2", "2", replaces="D1"), patients=(OTHER,))
    assert newest(facts("D1", "1"), known(7, other)) is None


def test_one_shared_number_of_the_patient_is_enough() -> None:
    newer = replace(facts("D2", "2"), patients=(OTHER, PATIENT))
    assert newest(facts("D1", "1"), known(7, newer)) == 7


@pytest.mark.parametrize("number", ["", "two", "-1", "1.5", "٢", "1234567890"])
def test_what_is_no_number_is_not_compared(number: str) -> None:
    header = replace(facts("D1", "1"), version_number=number)
    assert newest(header, known(7, facts("D2", "2"))) is None
    assert version_of(header).number is None


def test_a_set_without_a_number_is_compared_by_name() -> None:
    header = replace(facts("D1", "1"), version_number="")
    assert newest(header, known(7, facts("D2", "2", replaces="D1"))) == 7


def test_a_long_id_of_a_set_is_not_cut_to_that_of_another() -> None:
    long = replace(facts("D1", "1"), set_id=("1.2", "x" * 150))
    other = replace(facts("D2", "2"), set_id=("1.2", "x" * 149 + "y"))
    assert newest(long, known(7, other)) is None


def test_a_document_without_patient_is_compared_with_its_like() -> None:
    header, newer = (replace(one, patients=()) for one in (facts("D1", "1"), facts("D2", "2")))
    assert newest(header, known(7, newer)) == 7


def test_a_document_without_any_id_is_asked_for_nothing() -> None:
    assert keys_to_ask(version_of(DocumentHeader(patients=(PATIENT,)))) == ()


def test_a_later_message_with_an_earlier_version_is_told_from_one_with_a_newer() -> None:
    first, second = (document_search_keys(facts(f"D{one}", str(one))) for one in (1, 2))
    assert is_older(second, first)
    assert not is_older(first, second)
    named = document_search_keys(facts("D2", replaces="D1"))
    assert is_older(named, document_search_keys(facts("D1")))
    assert not is_older((("mrn", "1"),), (("mrn", "1"),))
