"""Two segments with one key: what adds detail is joined, what contradicts is reported."""

from engine.mapping.run import MapContext, Run

KEY = ("lab", "F1", "718-7")


def report(**more: object) -> dict[str, object]:
    return {"resourceType": "DiagnosticReport", "status": "final", **more}


def test_second_segment_that_only_adds_is_joined_without_a_word() -> None:
    run = Run(MapContext(), ())
    run.add(report(), "DiagnosticReport", KEY)
    made = run.add(report(issued="2024-03-12T07:40:00Z"), "DiagnosticReport", KEY)
    assert made.resource == report(issued="2024-03-12T07:40:00Z")
    assert run.diagnostics == []


def test_second_segment_that_contradicts_is_reported_by_type_alone() -> None:
    run = Run(MapContext(), ())
    run.add(report(conclusion="one"), "DiagnosticReport", KEY)
    made = run.add(report(conclusion="two"), "DiagnosticReport", KEY)
    assert made.resource["conclusion"] == "one"
    [found] = run.diagnostics
    assert found.code == "T574"
    assert "two" not in found.message.replace("two segments", "")


def test_person_described_otherwise_by_reference_is_reported_once_an_element() -> None:
    run = Run(MapContext(), ())
    for name in ("one", "two", "three"):
        run.refer({"resourceType": "Organization", "name": name}, "Organization", ("a", "1"))
    assert [(one.code, one.place.path) for one in run.diagnostics] == [
        ("T574", "Organization.name")
    ]


def test_default_of_a_required_element_contradicts_nothing() -> None:
    run = Run(MapContext(), ())
    run.add(report(), "DiagnosticReport", KEY)
    run.add(report(status="unknown"), "DiagnosticReport", KEY)
    assert run.diagnostics == []
