"""Pure. The resources of a message as the calls for each Millennium destination."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.cda.header import DocumentHeader, shown
from engine.diagnostics import Diagnostic, has_errors
from engine.fhir.entries import Entry
from engine.hl7v2.message import Message
from engine.millennium.calls.body import CONTENT_TYPE, MessageFacts, encode_calls
from engine.millennium.calls.compose import Composer, compose
from engine.pipeline.document_message import message_type
from engine.pipeline.result import Output


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposedOutputs:
    """The calls for all destinations that take them."""

    outputs: dict[str, Output]
    diagnostics: tuple[Diagnostic, ...]
    held: bool
    """A code asks for a person."""
    failed: bool
    """A code is refused, or what there is to write for a destination cannot be sent at all."""


def message_facts(message: Message, event_at: str) -> MessageFacts:
    """What calls say of a message."""
    header = message.header_segment
    return MessageFacts(
        control_id=header.field(10),
        event_at=event_at,
        message_type=message.message_type,
    )


def document_facts(facts: DocumentHeader, event_at: str) -> MessageFacts:
    """What calls say of a document."""
    return MessageFacts(
        control_id=shown(facts.identifier),
        event_at=event_at,
        message_type=message_type(facts),
    )


def compose_outputs(
    entries: Sequence[Entry], composers: Sequence[Composer], message: MessageFacts
) -> ComposedOutputs:
    """One output for each destination for which there is a call.

    A destination for which none is left, because what was to be written lacks something required,
    makes the message fail: an empty delivery would look like success.
    """
    outputs: dict[str, Output] = {}
    problems: list[Diagnostic] = []
    held = failed = False
    for composer in composers:
        found = compose(entries, composer, message)
        problems.extend(one for one in found.diagnostics if one not in problems)
        held = held or found.held
        failed = failed or found.rejected or (not found.calls and has_errors(found.diagnostics))
        if found.calls:
            outputs[composer.destination] = Output(
                destination=composer.destination,
                content_type=CONTENT_TYPE,
                body=encode_calls(message, found.calls),
            )
    return ComposedOutputs(outputs=outputs, diagnostics=tuple(problems), held=held, failed=failed)
