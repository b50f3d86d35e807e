"""Rim. Oracle Health Millennium: the calls of a message, made exactly once.

The body of a delivery is a list of calls (`millennium.calls.body`). The service has no idempotency
of its own, so the ledger says what is there, and every question about a lost answer is asked in
here before anything is repeated: for the worker a delivery may always be sent again. See
docs/identity.md.
"""

import asyncio
import ssl
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from engine.channel.environment import Mode
from engine.channel.model import MillenniumDestinationConfig
from engine.destinations.authorization.sources import TokenSources
from engine.destinations.interface import (
    AttemptResult,
    AuthorizationFailed,
    Ending,
    Outgoing,
    Presence,
    SecretSource,
    Settlement,
)
from engine.destinations.ledger import Ledger, LedgerUnavailable
from engine.destinations.millennium.exchanges import Exchanges
from engine.destinations.millennium.performing import Performance
from engine.destinations.millennium.service import MillenniumService, OutOfTimeError
from engine.destinations.millennium.stopping import Stopped
from engine.destinations.millennium.transcript import Transcript
from engine.millennium.calls.body import CHANGE, MERGE, decode_calls
from engine.millennium.calls.model import CallPreset, Interaction
from engine.millennium.calls.rendering import (
    ArgumentError,
    RenderedRequest,
    content_of,
    render_request,
)
from engine.pipeline.response import (
    ACCEPTED,
    SHADOWED,
    Classification,
    Fault,
    classify_fault,
)
from engine.pipeline.states import FailureClass

Json = dict[str, Any]

RELEASE_FIRST = Classification(FailureClass.PERMANENT, "release-first")
LEDGER_DOWN = Classification(FailureClass.AMBIGUOUS, "ledger-unavailable")
UNFINISHED = Classification(FailureClass.TRANSIENT, "attempt-unfinished")
CALL_GONE = Classification(FailureClass.PERMANENT, "call-gone")


class MillenniumDestination:
    """Writes to one tenant."""

    def __init__(
        self,
        config: MillenniumDestinationConfig,
        secrets: SecretSource,
        ledger: Ledger,
        tokens: TokenSources,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Args: the checked configuration with its tenant; where secrets come from; the ledger;
        the process's token sources; Unix seconds.
        """
        self._config = config
        self._ledger = ledger
        self._clock = clock
        self._service = MillenniumService(config, secrets, tokens)
        self._presets: dict[str, CallPreset] = {
            preset.name: preset for preset in (*config.finders, *config.calls)
        }

    async def send(self, outgoing: Outgoing) -> AttemptResult:
        """One attempt: the calls that are not done yet, until one cannot be made."""
        transcript = Transcript(self._config.response_bytes_max)
        try:
            calls = _checked(outgoing.body)
        except (ValueError, KeyError, TypeError, AttributeError):
            return _result(transcript, classify_fault(Fault.BODY_UNUSABLE))
        try:
            if gone := {call["call"] for call in calls} - self._presets.keys() - {MERGE}:
                transcript.explain(f"the destination has no longer {', '.join(sorted(gone))}")
                return _result(transcript, CALL_GONE, Ending.HOLD)
            if self._config.mode is Mode.SHADOW:
                return self._shadow(calls, transcript)
            if self._config.release_first and not await self._is_released(outgoing):
                transcript.explain("one of the first messages: look at it, and release it")
                return _result(transcript, RELEASE_FIRST, Ending.HOLD)
            await self._perform(outgoing, calls, transcript)
        except Stopped as stopped:
            transcript.explain(stopped.failure.explanation)
            found = _result(transcript, stopped.failure.classification, stopped.ending)
            return found if stopped.awaited is None else _parked(found, stopped)
        except AuthorizationFailed as problem:
            transcript.explain(problem.shown.decode())
            return _result(transcript, problem.classification)
        except LedgerUnavailable:
            return _result(transcript, LEDGER_DOWN)
        except OutOfTimeError:
            transcript.explain("the time of the attempt is over; the next one goes on from here")
            return _result(transcript, UNFINISHED)
        except ssl.SSLError:
            return _result(transcript, classify_fault(Fault.TLS_REFUSED))
        except OSError:
            return _result(transcript, classify_fault(Fault.SECRET_MISSING))
        except ArgumentError as problem:
            transcript.explain(str(problem))
            return _result(transcript, classify_fault(Fault.BODY_UNUSABLE))
        return _result(transcript, ACCEPTED)

    def settlement(self, outgoing: Outgoing) -> Settlement:  # noqa: ARG002  part of the contract
        """Repeat: whether something was made already is asked in `send`, call by call."""
        return Settlement.REPEAT

    async def probe(self, outgoing: Outgoing) -> Presence:  # noqa: ARG002  part of the contract
        """Never asked, as `settlement` says."""
        return Presence.UNKNOWABLE

    async def close(self) -> None:
        """End all connections."""
        await self._service.close()

    async def _perform(self, outgoing: Outgoing, calls: list[Json], transcript: Transcript) -> None:
        loop = asyncio.get_running_loop()
        performance = Performance(
            config=self._config,
            presets=self._presets,
            ledger=self._ledger,
            exchanges=Exchanges(
                self._service, loop.time() + self._config.timeout_seconds, transcript
            ),
            delivery_id=outgoing.delivery_id,
            now=self._clock(),
        )
        done = await self._ledger.steps(outgoing.delivery_id)
        for position, call in enumerate(calls):
            if position in done:
                performance.resume(call, done[position])
            else:
                await performance.perform(position, call)

    async def _is_released(self, outgoing: Outgoing) -> bool:
        config = self._config
        name = f"{config.environment}/{outgoing.channel}/{config.name}"
        return await self._ledger.admit(name, outgoing.delivery_id, config.release_first)

    def _shadow(self, calls: list[Json], transcript: Transcript) -> AttemptResult:
        """Render everything as it would be sent to a service that has none of it."""
        transcript.note("shadow: this would be sent, and nothing was")
        for call in calls:
            if call["call"] == MERGE:
                transcript.note("merge in the ledger")
                continue
            preset = self._presets[call["call"]]
            if preset.interaction is Interaction.REGISTER:
                preset = preset.create or preset
            if call.get("only") == CHANGE or not preset.path:
                transcript.note(f"{preset.name}: a change of what is there")
                continue
            transcript.sent(self._rendered(preset, call), with_token=False)
        return replace(_result(transcript, SHADOWED), status=SHADOWED.code)

    def _rendered(self, preset: CallPreset, call: Json) -> RenderedRequest:
        """A call as it would go out, names of the engine in place of ids."""
        first = next(iter(call["identifiers"]), None)
        arguments = {} if first is None else {"identifier": f"{first['system']}|{first['value']}"}
        content = call.get("resource")
        if content is not None:
            content = content_of(preset, content, call.get("once", ""))
        return render_request(preset, self._service.roots, arguments, content)


def _checked(body: bytes) -> list[Json]:
    """The calls of a stored body.

    Raises ValueError, KeyError, TypeError or AttributeError when it is not what
    `millennium.calls.body` makes: no attempt can help.
    """
    _, calls = decode_calls(body)
    for call in calls:
        needed = ("survivor", "retired") if call["call"] == MERGE else ("name", "identifiers")
        for identifier in [one for name in needed[-2:] for one in _identifiers(call[name])]:
            _ = identifier["system"], identifier["value"]
        if not isinstance(call.get("resource", {}), dict):
            raise TypeError("a resource is an object")
    return calls


def _identifiers(value: Any) -> list[Json]:
    return value if isinstance(value, list) else []


def _result(
    transcript: Transcript, classification: Classification, ending: Ending = Ending.BY_CLASS
) -> AttemptResult:
    return AttemptResult(
        classification=classification,
        status=transcript.status,
        request=transcript.request,
        response=transcript.response,
        ending=ending,
    )


def _parked(found: AttemptResult, stopped: Stopped) -> AttemptResult:
    return AttemptResult(
        classification=found.classification,
        status=found.status,
        request=found.request,
        response=found.response,
        ending=stopped.ending,
        awaited=stopped.awaited,
    )
