"""Messages as JSON: what programs get, and that nothing they send is answered with a fault."""

import json
import re

import orjson
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stored_messages import StoredMessages, shipped_benches

ADMISSION = (
    "MSH|^~\\&|REG|NORTH|ENGINE|HUB|20260105083000-0600||ADT^A01^ADT_A01|MSG-{n}|P|2.5.1\r"
    "EVN|A01|20260105083000-0600\r"
    "PID|1||{mrn}^^^NORTH^MR||Okafor^Adaeze^N||19870412|F\r"
    "PV1|1|I|3W^12^1|E|||||||||||||||V{n}^^^NORTH^VN\r"
)


@pytest.fixture
def stored(site):
    site.console.benches = shipped_benches()
    messages = StoredMessages(site.url)
    messages.take([ADMISSION.format(n=n, mrn=4700 + n % 2) for n in range(12)])
    yield messages
    messages.close()


def post(client, body):
    token = client.get("/").text.partition('name="csrf" content="')[2].partition('"')[0]
    return client.post("/api/messages/search", content=body, headers={"X-CSRF-Token": token})


def test_a_program_searches_pages_and_opens(site, stored):
    client = site.signed_in("support")
    found = post(client, orjson.dumps({"query": "mrn:4701", "rows": 4})).json()
    assert [one["control_id"] for one in found["messages"]] == ["MSG-11", "MSG-9", "MSG-7", "MSG-5"]
    assert found["facets"]["channel"] == {"adt": 6}
    body = {"query": "mrn:4701", "rows": 4, "before": found["next_before"]}
    assert len(post(client, orjson.dumps(body)).json()["messages"]) == 2
    shown = client.get(f"/api/messages/{found['messages'][0]['message_id']}").json()
    assert shown["control_id"] == "MSG-11"
    assert shown["contents"]["made"]["resources"]
    assert not re.search(r"4701|Okafor|19870412", orjson.dumps(shown).decode())


def test_what_is_chosen_may_stand_in_the_address(site, stored):
    client = site.signed_in("viewer")
    assert len(client.get("/api/messages?channel=adt&status=SENT").json()["messages"]) == 12
    assert client.get("/api/messages?channel=oru").json()["messages"] == []
    assert client.get("/api/messages/1").json()["contents"] is None


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{", b'{"query": "stauts:x"}', b'{"rows": 0}', b'{"rows": 501}',
        b'{"rows": "5"}', b'{"before": "1"}', b'{"before": -1}', b'{"status": "NO"}',
        b'{"channel": "a\\"b"}', b'{"before": 99999999999999999999}',
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_as_json(site, stored, body):
    answer = post(site.signed_in("support"), body)
    assert answer.status_code == 422
    assert answer.json()["error"]


def test_rights_and_sessions_hold_here_too(site, stored):
    assert site.browser().get("/api/messages").status_code == 401
    assert post(site.signed_in("operator"), b'{"query": "mrn:4701"}').status_code == 403
    assert site.signed_in("support").get("/api/messages/999").status_code == 404
    scoped = site.signed_in("support", channels=("oru",))
    assert scoped.get("/api/messages/1").status_code == 404
    assert scoped.get("/api/messages?channel=adt").json()["messages"] == []


SCHEMA = {
    "openapi": "3.1.0",
    "info": {"title": "Messages", "version": "1"},
    "paths": {
        "/api/messages": {
            "get": {
                "parameters": [
                    {"name": name, "in": "query", "schema": {"type": "string"}}
                    for name in ("channel", "status", "type", "code", "since", "before", "s", "job")
                ],
                "responses": {"200": {"description": "a page"}},
            }
        },
        "/api/messages/search": {
            "post": {
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "properties": {
                                    "query": {"type": "string"},
                                    "before": {"type": ["integer", "string", "null"]},
                                    "rows": {"type": ["integer", "boolean"]},
                                    "status": {"type": ["string", "array", "integer"]},
                                    "until": {"type": "string"},
                                },
                            }
                        }
                    }
                },
                "responses": {"200": {"description": "a page"}},
            }
        },
    },
}
API = schemathesis.openapi.from_dict(SCHEMA)


def test_nothing_that_is_sent_is_answered_with_a_fault(site, stored):
    """Whatever a schema can make of parameters and bodies: never a 5xx."""
    client = site.signed_in("support")
    token = client.get("/").text.partition('name="csrf" content="')[2].partition('"')[0]
    cases = st.one_of([operation.ok().as_strategy() for operation in API.get_all_operations()])
    quiet = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]

    @given(case=cases)
    @settings(max_examples=60, deadline=None, suppress_health_check=quiet)
    def ask(case):
        body = case.body if isinstance(case.body, dict | list) else {}
        answer = client.request(
            case.method,
            case.path,
            params={name: str(value) for name, value in (case.query or {}).items()},
            content=json.dumps(body) if case.method == "POST" else None,
            headers={"X-CSRF-Token": token},
        )
        assert answer.status_code < 500, answer.text
        assert answer.headers["content-type"] == "application/json"

    ask()


def test_a_token_of_whatever_role_gets_no_value_of_a_patient(site, stored):
    program = site.browser()
    program.headers.update(site.token("administrator", "support"))
    for path in ("/api/messages", "/api/messages/1", "/api/problems", "/api/replays"):
        answer = program.get(path)
        assert answer.status_code == 200
        assert not re.search(r"470[01]|Okafor|19870412", answer.text), path
    found = program.post("/api/messages/search", json={"query": "mrn:4701"})
    assert len(found.json()["messages"]) == 6
    assert not re.search(r"Okafor|19870412", found.text)
