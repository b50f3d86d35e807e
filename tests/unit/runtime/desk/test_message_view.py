"""What the message screen shows: both sides of the trace, the timeline, and what is masked."""

import dataclasses

import pytest
from planted import PLANTED, planted_message
from stored_messages import ROOT, shipped_benches

from engine.pipeline.states import State
from engine.runtime.desk.attempts import compare_attempts
from engine.runtime.desk.audit import AuditSearch, read_trail
from engine.runtime.desk.benches import SharedBenches
from engine.runtime.desk.masking import SHIPPED
from engine.runtime.desk.message_view import view_message
from engine.runtime.desk.rights import NotAllowed, everything
from engine.runtime.desk.why_not import rule_text, why_not


def texts(value):
    """Every text in a value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield value.decode("latin-1")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from texts(key)
            yield from texts(item)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from texts(item)
    elif dataclasses.is_dataclass(value):
        for one in dataclasses.fields(value):
            yield from texts(getattr(value, one.name))


@pytest.fixture
def benches():
    return shipped_benches()


@pytest.fixture
def admission(messages):
    (message_id,) = messages.take([planted_message()])
    return message_id


@pytest.fixture
def view(desk, viewer, benches):
    def of(message_id, who=None, **given):
        return view_message(desk, who or viewer(), SHIPPED, benches, message_id, **given)

    return of


def unmasked(who):
    return dataclasses.replace(who, unmasked=True, reason="INC-1 call")


def test_a_masked_viewer_gets_none_of_fifty_planted_values(view, admission, messages):
    answer = b'422\nLocation: http://s/P?identifier=PLANT00\n\n{"resourceType":"OperationOutcome",'
    answer += b'"issue":[{"severity":"error","code":"value","diagnostics":"PLANT01 is wrong",'
    answer += b'"expression":["PLANT02"]}]}'
    messages.answer(admission, answer, State.ERROR, number=2)
    shown = view(admission)
    found = "\n".join(texts(shown))
    assert [one for one in PLANTED if one in found] == []
    assert shown.contents.made.resources
    everything_shown = "\n".join(texts(view(admission, unmasked(everything("a", "t")))))
    assert [one for one in PLANTED if one not in everything_shown] == []


def test_who_may_not_see_contents_sees_what_happened(view, admission, viewer):
    found = view(admission, viewer("viewer"))
    assert found.contents is None
    assert [event.title for event in found.events] == [
        "received",
        "processed: transformed",
        "attempt 1 at records: 200",
    ]


def test_every_place_has_its_name_datatype_and_meaning(view, admission):
    rows = {row.path: row for row in view(admission).contents.tree.rows}
    assert (rows["PID-8"].name, rows["PID-8"].table, rows["PID-8"].meaning) == (
        "Administrative Sex",
        "0001",
        "Female",
    )
    assert (rows["PID-3[2].1"].name, rows["PID-3[2].1"].value) == ("ID Number", "***")
    assert rows["PV1-2"].meaning == "Inpatient"
    assert rows["ZPI-1"].state == "unmapped"
    assert "PID-6" not in rows
    assert "PID-6" in {row.path for row in view(admission, empty=True).contents.tree.rows}


def test_both_sides_of_the_trace_name_the_same_places(view, admission):
    contents = view(admission).contents
    places = {"s" + "-".join(map(str, row.position)) for row in contents.tree.rows}
    lines = [line for one in contents.made.resources for line in one.lines if line.value]
    assert all(line.rule.startswith("transforms/") for line in lines)
    traced = [line for line in lines if line.sources]
    assert len(traced) > 40
    assert all(name in places for line in traced for name in line.sources)
    family = next(line for line in lines if line.path == "Patient.name[0].family")
    assert (family.origin, family.value) == ("PID-5.1", "***")
    raw = {
        "s" + "-".join(map(str, piece.position))
        for line in contents.raw.lines
        for piece in line
        if piece.position
    }
    assert all(name in raw for line in traced for name in line.sources)


def test_the_raw_text_is_the_message_to_the_letter(view, admission):
    contents = view(admission, unmasked(everything("a", "t"))).contents
    lines = ["".join(piece.text for piece in line) for line in contents.raw.lines]
    assert "".join(f"{line}\r" for line in lines) == planted_message()


def test_populated_places_in_no_element_are_counted_and_named(view, admission):
    contents = view(admission).contents
    lost = {one.path: one for one in contents.lost}
    assert lost["ZPI-1"].state == "unmapped"
    assert dict(contents.counts)["mapped"] > 20


@pytest.mark.parametrize(
    "place",
    ['"expression":["Patient.gender"]', '"location":["Bundle.entry[{n}].resource.gender"]'],
)
def test_an_error_of_the_server_is_pointed_back_to_the_field(view, admission, messages, place):
    body = messages.state.bodies(messages.deliveries[admission])[messages.deliveries[admission][0]]
    at = [part.partition(b'"')[0] for part in body.body.split(b'"resource":{"resourceType":"')[1:]]
    expression = place.replace("{n}", str(at.index(b"Patient")))
    answer = '400\n\n{"resourceType":"OperationOutcome","issue":[{"severity":"error",'
    answer += '"code":"code-invalid","diagnostics":"no",' + expression + "}]}"
    messages.answer(admission, answer.encode(), State.ERROR, number=2)
    (error,) = view(admission).contents.errors
    assert (error.code, error.path, error.origin) == ("code-invalid", "Patient.gender", "PID-8")
    assert error.rule.startswith("transforms/hl7v2/")
    assert error.sources == ("s2-8-1-1-1",)
    assert error.words == ""


def test_a_document_has_elements_and_for_the_unmasked_its_narrative(view, messages):
    (message_id,) = messages.take([(ROOT / "samples/cda/ccd-rich.xml").read_bytes()])
    contents = view(message_id).contents
    numbers = {row.number for row in contents.document}
    traced = [line for one in contents.made.resources for line in one.lines if line.sources]
    assert traced
    assert sum(name in numbers for line in traced for name in line.sources) > 100
    assert contents.sections == ()
    shown = view(message_id, unmasked(everything("a", "t"))).contents
    assert shown.sections[0].narrative.startswith("<div")
    assert " id=" not in "".join(one.narrative for one in shown.sections)


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe\x00", b"MSH|^~\\&|A|B", b"<x", b"MSH|^~\\&|" * 99])
def test_whatever_the_bytes_are_there_is_something_to_show(view, messages, raw):
    message_id = messages.receive(raw, "adt", runnable=True)
    messages.process()
    assert view(message_id).contents is not None
    assert view(message_id, unmasked(everything("a", "t"))).contents.raw is not None


def test_a_configuration_that_is_gone_is_said(view, messages):
    message_id = messages.receive(planted_message(), revision="000000000000")
    found = view(message_id)
    assert found.contents.made is not None
    assert "is not kept any more" in found.contents.notes[0]


def test_without_any_configuration_the_message_is_still_read(desk, viewer, admission):
    found = view_message(desk, viewer(), SHIPPED, SharedBenches(None), admission)
    assert found.contents.made is None
    assert found.contents.tree.rows


def test_looking_is_recorded_with_the_patient(view, desk, admission):
    view(admission)
    rows = read_trail(desk, everything("a", "t"), AuditSearch(act="view"), PLANTED[0])
    assert len(rows) == 1
    assert "PLANT" not in repr(rows)


def test_a_channel_beyond_the_scope_is_not_there(view, viewer, admission):
    assert view(admission, viewer(channels=frozenset({"oru"}))) is None
    assert view(999) is None


def test_why_not_names_the_rule_and_what_it_saw(desk, viewer, benches, admission):
    answer = why_not(desk, viewer(), SHIPPED, benches, admission, "Patient.deceasedBoolean")
    assert answer.written_by == ()
    assert any(one.rule.startswith("transforms/hl7v2/segments/PID") for one in answer.rules)
    assert all("PLANT" not in text for one in answer.rules for text in texts(one.saw))
    listed = why_not(desk, viewer(), SHIPPED, benches, admission, "")
    assert len(listed.rules) > 50
    written = why_not(desk, viewer(), SHIPPED, benches, admission, "Patient.gender")
    assert written.written_by
    with pytest.raises(ValueError, match="written as"):
        why_not(desk, viewer(), SHIPPED, benches, admission, "<script>")
    with pytest.raises(NotAllowed):
        why_not(desk, viewer("viewer"), SHIPPED, benches, admission, "Patient.gender")


def test_a_rule_is_shown_with_the_lines_around_it(benches, view, admission):
    rule = view(admission).contents.made.resources[0].lines[2].rule
    found = rule_text(benches, "", rule)
    assert found.line in dict(found.lines)
    for wrong in ("", "x:1", "transforms/../secrets:1", f"{found.file}:x", f"{found.file}:٣"):
        assert rule_text(benches, "", wrong) is None


def test_two_attempts_are_compared(desk, viewer, messages, admission):
    messages.answer(admission, b"503\nRetry-After: 7\n\n", State.ERROR, number=2)
    found = compare_attempts(desk, viewer(), SHIPPED, admission, "", "")
    assert [one.status for one in found.attempts] == ["200", "503"]
    assert "+503" in found.lines
    assert "+Retry-After: 7" in found.lines
    same = compare_attempts(desk, viewer(), SHIPPED, admission, found.second, found.second)
    assert same.lines == ()
    with pytest.raises(LookupError):
        compare_attempts(desk, viewer(), SHIPPED, admission, "1.1", "")
