"""The synthetic clinic tells every visit in order, and sends a code that no table knows."""

from datetime import UTC, datetime
from itertools import islice

from engine.simulator.clinic import PEOPLE, UNKNOWN_EVERY, UNKNOWN_TEST, VISIT, Clinic
from engine.simulator.hospital import DOCUMENT, Hospital, Sent

START = datetime(2026, 11, 22, tzinfo=UTC)


def sent(count: int) -> list[Sent]:
    return list(islice(Clinic(seed=3, start=START).messages(), count))


def kind(one: Sent) -> str:
    name, _, event = one.message_type.partition("^")
    return event if name == "ADT" else name


def test_the_same_seed_sends_the_same_bytes() -> None:
    assert [one.payload for one in sent(80)] == [one.payload for one in sent(80)]


def test_a_visit_is_told_from_registration_to_discharge() -> None:
    number = b"|700201^^^NORTH^MR"
    of_one = [kind(one) for one in sent(40) if number in one.payload or b'"700201"' in one.payload]
    assert of_one[: len(VISIT)] == list(VISIT)
    assert of_one[len(VISIT)] == "A40"


def test_the_unknown_code_comes_early_and_again_and_after_its_patient_is_registered() -> None:
    code = f"|{UNKNOWN_TEST[0]}^".encode()
    stream = sent(12 * UNKNOWN_EVERY * 2)
    places = [place for place, one in enumerate(stream) if code in one.payload]
    assert places[0] < 15
    assert len(places) >= 2
    patient = stream[places[0]].payload.split(b"PID|1||")[1].split(b"^")[0]
    registered = next(place for place, one in enumerate(stream) if patient in one.payload)
    assert kind(stream[registered]) == "A04"
    assert registered < places[0]


def test_its_patients_and_documents_are_not_those_of_the_hospital() -> None:
    hospital = Hospital(seed=3, start=START, documents=True)
    theirs = {one.payload.split(b"^^^NORTH^MR")[0][-6:] for one in islice(hospital.messages(), 300)}
    own = {
        one.payload.split(b"^^^NORTH^MR")[0][-6:]
        for one in sent(300)
        if one.message_type != DOCUMENT
    }
    assert len(own) <= PEOPLE
    assert own.isdisjoint(theirs)
