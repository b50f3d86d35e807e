"""Every plain call that ships, rendered and sent as the destination does, right and wrong.

A call without a trial fails `test_every_call_has_its_trial`; one with a trial of the right input
alone too. The registers are tried in `test_millennium_every_register`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import orjson
import pytest
import pytest_asyncio
import trials_administrative
import trials_clinical
import trials_lookups
from charting import destination_config, secret
from composed import shipped_calls
from trial import STOCK, Arguments, Trial, Wrong

from engine.destinations.authorization.sources import TokenSources
from engine.destinations.http_exchange import Answer
from engine.destinations.interface import AuthorizationFailed
from engine.destinations.millennium.exchanges import Exchanges, classified, failure_of
from engine.destinations.millennium.service import MillenniumService
from engine.destinations.millennium.transcript import Transcript
from engine.millennium.calls.answers import captured
from engine.millennium.calls.model import AnswerClass, CallPreset, Interaction
from engine.millennium.calls.rendering import ArgumentError, render_request
from engine.simulator.millennium.options import DEFAULT_CLIENT, SimulatorOptions
from engine.simulator.millennium.server import MillenniumSimulator
from engine.simulator.millennium.tenant import Tenant

TRIALS: dict[str, Trial] = {
    **trials_clinical.TRIALS,
    **trials_administrative.TRIALS,
    **trials_lookups.TRIALS,
}
PLAIN = {
    name: preset
    for name, preset in shipped_calls().calls.items()
    if preset.interaction is not Interaction.REGISTER
}
WRONG = [(name, what) for name, trial in TRIALS.items() for what in trial.wrong]
CHANGING = [name for name, preset in PLAIN.items() if preset.concurrency.if_match]
OF_ONE = [name for name, preset in PLAIN.items() if "{id}" in preset.path]


@dataclass
class Bench:
    """One service of the destination's, at one simulator."""

    simulator: MillenniumSimulator
    service: MillenniumService

    @property
    def tenant(self) -> Tenant:
        (found,) = self.simulator.tenants.values()
        return found

    async def make(self, preset: CallPreset, arguments: Arguments, content: Any) -> Answer:
        """Render and send it, as the destination does."""
        exchanges = Exchanges(
            self.service, asyncio.get_running_loop().time() + 10, Transcript(100_000)
        )
        request = render_request(preset, exchanges.roots, arguments, content)
        answer = await exchanges.send(request, preset)
        assert isinstance(answer, Answer), answer
        return answer

    def written(self) -> int:
        """How often the service has written."""
        return self.tenant.chart.writes[-1].number

    def value(self, where: str) -> Any:
        """What stands at `Type/id path` in the chart."""
        named, _, path = where.partition(" ")
        kind, _, identity = named.partition("/")
        found = self.tenant.chart.get(kind, identity)
        return at(found.resource, path) if found is not None else None

    def last(self, kind: str) -> str:
        """The id of the resource of a type that came last."""
        return list(self.tenant.chart.all(kind))[-1].identity


def at(value: Any, path: str) -> Any:
    """The value at a path of names and numbers; None where there is none."""
    for step in filter(None, path.split(".")):
        if isinstance(value, list):
            value = value[int(step)] if int(step) < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


@asynccontextmanager
async def bench_of(options: SimulatorOptions) -> AsyncIterator[Bench]:
    async with MillenniumSimulator(options) as simulator:
        config = destination_config(simulator, calls=tuple(PLAIN))
        found = Bench(simulator, MillenniumService(config, secret, TokenSources()))
        for identity, resource in STOCK:
            found.tenant.chart.add(resource["resourceType"], resource, identity, why="stock")
        yield found
        await found.service.close()


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Bench]:
    async with bench_of(SimulatorOptions()) as found:
        yield found


def test_every_call_has_its_trial():
    assert sorted(TRIALS) == sorted(PLAIN)
    assert [name for name, trial in TRIALS.items() if not trial.wrong] == []


@pytest.mark.parametrize("name", TRIALS)
async def test_right_input_is_taken_and_its_answer_is_read(bench: Bench, name: str):
    preset, trial = PLAIN[name], TRIALS[name]
    answer = await bench.make(preset, trial.arguments, trial.content)
    assert answer.status in preset.expected.statuses, answer.body
    assert classified(preset, answer).kind is AnswerClass.DONE
    headers = {key.lower(): value for key, value in answer.headers.items()}
    values = captured(preset, headers, answer.body)
    assert sorted(values) == sorted(trial.captures)
    for where, expected in trial.after.items():
        place = where.replace("{id}", values.get("id", ""))
        if "{last}" in place:
            place = place.replace("{last}", bench.last(where.partition("/")[0]))
        assert bench.value(place) == expected, place
    if trial.answers:
        body = orjson.loads(answer.body)
        assert {path: at(body, path) for path in trial.answers} == trial.answers
    if preset.writes:
        assert trial.after or trial.answers


@pytest.mark.parametrize(("name", "what"), WRONG)
async def test_wrong_input_changes_nothing_and_is_explained(bench: Bench, name: str, what: str):
    preset, trial = PLAIN[name], TRIALS[name]
    wrong: Wrong = trial.wrong[what]
    arguments = trial.arguments if wrong.arguments is None else wrong.arguments
    content = trial.content if wrong.content is None else wrong.content
    before = bench.written()
    if wrong.unsent:
        with pytest.raises(ArgumentError, match=wrong.unsent):
            await bench.make(preset, arguments, content)
        return
    answer = await bench.make(preset, arguments, content)
    found, failure = classified(preset, answer), failure_of(preset, answer)
    assert (found.kind, found.code) == (wrong.kind, wrong.code), answer.body
    assert failure.classification.code == wrong.code
    assert wrong.says in failure.explanation
    assert bench.written() == before


@pytest.mark.parametrize("name", CHANGING)
async def test_a_change_of_an_older_version_is_a_conflict(bench: Bench, name: str):
    preset, trial = PLAIN[name], TRIALS[name]
    answer = await bench.make(preset, {**trial.arguments, "etag": 'W/"77"'}, trial.content)
    found = classified(preset, answer)
    assert (found.kind, found.code) == (AnswerClass.CONFLICT, "http-409")
    assert "somebody changed the resource" in found.explanation
    with pytest.raises(ArgumentError, match="needs etag"):
        await bench.make(preset, {**trial.arguments, "etag": ""}, trial.content)


@pytest.mark.parametrize("name", OF_ONE)
async def test_what_is_not_there_is_missing(bench: Bench, name: str):
    preset, trial = PLAIN[name], TRIALS[name]
    answer = await bench.make(preset, {**trial.arguments, "id": "404404"}, trial.content)
    found = classified(preset, answer)
    assert (found.kind, found.code) == (AnswerClass.MISSING, "http-404")


@pytest.mark.parametrize("name", TRIALS)
async def test_a_token_without_its_scope_stops_it_unsent(name: str):
    preset, trial = PLAIN[name], TRIALS[name]
    client = replace(DEFAULT_CLIENT, withheld=frozenset(preset.scopes_v2))
    async with bench_of(SimulatorOptions(clients=(client,))) as found:
        with pytest.raises(AuthorizationFailed) as caught:
            await found.make(preset, trial.arguments, trial.content)
    assert caught.value.code == "auth-trimmed"
    assert preset.scopes_v2[0] in caught.value.shown.decode()
