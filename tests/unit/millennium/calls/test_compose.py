"""A message's resources as Millennium calls: through the pure step, as a channel would."""

from decimal import Decimal
from typing import Any

import pytest
from composed import code_values, composer_of, known_calls
from shipped import shipped_program

from engine.channel.environment import TenantConfig
from engine.channel.lint import check_configuration
from engine.codevalues.resolve import CodeValues
from engine.codevalues.snapshot import CodeValue
from engine.diagnostics import has_errors
from engine.fhir.entries import Entry
from engine.millennium.calls.body import CONTENT_TYPE, MessageFacts, decode_calls, encode_calls
from engine.millennium.calls.compose import compose
from engine.pipeline.plan import plan
from engine.pipeline.process import process
from engine.pipeline.result import ProcessResult
from engine.pipeline.states import State

CHANNEL = """
channel: chart
listener: {mllp: {port: 2575}}
route: {MSH-9.1: [ADT, ORU], MSH-9.2: [A01, A31, A40, R01]}
transform:
  time_zone: America/Chicago
  source_system: urn:oid:1.2.3
  authorities: {NORTH: "urn:oid:1.2.3.4", FIN: "urn:oid:1.2.3.5"}
destinations:
  - millennium:
      name: chart
      tenant: main
      contributor_source: LAB_A
      accept_gaps: [A40]
      calls: [patient.register, encounter.register, observation.record]
"""
ADMISSION = (
    r"MSH|^~\&|REG|NORTH|ENGINE|HUB|20260105083000-0600||ADT^A01^ADT_A01|T1|P|2.5.1" + "\r"
    "EVN|A01|20260105083000-0600\r"
    "PID|1||4711^^^NORTH^MR||Okafor^Adaeze^N^^^^L||19870412|F\r"
    "PV1|1|I|3W^12^1|E|||||||||||||||V9001^^^FIN^VN|||||||||||||||||||||||||20260105080000-0600\r"
)
RESULT = (
    r"MSH|^~\&|LAB|NORTH|ENGINE|HUB|20260105091500-0600||ORU^R01^ORU_R01|T2|P|2.5.1" + "\r"
    "PID|1||4711^^^NORTH^MR||Okafor^Adaeze^N^^^^L\r"
    "OBR|1|O-1|F-1|CMP^Metabolic panel^L|||20260105080000-0600\r"
    "OBX|1|NM|GLU^Glucose^L||98|mg/dL^^UCUM|70-105|N|||F|||20260105080000-0600\r"
)
GLUCOSE = CodeValue(code_set=72, value="2700102", display="Glucose Level", cki="CKI.EC!4002")
EMERGENCY = CodeValue(code_set=71, value="309310", display="Emergency", cdf_meaning="EMERGENCY")


def mapped() -> CodeValues:
    return code_values(
        GLUCOSE,
        EMERGENCY,
        aliases={72: "GLU,,,cki:CKI.EC!4002,,\n", 71: "E,,,meaning:EMERGENCY,,\n"},
    )


def processed(
    message: str, *, values: CodeValues | None = None, channel: str = CHANNEL
) -> ProcessResult:
    configuration, problems = check_configuration(
        {"channels/chart.yaml": channel}, {}, known_calls=known_calls()
    )
    assert not has_errors(problems)
    assert configuration is not None

    def of_tenant(tenant: TenantConfig) -> CodeValues:
        return values or CodeValues(tenant=tenant.tenant)

    prepared = plan(configuration.channels[0], shipped_program(), code_values=of_tenant)
    return process(message.encode(), prepared, received_at=0.0)


def calls_of(result: ProcessResult) -> list[dict[str, Any]]:
    (output,) = result.outputs
    assert output.content_type == CONTENT_TYPE
    return decode_calls(output.body)[1]


def test_an_admission_registers_the_patient_and_then_the_visit():
    patient, encounter = calls_of(processed(ADMISSION, values=mapped()))
    assert (patient["call"], encounter["call"]) == ("patient.register", "encounter.register")
    assert patient["identifiers"] == [{"system": "urn:oid:1.2.3.4", "value": "4711", "type": "MR"}]
    assert patient["verify"] == {
        "birthDate": "1987-04-12",
        "family": "OKAFOR",
        "gender": "female",
    }
    assert patient["resource"]["identifier"][0] == {
        "assigner": {"reference": "Organization/675844"}
    }
    assert encounter["resource"]["subject"] == {"reference": f"urn:engine:{patient['name']}"}
    assert encounter["resource"]["serviceProvider"] == {"reference": "Organization/675844"}
    assert [one["code"] for one in encounter["resource"]["type"][0]["coding"]] == ["309310"]
    assert "class" not in encounter["resource"]


def test_a_result_is_recorded_once_under_the_tenants_own_code_alone():
    *_, result = calls_of(processed(RESULT, values=mapped()))
    assert result["call"] == "observation.record"
    (coding,) = result["resource"]["code"]["coding"]
    assert coding["code"] == "2700102"
    assert coding["system"].endswith("/codeSet/72")
    assert result["resolved"][0]["evidence"].startswith("codevalues/aliases/LAB_A/72.csv:2")
    assert len(result["once"]) == 32
    assert result["probe"].startswith("Observation?patient={subject}")
    assert "id" not in result["resource"]


def test_the_same_message_composes_the_same_bytes():
    first, second = (processed(RESULT, values=mapped()).outputs[0].body for _ in range(2))
    assert first == second


def test_a_code_without_a_value_holds_the_message_and_says_how_to_map_it():
    result = processed(RESULT)
    assert result.state is State.HELD
    assert result.outputs == ()
    held = next(one for one in result.diagnostics if one.code == "V840")
    assert held.place.path == "Observation.code"
    assert "engine tables add LAB_A/72" in (held.hint or "")


def test_a_code_of_what_is_not_sent_anyway_holds_nothing():
    result = processed(RESULT.replace("|||F|||2026", "|||P|||2026"), values=None)
    assert result.state is not State.HELD
    assert "V840" not in {one.code for one in result.diagnostics}


@pytest.mark.parametrize(
    ("policy", "state", "code"),
    [
        ("reject", State.ERROR, None),
        ("text", State.TRANSFORMED, {"text": "Glucose"}),
        ("pass", State.TRANSFORMED, {"text": "Glucose"}),
        (
            "fixed 99",
            State.TRANSFORMED,
            {
                "coding": [
                    {
                        "system": "https://fhir.cerner.com/"
                        "ec2458f2-1e24-41c8-b71b-0e701af7583d/codeSet/72",
                        "code": "99",
                        "userSelected": True,
                    }
                ],
                "text": "Glucose",
            },
        ),
    ],
)
def test_the_destination_decides_what_becomes_of_such_a_code(
    policy: str, state: State, code: dict[str, Any] | None
):
    result = processed(
        RESULT, channel=CHANNEL + f"      unmapped: {{Observation.code: {policy}}}\n"
    )
    assert result.state is state
    if code is not None:
        call = calls_of(result)[-1]
        assert call["resource"]["code"] == code
        assert call["unmapped"][0]["code"] == "GLU"


def test_what_others_refer_to_is_found_and_written_by_no_call():
    channel = CHANNEL.replace("patient.register, encounter.register, ", "")
    finder, result = calls_of(processed(RESULT, values=mapped(), channel=channel))
    assert finder["call"] == "patient.find"
    assert "resource" not in finder
    assert result["resource"]["subject"] == {"reference": f"urn:engine:{finder['name']}"}


def test_a_merge_is_told_to_the_ledger_before_anything_else():
    merge = ADMISSION.replace("ADT^A01^ADT_A01", "ADT^A40^ADT_A39").replace(
        "PV1|", "MRG|4712^^^NORTH^MR\rPV1|"
    )
    first, *others = calls_of(processed(merge, values=mapped()))
    assert first["call"] == "identity.merge"
    assert [one["value"] for one in first["survivor"]] == ["4711"]
    assert [one["value"] for one in first["retired"]] == ["4712"]
    assert [one["call"] for one in others][:1] == ["patient.register"]


def test_nothing_is_registered_that_could_not_be_found_again():
    result = processed(ADMISSION.replace("^^^FIN^VN", ""), values=mapped())
    assert [call["call"] for call in calls_of(result)] == ["patient.register"]
    assert "O822" in {one.code for one in result.diagnostics}


def test_a_message_of_which_nothing_can_be_sent_is_an_error():
    without_visit = ADMISSION.partition("PV1|")[0].replace("ADT^A01^ADT_A01", "ADT^A31^ADT_A05")
    result = processed(without_visit.replace("Okafor^Adaeze^N^^^^L", "Okafor"), values=mapped())
    assert result.state is State.ERROR
    assert "O822" in {one.code for one in result.diagnostics}


def test_a_patient_that_cannot_be_created_is_still_looked_for():
    result = processed(ADMISSION.replace("Okafor^Adaeze^N^^^^L", "Okafor"), values=mapped())
    assert [one["call"] for one in calls_of(result)] == ["patient.find", "encounter.register"]


def test_numbers_keep_their_digits_through_the_body():
    facts = MessageFacts(control_id="1", event_at="2026-01-05T14:30:00Z", message_type="ORU^R01")
    body = encode_calls(facts, [{"resource": {"valueQuantity": {"value": Decimal("1.50")}}}])
    again, calls = decode_calls(body)
    assert again == facts
    assert encode_calls(again, calls) == body
    assert b"1.50" in body


def test_a_body_of_another_version_is_refused():
    with pytest.raises(ValueError, match="this version"):
        decode_calls(b'{"version": 2, "calls": []}')


def test_a_practitioner_role_stands_for_its_practitioner():
    role = Entry(
        resource={
            "resourceType": "PractitionerRole",
            "practitioner": {"reference": "Practitioner/p"},
        },
        resource_id="r",
    )
    practitioner = Entry(
        resource={
            "resourceType": "Practitioner",
            "identifier": [{"system": "urn:oid:9", "value": "7"}],
        },
        resource_id="p",
    )
    result = Entry(
        resource={
            "resourceType": "Observation",
            "status": "final",
            "code": {"text": "Glucose"},
            "subject": {"reference": "Patient/1"},
            "effectiveDateTime": "2026-01-05T08:00:00-06:00",
            "valueString": "high",
            "performer": [{"reference": "PractitionerRole/r"}],
        },
        resource_id="o",
    )
    composer = composer_of(["observation.record"], policies={"Observation.code": "text"})
    found = compose([role, practitioner, result], composer, MessageFacts())
    assert [call["name"] for call in found.calls] == ["Practitioner/p", "Observation/o"]
    performer = found.calls[1]["resource"]["performer"]
    assert performer == [{"reference": "urn:engine:Practitioner/p"}]
