"""Rim. The analyst's workbench: the pure step on any message, with nothing stored or sent.

`convert`, `explain`, `test` and the preview of a replay stand on it, so what they show is what the
engine does.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from engine.cda.document import Document
from engine.channel.model import (
    ChannelConfig,
    DirectoryListenerConfig,
    FhirDestinationConfig,
)
from engine.channel.testcase import (
    Outcome,
    TestResult,
    run_channel_tests,
    run_document_tests,
    run_tests,
)
from engine.diagnostics import Diagnostic
from engine.fhir.marks import plain_type
from engine.hl7v2.groups import group
from engine.hl7v2.path import leaves
from engine.mapping.accounting import account
from engine.mapping.accounts import UNMAPPED, LeafAccount
from engine.mapping.compiler.compiler import Program
from engine.mapping.compiler.documents import DocumentProgram
from engine.mapping.coverage import Coverage
from engine.mapping.run import MapResult
from engine.mapping.trace import Trace
from engine.millennium.calls.body import CONTENT_TYPE as CALLS
from engine.pipeline.encoding import encode_outputs
from engine.pipeline.plan import ChannelPlan, plan
from engine.pipeline.process import process
from engine.pipeline.result import FHIR_JSON, ProcessResult
from engine.runtime.code_values import code_values_of
from engine.runtime.configuration import Loaded, check_project, read_project
from engine.runtime.intake.document_header import header_of
from engine.runtime.routing import Router
from engine.runtime.strict_validation import strict_check

_JSON_TYPES = (FHIR_JSON, CALLS)
BARE = "-"
"""Name of the stand-in for messages that no channel takes: default options, all maps."""


class NotInOrder(Exception):  # noqa: N818  a condition of the project
    """The project has errors; `diagnostics` holds them."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        super().__init__("the configuration has errors")
        self.diagnostics = diagnostics


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """What became of one message."""

    channel: str
    result: ProcessResult
    bundle: bytes | None
    """FHIR JSON as the first FHIR destination would get it, else the calls of the first Millennium
    destination; None when nothing was made."""
    cpu_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """A conversion with the reason of every element."""

    conversion: Conversion
    program: Program | DocumentProgram
    made: MapResult
    """Before checks and encoding; its resources are those the trace speaks of."""
    trace: Trace


class Workbench:
    """A checked project and what its channels would do. Raises nothing on any message."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self._plans: dict[str, ChannelPlan] = {}
        channels = loaded.configuration.channels
        self._router = Router([(channel.route, channel) for channel in channels])
        self._bare = _bare_channel()

    def choose(self, raw: bytes, channel_name: str | None = None) -> ChannelConfig:
        """The channel named, or the one whose route takes the message, or the bare one.

        Raises:
            KeyError: no channel has that name.
        """
        if channel_name is not None:
            found = self.loaded.configuration.channel(channel_name)
            if found is None:
                raise KeyError(channel_name)
            return found
        return self._router.choose(header_of(raw)) or self._bare

    def plan(self, channel: ChannelConfig) -> ChannelPlan:
        """The channel's plan, made once."""
        made = self._plans.get(channel.name)
        if made is None:
            strict = strict_check() if channel.transform.validate == "strict" else None
            made = plan(
                channel,
                self.loaded.program(channel),
                strict=strict,
                documents=self.loaded.documents,
                programs=self.loaded.program,
                code_values=partial(code_values_of, self.loaded.code_values),
            )
            self._plans[channel.name] = made
        return made

    def convert(
        self, raw: bytes, channel_name: str | None = None, *, received_at: float = 0.0
    ) -> Conversion:
        """Run the pure step. Raises KeyError for an unknown channel name."""
        channel = self.choose(raw, channel_name)
        prepared = self.plan(channel)
        began = time.process_time()
        result = process(raw, prepared, received_at=received_at)
        spent = time.process_time() - began
        return Conversion(
            channel=channel.name, result=result, bundle=_bundle(result), cpu_seconds=spent
        )

    def wrapped(self, made: Conversion, wrapper: str) -> bytes | None:
        """The FHIR JSON of a conversion in another wrapper; that of a message stays as it is.

        Args:
            made: the conversion.
            wrapper: of documents: `document` or `transaction`.
        """
        result = made.result
        if result.document is None or made.bundle is None:
            return made.bundle
        chosen = self.loaded.configuration.channel(made.channel) or self._bare
        forms = (*self.plan(chosen).forms, *self.plan(self._bare).forms)
        form = replace(
            forms[0], bundle=wrapper, destinations=(self._bare.name,), merging=frozenset()
        )
        outputs, _ = encode_outputs(
            result.entries, (form,), timestamp=None, assembled_at=result.event_at
        )
        return outputs[self._bare.name].body

    def sent_to(self, made: Conversion, destination: str) -> bytes | None:
        """The JSON that a destination of the channel is sent; None for none."""
        for output in made.result.outputs:
            is_json = plain_type(output.content_type) in _JSON_TYPES
            if is_json and output.destination == destination:
                return output.body
        return None

    def trace(self, raw: bytes, channel_name: str | None = None) -> Traced | None:
        """Convert and record why. None when the message cannot be read."""
        conversion = self.convert(raw, channel_name)
        message = conversion.result.message
        if conversion.result.document is not None:
            return self._trace_document(conversion, conversion.result.document, channel_name)
        if message is None:
            return None
        chosen = self._chosen(raw, conversion, channel_name)
        program = self.loaded.program(chosen.config)
        trace = Trace()
        made = program.convert(
            group(message, chosen.places), chosen.context, chosen.config.transform.map, trace
        )
        return Traced(conversion=conversion, program=program, made=made, trace=trace)

    def _trace_document(
        self, conversion: Conversion, document: Document, channel_name: str | None
    ) -> Traced:
        chosen = self._chosen(document.raw, conversion, channel_name)
        program, trace = self.loaded.documents(chosen.config), Trace()
        made = program.convert(document, chosen.context, trace)
        return Traced(conversion=conversion, program=program, made=made, trace=trace)

    def _chosen(self, raw: bytes, made: Conversion, channel_name: str | None) -> ChannelPlan:
        """The plan a message was converted by: its channel's, or that of its sender."""
        found = self.plan(self.choose(raw, channel_name))
        sender = made.result.sender
        return found if sender is None else found.senders[sender].plan

    def accounts(self, raw: bytes, channel_name: str | None = None) -> list[LeafAccount]:
        """What became of every populated leaf; of a message without a map, all are unmapped.

        Of a document: what became of every clinical statement.
        """
        made = self.convert(raw, channel_name)
        document = made.result.document
        if document is not None:
            chosen = self._chosen(raw, made, channel_name)
            return self.loaded.documents(chosen.config).accounts(document, chosen.context)
        traced = self.trace(raw, channel_name)
        if traced is None:
            return []
        if traced.trace.message is not None and isinstance(traced.program, Program):
            return account(traced.trace.message, traced.trace, traced.program)
        message = traced.conversion.result.message
        found = leaves(message) if message is not None else ()
        return [LeafAccount(path=leaf.path, state=UNMAPPED) for leaf in found]

    def unmapped(self, raw: bytes, channel_name: str | None = None) -> list[str]:
        """Paths of populated leaves, or statements, that no rule read and no map ignores."""
        found = self.accounts(raw, channel_name)
        return [one.path for one in found if one.state == UNMAPPED]

    def run_tests(self, read_file: Callable[[str], bytes | None]) -> list[TestResult]:
        """Run the tests beside the maps, under no overlay, and those beside the channels.

        Args:
            read_file: the bytes of a file that a channel's test names, or None.
        """
        found = run_tests(self.loaded.program_with(()), self.loaded.libraries[()])
        found += run_document_tests(self.loaded.documents_with(()))
        for channel in self.loaded.configuration.channels:
            process_one = partial(self._outcome, channel.name)
            found += run_channel_tests(channel, process_one, read_file)
        return found

    def _outcome(self, channel_name: str, raw: bytes) -> Outcome:
        made = self.convert(raw, channel_name)
        return Outcome(
            state=made.result.state.value,
            codes=tuple(problem.code for problem in made.result.diagnostics),
            resources=tuple(entry.resource for entry in made.result.entries),
        )

    def coverage(self, messages: Iterable[bytes]) -> Coverage:
        """Which rules of the library the messages exercise, under no overlay."""
        program = self.loaded.program_with(())
        found = Coverage(program=program)
        for raw in messages:
            traced = self.trace(raw)
            if traced is not None and traced.program is program:
                found.add(traced.trace)
        return found


def open_workbench(home: Path, environment: str = "") -> Workbench:
    """Read and check a project, under an environment where it has several.

    Raises:
        OSError: a file cannot be read.
        ValueError: a file is too large or not UTF-8.
        NotInOrder: it has errors.
    """
    loaded, problems = check_project(read_project(home, environment))
    if loaded is None:
        raise NotInOrder(problems)
    return Workbench(loaded)


def _bundle(result: ProcessResult) -> bytes | None:
    for wanted in _JSON_TYPES:
        for output in result.outputs:
            if plain_type(output.content_type) == wanted:
                return output.body
    return None


def _bare_channel() -> ChannelConfig:
    return ChannelConfig(
        name=BARE,
        file="",
        listener=DirectoryListenerConfig(path=""),
        destinations=(FhirDestinationConfig(name="bundle", url=""),),
    )
