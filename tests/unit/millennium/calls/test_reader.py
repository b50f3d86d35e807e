"""Calls of a site beside those that ship: the same form, overlays, services of its own."""

from dataclasses import replace

import pytest
from composed import composer_of, known_calls, shipped_calls

from engine.channel.lint import check_configuration
from engine.channel.millennium import KnownCalls
from engine.diagnostics import Diagnostic
from engine.fhir.entries import Entry
from engine.millennium.calls.body import MessageFacts
from engine.millennium.calls.compose import compose
from engine.millennium.calls.model import Interaction, Presets
from engine.millennium.calls.reader import read_presets
from engine.millennium.calls.rendering import content_of, render_request
from engine.millennium.calls.templates import fill
from engine.millennium.capabilities import GRADES

TRANSFER = """
call: encounter.transfer
description: A transfer, by the hospital's own service.
api: custom
contract: tenant-specific
grade: documented
source: Transfer service of North Hospital, version 3
resource: Encounter
does: operation
path: "{mpages}/transfers"
body: json
content:
  fin: "{identifier.0.value}"
  patient: "{subject.id}"
  place: "ward {location.0.location.display}"
  bed: "{location.0.location.identifier.value}"
once: true
expect: {status: [200, 202]}
"""
CHANNEL = """
channel: adt
listener: {mllp: {port: 2575}}
route: {MSH-9.1: ADT, MSH-9.2: [A02]}
destinations:
  - millennium: {name: chart, tenant: main, calls: [encounter.transfer], accept_gaps: [A02]}
"""
VISIT = {
    "resourceType": "Encounter",
    "identifier": [{"system": "urn:oid:5", "value": "V1"}],
    "subject": {"reference": "Patient/12742399"},
    "location": [{"location": {"display": "3W"}}],
}


def with_transfer() -> Presets:
    presets, problems = read_presets(
        {"overlays/north/millennium/encounter.transfer.yaml": TRANSFER}, shipped_calls()
    )
    assert problems == []
    return presets


def problems_at(services: dict[str, str]) -> list[Diagnostic]:
    known = known_calls()
    assert known.environment is not None
    tenant = replace(known.environment.tenants["main"], services=services)
    environment = replace(known.environment, tenants={"main": tenant})
    presets = with_transfer()
    calls = KnownCalls(presets=lambda _overlays: presets, environment=environment)
    return check_configuration({"channels/adt.yaml": CHANNEL}, {}, known_calls=calls)[1]


def test_every_documented_interaction_has_its_call():
    plain = [call for call in shipped_calls().calls.values() if call.api == "ignite-fhir-r4"]
    kinds = [call.interaction for call in plain]
    assert kinds.count(Interaction.CREATE) == 19
    assert kinds.count(Interaction.UPDATE) == 7
    assert kinds.count(Interaction.PATCH) == 8
    assert kinds.count(Interaction.DELETE) == 1
    operations = [call.path for call in plain if call.interaction is Interaction.OPERATION]
    assert sorted(path.rpartition("$")[2] for path in operations) == ["create", "credit", "modify"]


def test_every_call_says_how_well_it_is_known_and_what_it_needs():
    for call in shipped_calls().calls.values():
        assert call.contract == "public"
        assert call.grade in GRADES
        for part in call.plain:
            assert part.scopes and part.scopes_v2, part.name
        if call.interaction in (Interaction.UPDATE, Interaction.PATCH, Interaction.DELETE):
            assert call.concurrency.if_match, call.name


def test_a_call_of_a_site_sends_json_of_its_own_form_to_a_service_of_its_own():
    call = with_transfer().calls["encounter.transfer"]
    content = content_of(call, VISIT, "key")
    assert content == {"fin": "V1", "patient": "12742399", "place": "ward 3W"}
    request = render_request(call, {"mpages": "https://mpages.example.org/api"}, {}, content)
    assert (request.method, request.url) == ("POST", "https://mpages.example.org/api/transfers")
    assert dict(request.headers)["Content-Type"] == "application/json"


def test_a_service_is_named_by_the_environment():
    assert problems_at({"mpages": "https://mpages.example.org"}) == []
    (problem,) = problems_at({})
    assert problem.code == "O818"
    assert "services: {mpages: ...}" in problem.message


def test_a_call_of_a_site_gets_the_resource_whole():
    composer = composer_of([])
    composer = replace(composer, calls=(with_transfer().calls["encounter.transfer"],))
    entries = [
        Entry(
            resource={**VISIT, "class": {"code": "IMP"}, "subject": {"reference": "Patient/p"}},
            resource_id="e",
        ),
        Entry(
            resource={
                "resourceType": "Patient",
                "identifier": [{"system": "urn:oid:4", "value": "4711"}],
            },
            resource_id="p",
        ),
    ]
    found = compose(entries, composer, MessageFacts(message_type="ADT^A02"))
    assert [call["call"] for call in found.calls] == ["patient.find", "encounter.transfer"]
    assert found.calls[1]["resource"]["class"] == {"code": "IMP"}


def test_an_overlay_takes_the_place_of_a_call_that_ships():
    text = """
call: patient.create
description: A person, with what this site must say.
api: ignite-fhir-r4
contract: public
grade: field report
source: North Hospital
resource: Patient
does: create
path: "{fhir_root}/Patient"
headers: {X-Origin: engine}
"""
    presets, problems = read_presets({"overlays/north/millennium/a.yaml": text}, shipped_calls())
    assert problems == []
    create = presets.calls["patient.register"].create
    assert create is not None
    assert dict(create.headers)["X-Origin"] == "engine"
    assert create.rules is shipped_calls().rules["Patient"]


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("{a}", 1),
        ("{a} of {b.0.c}", "1 of x"),
        ({"one": "{a}", "none": "{z}"}, {"one": 1}),
        (["{b.0.c}", "{b.1.c}"], ["x"]),
        ("{b.9}", None),
        ("fixed", "fixed"),
        ({"none": "{z}"}, None),
        ("{a.b.c}", None),
        ("{r.id}", "7"),
    ],
)
def test_a_template_is_filled_as_far_as_the_resource_goes(template: object, filled: object):
    resource = {"a": 1, "b": [{"c": "x"}], "r": {"reference": "Patient/7"}}
    assert fill(template, resource) == filled


def test_a_message_of_a_gap_says_what_is_lost():
    presets = shipped_calls()
    composer = replace(composer_of(["encounter.register"]), gaps=presets.capabilities.gaps)
    found = compose([], composer, MessageFacts(message_type="ADT^A03"))
    assert [one.code for one in found.diagnostics] == ["O826"]
    assert "the end of the visit" in found.diagnostics[0].message
