"""A test made of a message: nobody is named in it, and it passes."""

import re
from functools import partial

import pytest
from planted import PLANTED, planted_message
from stored_messages import ROOT, shipped_benches

from engine.channel.lint import check_configuration
from engine.channel.testcase import run_channel_tests
from engine.hl7v2.parser import parse
from engine.runtime.desk.audit import AuditSearch, read_trail
from engine.runtime.desk.deidentified import deidentified
from engine.runtime.desk.masking import SHIPPED
from engine.runtime.desk.rights import NotAllowed, everything
from engine.runtime.desk.test_draft import NoTest, draft_test

SAMPLES = sorted((ROOT / "samples" / "hl7v2").rglob("*.hl7"))


def made_of(raw, **given):
    return deidentified(parse(raw).message, SHIPPED, **given).decode("utf-8", "replace")


def test_no_planted_value_is_left():
    made = made_of(planted_message().encode())
    assert [one for one in PLANTED if one in made] == []
    assert "8302-2" in made
    assert "|F|" in made


def test_the_same_value_becomes_the_same_and_another_another():
    raw = (
        b"MSH|^~\\&|A|B|C|D|20260105||ADT^A01|1|P|2.5.1\r"
        b"PID|1||4711^^^NORTH^MR~4711^^^S^SS~4712||Muster^Anna^Anna||19800229|F\r"
    )
    made = made_of(raw, days=366)
    numbers = re.search(r"\|\|(\d+)\^\^\^NORTH\^MR~(\d+)\^\^\^S\^SS~(\d+)\|", made)
    assert numbers[1] == numbers[2] != numbers[3]
    assert len(numbers[1]) == 4
    assert re.search(r"\|Text\d\^(Text\d)\^\1\|\|19790228\|", made)


@pytest.mark.parametrize(
    ("date", "becomes"),
    [
        ("1980", "1980"),
        ("198002", "1980"),
        ("19800230", "1980"),
        ("19800229101500-0600", "19790228101500-0600"),
        ("soon", ""),
    ],
)
def test_dates_are_moved_or_cut_to_their_year(date, becomes):
    raw = f"MSH|^~\\&|A|B|C|D|20260105||ADT^A01|1|P|2.5.1\rPID|||7||A||{date}|F\r"
    assert f"||{becomes}|F" in made_of(raw.encode(), days=366)


@pytest.mark.parametrize("sample", SAMPLES[::7], ids=lambda file: file.stem)
def test_of_samples_no_longer_name_or_number_is_left(sample):
    raw = sample.read_bytes().replace(b"\n", b"\r")
    message = parse(raw).message
    made = deidentified(message, SHIPPED).decode("utf-8", "replace")
    for segment in message.segments:
        if segment.name == "PID":
            for number in (5, 11, 13):
                names = re.findall(r"[^\W\d]{5,}", segment.field(number))
                assert [name for name in names if name in made] == []
    assert parse(made.encode()).message is not None


def test_the_test_is_read_and_passes(desk, viewer, messages):
    (message_id,) = messages.take([planted_message()])
    draft = draft_test(desk, viewer("analyst"), SHIPPED, shipped_benches(), message_id)
    assert (draft.channel, draft.state) == ("adt", "TRANSFORMED")
    assert [one for one in PLANTED if one in draft.text] == []
    file = (ROOT / "channels" / "adt.yaml").read_text()
    text = f"{file.partition('tests:')[0]}tests:\n{draft.text}"
    configuration, problems = check_configuration({"channels/adt.yaml": text}, {})
    assert problems == []
    bench = messages.bench
    (result,) = run_channel_tests(
        configuration.channels[0], partial(bench._outcome, "adt"), lambda _: None
    )
    assert result.failures == ()
    (row,) = read_trail(desk, everything("a", "t"), AuditSearch(act="export"))
    assert "test case" in repr(row)


def test_of_what_is_no_message_none_is_made(desk, viewer, messages):
    document = messages.receive((ROOT / "samples/cda/ccd-rich.xml").read_bytes())
    gone = messages.receive(planted_message(), "gone")
    for message_id in (document, gone):
        with pytest.raises(NoTest):
            draft_test(desk, viewer("analyst"), SHIPPED, shipped_benches(), message_id)
    with pytest.raises(NotAllowed):
        draft_test(desk, viewer("support"), SHIPPED, shipped_benches(), document)
    assert draft_test(desk, viewer("analyst"), SHIPPED, shipped_benches(), 999) is None
