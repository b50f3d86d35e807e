"""The JSON routes: described completely, answering as described, whatever they are asked."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from code_project import SECRETISH, Project, code_project
from consoles import Site, token_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from schemathesis import checks
from schemathesis.generation.modes import GenerationMode
from schemathesis.specs.openapi import checks as openapi
from starlette.routing import Route
from stored import deliver
from stored_messages import shipped_benches

from engine.pipeline.states import State
from engine.web.application import application
from engine.web.openapi import description

CHECKS = [
    checks.not_a_server_error,
    openapi.status_code_conformance,
    openapi.content_type_conformance,
    openapi.response_schema_conformance,
    openapi.unsupported_method,
]


@pytest.fixture
def project(site: Site, tmp_path: Path) -> Iterator[Project]:
    site.console.benches = shipped_benches()
    deliver(site.url, "m1", "m2", state=State.ERROR)
    with site.desk.log() as log:
        log.draft_replay([1, 2], by="tests", now=site.clock.now)
        log.watch.begin_alert("silence", "adt", "quiet", site.clock.now)
    with code_project(site, tmp_path) as found:
        yield found


def api_routes(site: Site) -> list[Route]:
    found = application(site.console).routes
    return [one for one in found if isinstance(one, Route) and one.path.startswith("/api/")]


def test_every_json_route_is_in_the_description_and_nothing_else(site: Site) -> None:
    routes = api_routes(site)
    told = description(application(site.console).routes)
    paths = {path: set(one) for path, one in told["paths"].items()}
    there: dict[str, set[str]] = {}
    for route in routes:
        path = route.path.replace(":int", "")
        there.setdefault(path, set()).update(
            method.lower() for method in (route.methods or set()) - {"HEAD"}
        )
    assert paths == there
    names = [one["operationId"] for methods in told["paths"].values() for one in methods.values()]
    assert len(names) == len(set(names)) == len(routes)
    for methods in told["paths"].values():
        for operation in methods.values():
            assert operation["summary"].endswith(".")


def test_the_description_is_a_valid_document_and_needs_a_session(site: Site) -> None:
    assert site.browser().get("/api/openapi.json").status_code == 401
    answer = site.signed_in("viewer").get("/api/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    told = answer.json()
    assert told["openapi"] == "3.1.0"
    for schema in told["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    assert schemathesis.openapi.from_dict(told).validate() is None


def test_what_a_screen_shows_is_there_as_json_masked_alike(project: Project) -> None:
    client = project.site.signed_in("support")
    codes = client.get("/api/codes")
    assert sorted((one["code"], one["hidden"]) for one in codes.json()["codes"]) == [
        ("***", True), ("U", False),
    ]  # fmt: skip
    assert SECRETISH not in codes.text
    board = client.get("/api/board").json()
    assert board["totals"]["errors"] == 2
    (alert,) = client.get("/api/alerts").json()["lasting"]
    assert (alert["channel"], alert["row"]["kind"]) == ("adt", "silence")
    (problem, *_) = client.get("/api/problems").json()["open"]
    assert client.get(f"/api/problems/{problem['problem_id']}").json()["channels"] == ["adt"]
    (job,) = client.get("/api/replays").json()["replays"]
    assert (job["state"], job["total"]) == ("draft", 2)
    assert "message_ids" not in client.get("/api/replays/1").json()
    other = project.site.signed_in("support", channels=("lab",))
    assert other.get("/api/codes").json()["codes"] == []
    assert other.get("/api/problems/1").status_code == 404
    assert other.get("/api/nowhere").json() == {"error": "Not Found"}


@pytest.mark.parametrize("by", ["session", "token"])
def test_every_answer_is_as_described_whatever_is_asked(project: Project, by: str) -> None:
    """Cases that the description allows, and cases that it does not."""
    client = project.site.signed_in("administrator")
    headers = {"X-CSRF-Token": token_of(client.get("/").text)}
    if by == "token":
        client, headers = project.site.browser(), project.site.token("administrator")
        client.headers.update(headers)
    api = schemathesis.openapi.from_dict(client.get("/api/openapi.json").json())
    operations = [one.ok() for one in api.get_all_operations()]
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    cases = st.one_of(
        [one.as_strategy(generation_mode=mode) for one in operations for mode in modes
         if mode is GenerationMode.POSITIVE or one.query or one.body]
    )  # fmt: skip
    quiet = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much]

    @given(case=cases)
    @settings(max_examples=100, deadline=None, suppress_health_check=quiet)
    def ask(case: Any) -> None:
        has_body = case.method == "POST"
        answer = client.request(
            case.method,
            case.formatted_path,
            params=case.query,
            content=json.dumps(case.body).encode() if has_body and is_json(case.body) else None,
            headers=headers,
        )
        case.validate_response(answer, checks=CHECKS)

    ask()
    assert not [one for one in project.site.recorder.events if type(one).__name__ == "ErrorCaught"]


def is_json(body: Any) -> bool:
    return isinstance(body, dict | list | str | int | float | bool | None)
