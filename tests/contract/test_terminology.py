"""Translations over real HTTP: a terminology server is a drop-in for the tables."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
from aiohttp import web

from engine.channel.connection import SecretReference
from engine.channel.environment import TerminologyConfig
from engine.codevalues.project import CodeValueFiles, read_code_value_files
from engine.codevalues.standard import StandardTable
from engine.codevalues.translate import Question, parameters_of, translate
from engine.runtime.codetables.ehr_api import FetchFailed
from engine.runtime.codetables.fetching import (
    Fetched,
    Wanted,
    fetch_translations,
    save_translations,
    without_known,
)

LOINC = "http://loinc.org"
LOCAL = "urn:oid:2.16.840.1.113883.3.9999.2.1"
TABLE = """\
source_code,source_system,target_code,target_system,target_display,equivalence
K,urn:oid:2.16.840.1.113883.3.9999.2.1,2823-3,LN,"Potassium, serum",equivalent
NA,urn:oid:2.16.840.1.113883.3.9999.2.1,2951-2,LN,Sodium,wider
TWO,urn:oid:2.16.840.1.113883.3.9999.2.1,1-8,LN,,
TWO,urn:oid:2.16.840.1.113883.3.9999.2.1,2-6,LN,,
NARROW,urn:oid:2.16.840.1.113883.3.9999.2.1,3-4,LN,,narrower
"""
Responder = Callable[[web.Request, dict[str, Any]], web.StreamResponse]


@dataclass
class Server:
    """A terminology server that answers by our own tables, or as told."""

    tables: tuple[StandardTable, ...]
    respond: Responder | None = None
    url: str = ""
    paths: list[str] = field(default_factory=list)
    tokens: set[str | None] = field(default_factory=set)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.path_qs)
        self.tokens.add(request.headers.get("Authorization"))
        body = orjson.loads(await request.read())
        if self.respond is not None:
            return self.respond(request, body)
        given = {one["name"]: one for one in body["parameter"]}
        coding = given["coding"]["valueCoding"]
        question = Question(
            code=coding["code"],
            system=coding.get("system", ""),
            target_system=given["targetsystem"]["valueUri"],
        )
        found = parameters_of(translate(self.tables, question))
        return web.Response(body=orjson.dumps(found), content_type="application/fhir+json")


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Server]:
    found, problems = read_code_value_files({"codevalues/standard/remote.csv": TABLE})
    assert problems == []
    made = Server(found.standards)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/r4"
    yield made
    await runner.cleanup()


def fetched(server: Server, *wanted: Wanted, token: str = "") -> Any:
    reference = SecretReference("env", "TOKEN") if token else None
    return fetch_translations(
        TerminologyConfig(server=server.url, token=reference),
        wanted,
        target_system=LOINC,
        secrets=lambda _: token,
    )


async def test_what_a_server_knows_becomes_rows_that_resolution_uses(
    server: Server, tmp_path: Path
) -> None:
    wanted = [
        Wanted("NA", LOCAL, "Natrium"),
        Wanted("K", "", "Kalium", LOCAL),
        Wanted("TWO", LOCAL),
        Wanted("NARROW", LOCAL),
        Wanted("X", LOCAL),
    ]
    found: Fetched = await fetched(server, *wanted, token="t1")
    assert [(one.code, match.code) for one, match in found.found] == [
        ("NA", "2951-2"),
        ("K", "2823-3"),
    ]
    assert [one.code for one in found.ambiguous] == ["TWO"]
    assert [one.code for one in found.unknown] == ["NARROW", "X"]
    assert server.tokens == {"Bearer t1"}
    assert set(server.paths) == {"/r4/ConceptMap/$translate"}  # no code in an address
    file, count = save_translations(tmp_path, "lab", found, host="tx.example.org")
    text = (tmp_path / file).read_text()
    assert count == 2
    assert text.splitlines()[1:] == [
        'K,,Kalium,2823-3,http://loinc.org,"Potassium, serum",equivalent,from tx.example.org',
        f"NA,{LOCAL},Natrium,2951-2,http://loinc.org,Sodium,wider,from tx.example.org",
    ]
    files, problems = read_code_value_files({file: text})
    assert problems == []
    values = files.for_tenant("t")
    kalium = values.standard("K", "", target="LOINC")
    assert kalium.coding == {"system": LOINC, "code": "2823-3", "display": "Potassium, serum"}
    assert kalium.evidence.startswith(f"{file}:2 ")
    left = without_known(files, wanted, LOINC)
    assert [one.code for one in left] == ["NARROW", "TWO", "X"]


def fhir(body: Any, status: int = 200) -> web.Response:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return web.Response(body=content, status=status, content_type="application/fhir+json")


OUTCOME = {"resourceType": "OperationOutcome", "issue": []}
ODD = {
    "resourceType": "Parameters",
    "parameter": [
        {"name": "result", "valueBoolean": True},
        {"name": "match", "part": [
            {"name": "equivalence", "valueCode": "equivalent"},
            {"name": "concept", "valueCoding": {"system": "urn:other", "code": "1"}},
        ]},
        {"name": "match", "part": [
            {"name": "equivalence", "valueCode": "equivalent"},
            {"name": "concept", "valueCoding": {"system": LOINC, "code": "1\n=cmd()"}},
        ]},
        {"name": "match", "part": [{"name": "concept", "valueCoding": {"system": LOINC}}]},
    ],
}  # fmt: skip


@pytest.mark.parametrize(("body", "status"), [(OUTCOME, 404), (OUTCOME, 422), (ODD, 200)])
async def test_a_code_that_a_server_does_not_know_or_translates_oddly_is_unknown(
    server: Server, body: Any, status: int
) -> None:
    server.respond = lambda _request, _body: fhir(body, status)
    found: Fetched = await fetched(server, Wanted("K", LOCAL))
    assert (found.found, [one.code for one in found.unknown]) == ((), ["K"])


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (OUTCOME, 401, "see `token`"),
        (OUTCOME, 500, "status 500"),
        (b"<html>", 200, "no JSON"),
        (OUTCOME, 200, "no Parameters"),
        ([], 200, "status 200"),
    ],
)
async def test_what_is_no_answer_ends_the_whole_and_writes_nothing(
    server: Server, body: Any, status: int, says: str
) -> None:
    server.respond = lambda _request, _body: fhir(body, status)
    with pytest.raises(FetchFailed, match=says):
        await fetched(server, *(Wanted(f"C{number}", LOCAL) for number in range(20)))


async def test_a_server_that_is_gone_is_named(server: Server) -> None:
    server.url = "http://127.0.0.1:9/r4"
    with pytest.raises(FetchFailed, match=r"127\.0\.0\.1 did not answer"):
        await fetched(server, Wanted("K", LOCAL))


async def test_many_codes_are_asked_a_few_at_a_time(server: Server) -> None:
    running = 0
    most = 0
    inner = server.answer

    async def counted(request: web.Request) -> web.StreamResponse:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        made = await inner(request)
        running -= 1
        return made

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", counted)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    found: Fetched = await fetched(server, *(Wanted(f"C{n}", LOCAL) for n in range(60)))
    await runner.cleanup()
    assert len(found.unknown) == 60
    assert most <= 4


def test_nothing_is_wanted_that_a_table_has(server: Server) -> None:
    files = CodeValueFiles(standards=server.tables)
    assert without_known(files, [Wanted("K", LOCAL), Wanted("Q", LOCAL)], LOINC) == [
        Wanted("Q", LOCAL)
    ]
