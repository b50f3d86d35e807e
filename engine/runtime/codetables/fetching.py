"""Rim. Translations fetched ahead of time from a terminology server: `ConceptMap/$translate`.

Processing a message asks no server, so that it gives the same today and in a replay: what a server
knows becomes rows of `codevalues/standard`, seen in a review before they are in force. Codes go in
the body of a POST, never in a URL. https://hl7.org/fhir/R4/conceptmap-operation-translate.html.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
from multidict import CIMultiDict
from yarl import URL

from engine.channel.environment import TerminologyConfig
from engine.codevalues import standard
from engine.codevalues.project import CodeValueFiles
from engine.codevalues.translate import Match, answer_of
from engine.destinations.http_exchange import Answer, HttpExchange, Request
from engine.destinations.interface import SecretSource
from engine.destinations.tls import client_context
from engine.pipeline.response import Fault
from engine.runtime.codetables.ehr_api import FetchFailed
from engine.runtime.codetables.lines import Refused, TableShape, insert
from engine.runtime.codetables.writing import alone, write_text

CONNECTIONS_MAX = 4
CONNECT_SECONDS = 10.0
TIMEOUT_SECONDS = 30.0
CODES_MAX = 20_000
FHIR = "application/fhir+json"
_TEXT_MAX = 500

Ask = Callable[[Request], Awaitable[Answer | Fault]]


@dataclass(frozen=True, slots=True, order=True)
class Wanted:
    """A code to be translated."""

    code: str
    system: str
    """URI; empty for a local code."""
    display: str = ""
    asked_as: str = ""
    """The system to ask the server with, which may know the sender's own codes by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What a server knew."""

    found: tuple[tuple[Wanted, Match], ...]
    unknown: tuple[Wanted, ...]
    """It has no usable translation of these."""
    ambiguous: tuple[Wanted, ...]
    """It has several: a person decides."""


async def fetch_translations(
    config: TerminologyConfig,
    wanted: Sequence[Wanted],
    *,
    target_system: str,
    concept_map: str = "",
    secrets: SecretSource,
) -> Fetched:
    """Ask for every code.

    Args:
        config: the server.
        wanted: the codes.
        target_system: URI of the standard.
        concept_map: URL of one map; empty: the server chooses.
        secrets: where the token comes from.

    Raises:
        FetchFailed: the server cannot be reached, refuses, or gives no answer of the operation.
        OSError: a certificate or secret cannot be read.
        KeyError: the variable of the token is not set.
    """
    if len(wanted) > CODES_MAX:
        raise FetchFailed(f"more than {CODES_MAX:,} codes: ask in parts")
    headers = CIMultiDict({"Accept": FHIR, "Content-Type": FHIR})
    if config.token is not None:
        headers["Authorization"] = f"Bearer {secrets(config.token)}"
    url = URL(f"{config.server.rstrip('/')}/ConceptMap/$translate")
    http = HttpExchange(
        connections_max=CONNECTIONS_MAX,
        connect_seconds=CONNECT_SECONDS,
        context=client_context(config.tls),
        server_name=config.tls.server_name if config.tls else None,
    )
    turns = asyncio.Semaphore(CONNECTIONS_MAX)

    async def ask(one: Wanted) -> list[Match]:
        body = orjson.dumps(_question(one, target_system, concept_map))
        async with turns:
            answer = await http.exchange(
                Request("POST", url, headers, body), timeout_seconds=TIMEOUT_SECONDS
            )
        return _matches(answer, url, target_system)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(ask(one)) for one in wanted]
    except ExceptionGroup as problems:
        raise problems.exceptions[0] from None
    finally:
        await http.close()
    return _sorted_out(zip(wanted, (task.result() for task in tasks), strict=True))


def _question(one: Wanted, target_system: str, concept_map: str) -> dict[str, object]:
    """The `Parameters` of the operation."""
    coding = {"system": one.asked_as or one.system, "code": one.code, "display": one.display}
    parameters: list[dict[str, object]] = [
        {"name": "coding", "valueCoding": {name: text for name, text in coding.items() if text}},
        {"name": "targetsystem", "valueUri": target_system},
    ]
    if concept_map:
        parameters.append({"name": "url", "valueUri": concept_map})
    return {"resourceType": "Parameters", "parameter": parameters}


def _matches(answer: Answer | Fault, url: URL, target_system: str) -> list[Match]:
    if isinstance(answer, Fault):
        raise FetchFailed(f"{url.host} did not answer: {answer.value}")
    if answer.status in (401, 403):
        raise FetchFailed(f"{url.host} refused the request (status {answer.status}): see `token`")
    try:
        body = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        raise FetchFailed(f"{url.host}: status {answer.status}, and no JSON") from None
    if answer.status in (404, 422) and isinstance(body, dict) and _is_outcome(body):
        # How servers say that they know the code or a map for it not at all.
        return []
    if answer.status != 200 or not isinstance(body, dict):
        raise FetchFailed(
            f"{url.host}: status {answer.status}; does it know ConceptMap/$translate?"
        )
    translated = answer_of(body, url.host or "")
    if translated is None:
        raise FetchFailed(f"{url.host}: the answer is no Parameters of $translate")
    return [match for match in translated.usable() if _fits(match, target_system)]


def _is_outcome(body: dict[str, object]) -> bool:
    return body.get("resourceType") == "OperationOutcome"


def _fits(match: Match, target_system: str) -> bool:
    """A concept of the standard that was asked for, whose texts can stand in a line of a table."""
    texts = (match.code, match.display)
    return match.system == target_system and all(
        len(text) <= _TEXT_MAX and text.isprintable() for text in texts
    )


def _sorted_out(answers: Iterable[tuple[Wanted, list[Match]]]) -> Fetched:
    found: list[tuple[Wanted, Match]] = []
    unknown: list[Wanted] = []
    ambiguous: list[Wanted] = []
    for one, matches in answers:
        distinct = {match.code: match for match in reversed(matches)}
        if not distinct:
            unknown.append(one)
        elif len(distinct) > 1:
            ambiguous.append(one)
        else:
            found.append((one, next(iter(distinct.values()))))
    return Fetched(found=tuple(found), unknown=tuple(unknown), ambiguous=tuple(ambiguous))


def without_known(
    values: CodeValueFiles, wanted: Iterable[Wanted], target_system: str
) -> list[Wanted]:
    """Those codes that no standard table translates yet, each once, in order."""
    return sorted(
        one
        for one in set(wanted)
        if not any(
            table.find(one.code, one.system, target_system, {}) for table in values.standards
        )
    )


def save_translations(home: Path, name: str, fetched: Fetched, *, host: str) -> tuple[str, int]:
    """Put what was found into `codevalues/standard/<name>.csv`.

    Returns:
        The file, and how many rows are new.

    Raises:
        Refused: the file has problems.
        OSError: it cannot be written.
    """
    file = f"codevalues/standard/{name}.csv"
    if not name or not all(letter.isalnum() or letter in "_-." for letter in name):
        raise Refused(f'"{name}" is no name of a table: letters, digits, _ . -')
    rows = [
        {
            "source_code": one.code,
            "source_system": one.system,
            "source_display": one.display,
            "target_code": match.code,
            "target_system": match.system,
            "target_display": match.display,
            "equivalence": match.equivalence,
            "comment": f"from {host}",
        }
        for one, match in fetched.found
    ]
    with alone(home):
        made = insert(home, TableShape(file, standard.COLUMNS, "source_code"), rows)
        if rows:
            write_text(home / file, made.written)
    return file, len(rows)
