"""What failures of one cause have in common, and nothing of a patient."""

import orjson

from engine.pipeline.fingerprint import VERSION, of_attempt, of_diagnostics

WARNING = {"code": "T564", "severity": "warning", "message": "this is no number", "path": "PID-1"}
HELD = {
    "code": "T566",
    "severity": "error",
    "message": "the code has no row in table sex; the message is held",
    "path": "PID[1]-8[2]",
}


def outcome(*issues: tuple[str, str], text: str = "secret") -> bytes:
    found = [
        {"severity": "error", "code": code, "expression": [path], "diagnostics": text}
        for code, path in issues
    ]
    return orjson.dumps({"resourceType": "OperationOutcome", "issue": found})


def test_the_first_error_is_the_cause_wherever_in_the_message_it_stands() -> None:
    one = of_diagnostics([WARNING, HELD])
    other = of_diagnostics([{**HELD, "path": "PID[1]-8[7]"}])
    assert one is not None and other is not None
    assert one.key == other.key
    assert one.key.startswith(f"{VERSION}-")
    assert one.title == "T566 the code has no row in table sex; the message is held (PID-8)"


def test_another_table_path_or_rule_is_another_cause() -> None:
    keys = {
        found.key
        for found in (
            of_diagnostics([HELD]),
            of_diagnostics([{**HELD, "message": "the code has no row in table race"}]),
            of_diagnostics([{**HELD, "path": "PID[1]-10"}]),
            of_diagnostics([{**HELD, "file": "maps/a.yaml", "line": 3}]),
            of_diagnostics([WARNING]),
        )
        if found is not None
    }
    assert len(keys) == 5


def test_a_position_or_a_count_is_no_cause_of_its_own_but_a_name_is() -> None:
    def key(message: str) -> str:
        found = of_diagnostics([{"code": "H231", "severity": "error", "message": message}])
        assert found is not None
        return found.key

    one = "the bytes are not utf-8; the first fault is at byte 175"
    assert key(one) == key(one.replace("175", "1,175"))
    assert key(one) != key(one.replace("utf-8", "utf-16"))
    assert key("there is no PID-3.") != key("there is no PID-5.")
    assert key("version 2.3 is not known") != key("version 2.9 is not known")


def test_nothing_noticed_is_no_cause() -> None:
    assert of_diagnostics([]) is None


def test_an_answer_is_known_by_code_and_issues_and_never_by_its_text() -> None:
    one = of_attempt("ehr", "http-422", outcome(("invalid", "Patient.name[0].given"), text="Ada"))
    other = of_attempt("ehr", "http-422", outcome(("invalid", "Patient.name[3].given"), text="Bo"))
    assert one == other
    assert one.title == "http-422 from ehr: invalid Patient.name.given"
    assert "Ada" not in repr(one)


def test_other_servers_codes_and_issues_are_other_causes() -> None:
    body = outcome(("invalid", "Patient.name"))
    keys = {
        of_attempt("ehr", "http-422", body).key,
        of_attempt("lab", "http-422", body).key,
        of_attempt("ehr", "http-400", body).key,
        of_attempt("ehr", "http-422", outcome(("required", "Patient.name"))).key,
        of_attempt("ehr", "http-422", b"<html>").key,
    }
    assert len(keys) == 5


def test_an_answer_is_read_as_destinations_store_it() -> None:
    body = outcome(("invalid", "Patient.birthDate"))
    bare = of_attempt("ehr", "http-422", body)
    stored = b"422\nContent-Type: application/fhir+json\n\n" + body
    transcript = b"422\n\n1: 201\nEtag: 3\n{}\n\n2: 422\n" + body + b"\n\n# it went no further"
    assert of_attempt("ehr", "http-422", stored) == bare
    assert of_attempt("ehr", "http-422", transcript) == bare
