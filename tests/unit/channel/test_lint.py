"""Reading channel files: models made, defaults kept, every problem located."""

import pytest

from engine.channel.connection import SecretReference
from engine.channel.lint import check_configuration, read_channel, revision_of
from engine.channel.model import (
    Acknowledge,
    ChannelConfig,
    DirectoryListenerConfig,
    FhirDestinationConfig,
    FileDestinationConfig,
    HttpListenerConfig,
    MllpDestinationConfig,
    MllpListenerConfig,
    RetryPolicy,
)
from engine.diagnostics import Diagnostic

SMALL = """\
channel: adt
listener: {mllp: {port: 2575}}
destinations:
  - fhir: {name: records, url: "http://127.0.0.1:8090/fhir"}
"""


def read(text: str, **environment: str) -> tuple[ChannelConfig | None, list[Diagnostic]]:
    return read_channel(text, "channels/adt.yaml", environment)


def made(text: str, **environment: str) -> ChannelConfig:
    config, problems = read(text, **environment)
    assert problems == []
    assert config is not None
    return config


def codes_at(text: str) -> list[tuple[str, int | None, int | None]]:
    _, problems = read(text)
    return [(found.code, found.place.line, found.place.column) for found in problems]


def test_a_short_channel_takes_every_default_from_the_model():
    config = made(SMALL)
    destination = FhirDestinationConfig(name="records", url="http://127.0.0.1:8090/fhir")
    assert config == ChannelConfig(
        name="adt",
        file="channels/adt.yaml",
        listener=MllpListenerConfig(port=2575),
        destinations=(destination,),
    )


def test_every_option_of_a_channel_reaches_the_model():
    config = made(
        """\
channel: full
description: everything
enabled: false
listener:
  mllp:
    port: 2575
    address: 0.0.0.0
    tls: {certificate: a.pem, key: b.pem, ca: c.pem}
    allow: [10.0.0.0/8, "::1"]
    connections_max: 10
    frame_bytes_max: 1_000_000
    frame_timeout_seconds: 2.5
    idle_timeout_seconds: 60
    final_cr_required: false
    junk_between_frames: true
route: {MSH-9.1: ADT, MSH-4.1: [NORTH, SOUTH]}
decoding: {charset: 8859/1, default_charset: cp1252, repair_cp1252: true, line_ends: strict}
duplicates: {window_days: 1, ids_max: 10, different: hold}
acknowledge: delivered
acknowledge_timeout_seconds: 5
filter: PID-3 valued
transform:
  map: ADT_A01
  overlays: [overlays/north]
  time_zone: America/Chicago
  source_system: urn:oid:2.16.840.1.113883.3.9999.1
  authorities: {NORTH: urn:oid:1.2.3}
  parameters: {site: north}
  validate: strict
lane: PID-3[type=MR].1
search_keys: {account: PID-18.1}
destinations:
  - fhir:
      name: records
      url: https://fhir.example.org/r4
      interaction: single
      identity: conditional
      capabilities: [conditional-update]
      headers: {X-Tenant: north, X-Api-Key: "${secret:env:API_KEY}"}
      bearer: ${secret:file:/run/secrets/token}
      tls: {ca: ca.pem, server_name: fhir}
      timeout_seconds: 5
      concurrency_max: 2
      rate_per_second: 1.5
      response_bytes_max: 1000
      retry: {initial_seconds: 2, maximum_seconds: 20, age_max_hours: 2, on_error: block}
  - mllp: {name: lab, host: lab.example.org, port: 2576}
  - file: {name: copy, path: out, pattern: "{message_id}.hl7", content: message}
"""
    )
    assert config.enabled is False
    listener = config.listener
    assert isinstance(listener, MllpListenerConfig)
    assert (listener.address, listener.allow) == ("0.0.0.0", ("10.0.0.0/8", "::1"))
    assert (listener.frame_bytes_max, listener.frame_timeout_seconds) == (1_000_000, 2.5)
    assert (listener.final_cr_required, listener.junk_between_frames) == (False, True)
    assert config.route.fields == (("MSH-9.1", ("ADT",)), ("MSH-4.1", ("NORTH", "SOUTH")))
    assert config.decoding.charset == "8859/1"
    assert config.duplicates.different == "hold"
    assert config.acknowledge is Acknowledge.DELIVERED
    assert config.transform.authorities == (("NORTH", "urn:oid:1.2.3"),)
    assert config.transform.parameters == (("site", "north"),)
    assert config.lane == ("PID-3[type=MR].1",)
    assert config.search_keys == (("account", "PID-18.1"),)
    fhir, mllp, file = config.destinations
    assert isinstance(fhir, FhirDestinationConfig)
    assert fhir.capabilities == frozenset({"conditional-update"})
    assert fhir.headers == (("X-Tenant", "north"), ("X-Api-Key", SecretReference("env", "API_KEY")))
    assert fhir.bearer == SecretReference("file", "/run/secrets/token")
    assert fhir.retry == RetryPolicy(
        initial_seconds=2, maximum_seconds=20, age_max_seconds=7200, on_error="block"
    )
    assert mllp == MllpDestinationConfig(name="lab", host="lab.example.org", port=2576)
    assert isinstance(file, FileDestinationConfig)
    assert file.content == "message"


@pytest.mark.parametrize(
    ("listener", "expected"),
    [
        ("http: {port: 8081, path: /hl7}", HttpListenerConfig(port=8081, path="/hl7")),
        ("directory: {path: in, done: taken}", DirectoryListenerConfig(path="in", done="taken")),
    ],
)
def test_each_kind_of_listener_is_told_by_its_key(listener: str, expected: object):
    assert made(SMALL.replace("mllp: {port: 2575}", listener)).listener == expected


def test_environment_values_are_put_in_place_and_then_checked():
    text = SMALL.replace("2575", '"${env:PORT:2580}"').replace(
        "http://127.0.0.1:8090", "${env:FHIR}"
    )
    config = made(text, FHIR="http://fhir")
    assert isinstance(config.listener, MllpListenerConfig)
    assert config.listener.port == 2580
    destination = config.destinations[0]
    assert isinstance(destination, FhirDestinationConfig)
    assert destination.url == "http://fhir/fhir"
    _, problems = read(text, FHIR="http://fhir", PORT="many")
    assert [found.code for found in problems] == ["C413"]


def test_all_problems_of_a_file_are_reported_at_once_in_file_order():
    text = """\
channel: Adt In
listener: {mllp: {port: 70000}}
acknowledge: storred
lane: [PID-3.1, PV1-19.77]
destinations:
  - fhir: {name: records, url: "ftp://x", bearer: abc}
"""
    assert codes_at(text) == [
        ("C416", 1, 10),
        ("C414", 2, 25),
        ("C415", 3, 14),
        ("T522", 4, 17),
        ("C416", 6, 32),
        ("C423", 6, 51),
    ]


def test_a_misspelt_required_option_is_one_problem_not_two():
    _, problems = read(SMALL.replace("listener:", "listner:"))
    assert [found.code for found in problems] == ["C410"]
    assert problems[0].hint == 'did you mean "listener"?'


def test_an_option_indented_too_little_is_told_where_it_belongs():
    _, problems = read(
        """\
channel: adt
listener:
  mllp:
  port: 2575
destinations:
  - fhir:
      name: records
      url: http://x
      retry:
      age_max_hours: 72
"""
    )
    assert [found.hint for found in problems] == [
        "this option belongs under `mllp:` (line 3); indent it by 2",
        "this option belongs under `retry:` (line 9); indent it by 2",
    ]


def test_an_option_indented_too_far_is_told_where_it_belongs():
    _, problems = read(SMALL.replace("fhir: {", "fhir: {acknowledge: stored, "))
    assert problems[0].hint == "this is an option of the channel; move it left to column 1"


def test_a_broken_file_gives_no_channel():
    config, problems = read("channel: [")
    assert config is None
    assert problems[0].code == "C401"
    config, problems = read("")
    assert config is None
    assert [found.code for found in problems] == ["C411"]


def test_secrets_are_never_part_of_a_diagnostic():
    _, problems = read(SMALL.replace("url:", "bearer: hunter2, headers: {Cookie: pass1}, url:"))
    assert [found.code for found in problems] == ["C423", "C423"]
    shown = " ".join(f"{found.message} {found.hint}" for found in problems)
    assert "hunter2" not in shown
    assert "pass1" not in shown


def test_a_password_in_a_url_is_refused():
    _, problems = read(SMALL.replace("http://127", "http://user:pw@127"))
    assert [found.code for found in problems] == ["C423"]


def test_each_test_of_a_channel_knows_its_line():
    config = made(SMALL + "tests:\n  - name: one\n    file: a.hl7\n    expect: {state: SENT}\n")
    assert [(test.name, test.line) for test in config.tests] == [("one", 6)]


def test_the_revision_depends_on_names_and_texts_alone():
    files = {"a": "1", "b": "2"}
    assert revision_of(files) == revision_of(dict(reversed(files.items())))
    assert (
        len({revision_of(files), revision_of({"a": "12"}), revision_of({"a": "2", "b": "1"})}) == 3
    )
    configuration, _ = check_configuration({"channels/adt.yaml": SMALL}, {})
    assert configuration is not None
    assert configuration.revision == revision_of({"channels/adt.yaml": SMALL})
    assert configuration.channel("adt") is not None
