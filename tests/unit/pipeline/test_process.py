"""The pure step, with a converter of the test's own: every state it ends in, and what it tells."""

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.channel.model import (
    ChannelConfig,
    DestinationConfig,
    FhirDestinationConfig,
    FileDestinationConfig,
    MllpDestinationConfig,
    MllpListenerConfig,
    TransformConfig,
)
from engine.fhir.entries import Entry
from engine.hl7v2.groups import Grouped
from engine.mapping.run import MapContext, MapResult
from engine.pipeline.plan import ChannelPlan, plan
from engine.pipeline.process import process
from engine.pipeline.result import FHIR_JSON, HL7_V2, ProcessResult
from engine.pipeline.states import State

PATIENT = {"resourceType": "Patient", "birthDate": "1987-04-12"}
MESSAGE = (
    b"MSH|^~\\&|REG|N|E|H|20260105083000-0600||ADT^A01^ADT_A01|T1|P|2.5.1\r"
    b"EVN|A01|20260105082500-0600\r"
    b"PID|1||4711^^^N^MR~99^^^S^SS||Okafor^Adaeze||19870412|F||||||||||A1\r"
    b"PV1|1|I|||||||||||||||||V9\r"
)


class Converter:
    """Gives what it is told, or raises it."""

    def __init__(self, made: MapResult | Exception) -> None:
        self.made = made
        self.places: dict[str, str] = {}

    def convert(self, grouped: Grouped, context: MapContext, map_name: str = "auto") -> MapResult:
        if isinstance(self.made, Exception):
            raise self.made
        return self.made


def made(*resources: dict[str, Any], held: bool = False) -> MapResult:
    entries = [
        Entry(resource=resource, resource_id=f"00000000-0000-5000-8000-00000000000{number}")
        for number, resource in enumerate(resources)
    ]
    return MapResult(entries=entries, diagnostics=[], held=held)


EHR = FhirDestinationConfig(name="ehr", url="http://h/fhir")


def prepared(
    result: MapResult | Exception | None = None,
    destinations: tuple[DestinationConfig, ...] = (EHR,),
    **changes: Any,
) -> ChannelPlan:
    config = ChannelConfig(
        name="adt",
        file="adt.yaml",
        listener=MllpListenerConfig(port=1),
        destinations=destinations,
        **changes,
    )
    return plan(config, Converter(made(PATIENT) if result is None else result))


def run(raw: bytes = MESSAGE, **changes: Any) -> ProcessResult:
    return process(raw, prepared(**changes), received_at=1000.0)


def codes(result: ProcessResult) -> list[str]:
    return [found.code for found in result.diagnostics]


def test_message_becomes_a_transaction_for_a_fhir_destination() -> None:
    result = run()
    (output,) = result.outputs
    bundle = orjson.loads(output.body)
    assert result.state is State.TRANSFORMED
    assert (output.destination, output.content_type) == ("ehr", FHIR_JSON)
    assert bundle["type"] == "transaction"
    assert bundle["entry"][0]["resource"]["birthDate"] == "1987-04-12"
    assert bundle["timestamp"] == "2026-01-05T08:30:00-06:00"


def test_each_destination_gets_its_own_form_in_the_order_of_the_channel() -> None:
    destinations = (
        MllpDestinationConfig(name="lab", host="h", port=1),
        replace(EHR, name="batch", interaction="batch"),
        FileDestinationConfig(name="raw", path="/x", content="message"),
        EHR,
        FileDestinationConfig(name="json", path="/x"),
    )
    result = run(destinations=destinations)
    assert [output.destination for output in result.outputs] == [
        "lab",
        "batch",
        "raw",
        "ehr",
        "json",
    ]
    by_name = {output.destination: output for output in result.outputs}
    assert by_name["lab"].body == by_name["raw"].body == MESSAGE
    assert by_name["lab"].content_type == HL7_V2
    assert orjson.loads(by_name["batch"].body)["type"] == "batch"
    assert by_name["json"].body is by_name["ehr"].body


def test_map_none_passes_the_message_on_as_received() -> None:
    result = run(
        result=ValueError("must not be asked"),
        transform=TransformConfig(map="none"),
        destinations=(MllpDestinationConfig(name="lab", host="h", port=1),),
    )
    assert result.state is State.TRANSFORMED
    assert result.outputs[0].body == MESSAGE


def test_filter_that_says_no_ends_the_run() -> None:
    result = run(filter='PV1-2 = "O"')
    assert (result.state, result.outputs) == (State.FILTERED, ())


def test_filter_that_says_yes_lets_it_pass() -> None:
    assert run(filter='PV1-2 = "I"').state is State.TRANSFORMED


def test_code_that_asks_for_a_person_holds_the_run() -> None:
    result = run(result=made(PATIENT, held=True))
    assert (result.state, result.outputs) == (State.HELD, ())


def test_explicit_nulls_are_named_once_a_message_and_not_without_end() -> None:
    nulls = tuple(f"PID-{number}" for number in range(1, 31))
    result = process(MESSAGE, prepared(replace(made(PATIENT), nulls=nulls)), received_at=0.0)
    (found,) = [problem for problem in result.diagnostics if problem.code == "S728"]
    assert found.message.endswith("PID-9, PID-10 and 20 more")
    assert found.place.path == "PID-1"
    assert result.state is State.TRANSFORMED


def test_map_that_makes_nothing_is_an_error_that_says_so() -> None:
    result = run(result=made())
    assert (result.state, codes(result)) == (State.ERROR, ["S721"])


def test_unreadable_message_is_an_error_with_its_diagnostic() -> None:
    result = run(raw=b"garbage")
    assert result.state is State.ERROR
    assert codes(result)
    assert result.message is None
    assert result.event_at == 1000.0


def test_fault_of_ours_is_an_error_that_names_step_and_kind_and_no_value() -> None:
    result = run(result=KeyError("Okafor"))
    assert (result.state, codes(result)) == (State.ERROR, ["S720"])
    assert "map" in result.diagnostics[0].message
    assert "KeyError" in result.diagnostics[0].message
    assert "Okafor" not in result.diagnostics[0].message


def test_search_keys_and_event_time_are_known_even_when_mapping_fails() -> None:
    result = run(result=KeyError("x"), search_keys=(("doctor", "PV1-2"),))
    assert result.search_keys == (
        ("mrn", "4711"),
        ("mrn", "99"),
        ("account", "A1"),
        ("visit", "V9"),
        ("doctor", "I"),
    )
    assert result.event_at == 1767623100.0


def test_event_time_without_an_offset_is_the_channels_zone() -> None:
    raw = MESSAGE.replace(b"-0600", b"")
    zoned = run(raw=raw, transform=TransformConfig(time_zone="America/Chicago"))
    assert zoned.event_at == 1767623100.0
    assert run(raw=raw).event_at == 1767623100.0 - 6 * 3600


def test_invalid_element_is_left_out_with_a_warning() -> None:
    result = run(result=made({**PATIENT, "gender": "X"}))
    assert result.state is State.TRANSFORMED
    assert codes(result) == ["S725"]
    assert "gender" not in result.entries[0].resource


def test_validation_can_be_turned_off() -> None:
    result = run(
        result=made({**PATIENT, "gender": "X"}), transform=TransformConfig(validate="none")
    )
    assert result.entries[0].resource["gender"] == "X"


def test_second_validator_that_refuses_makes_an_error() -> None:
    config = prepared(transform=TransformConfig(validate="strict")).config
    strict = plan(config, Converter(made(PATIENT)), strict=lambda _: [("Patient.x", "extra")])
    result = process(MESSAGE, strict, received_at=0.0)
    assert (result.state, codes(result)) == (State.ERROR, ["S727"])


def test_same_bytes_give_the_same_bytes() -> None:
    assert run().outputs == run().outputs


@given(st.binary(max_size=300))
def test_no_bytes_make_it_raise(raw: bytes) -> None:
    assert run(raw=raw).state in (State.ERROR, State.TRANSFORMED)


@given(st.binary(max_size=60), st.integers(0, len(MESSAGE)))
def test_no_damage_to_a_message_makes_it_raise(junk: bytes, at: int) -> None:
    result = run(raw=MESSAGE[:at] + junk + MESSAGE[at:])
    assert result.state in (State.ERROR, State.TRANSFORMED)
    assert not any(found.code == "S720" for found in result.diagnostics)


@pytest.mark.parametrize("path", ["PV1-19.1", "PID-3[type=MR].1"])
def test_channel_keys_are_read_by_path(path: str) -> None:
    assert ("own", {"PV1-19.1": "V9"}.get(path, "4711")) in run(
        search_keys=(("own", path),)
    ).search_keys
