"""The synthetic hospital repeats itself for a seed, and makes every mistake it names."""

from datetime import UTC, datetime
from itertools import islice

from engine.simulator.care import CARE
from engine.simulator.hospital import DOCUMENT, MISTAKES, Hospital

START = datetime(2026, 11, 22, tzinfo=UTC)


def test_the_same_seed_sends_the_same_bytes() -> None:
    first = [sent.payload for sent in islice(Hospital(seed=3, start=START).messages(), 50)]
    second = [sent.payload for sent in islice(Hospital(seed=3, start=START).messages(), 50)]
    assert first == second


def test_every_mistake_happens() -> None:
    stream = Hospital(seed=3, start=START, mistakes=0.5).messages()
    assert {sent.mistake for sent in islice(stream, 300)} == {None, *MISTAKES}


def test_control_ids_repeat_only_when_resent() -> None:
    seen: set[bytes] = set()
    for sent in islice(Hospital(seed=3, start=START).messages(), 500):
        control_id = sent.payload.split(b"|")[9]
        assert (control_id in seen) == (sent.mistake == "resent")  # MSH-10
        seen.add(control_id)


def test_documents_come_only_when_asked_for() -> None:
    without = islice(Hospital(seed=3, start=START).messages(), 200)
    assert DOCUMENT not in {sent.message_type for sent in without}
    asked = islice(Hospital(seed=3, start=START, documents=True).messages(), 200)
    assert DOCUMENT in {sent.message_type for sent in asked}


def test_every_type_of_message_of_care_is_sent() -> None:
    sent = islice(Hospital(seed=3, start=START).messages(), 400)
    assert {one.message_type[:3] for one in sent} >= set(CARE)
