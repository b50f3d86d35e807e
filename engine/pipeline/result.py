"""Pure. What processing one message gives: a state, what to send where, and what was noticed."""

from dataclasses import dataclass
from typing import Any

from engine.cda.document import Document
from engine.channel.preprocess import Edit
from engine.diagnostics import Diagnostic
from engine.fhir.entries import Entry
from engine.hl7v2.message import Message
from engine.pipeline.states import State
from engine.pipeline.version_order import DocumentVersion

FHIR_JSON = "application/fhir+json"
FHIR_DOCUMENT = f"{FHIR_JSON}; bundle=document"
"""A Bundle of type document, which is kept whole."""
HL7_V2 = "x-application/hl7-v2+er7"


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What one destination is to be sent, to the byte."""

    destination: str
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessResult:
    """The whole outcome of step 7. Everything the engine, `convert`, `explain` and `test` show."""

    state: State
    """TRANSFORMED, FILTERED, ERROR or HELD."""
    outputs: tuple[Output, ...] = ()
    """Empty unless TRANSFORMED."""
    diagnostics: tuple[Diagnostic, ...] = ()
    search_keys: tuple[tuple[str, str], ...] = ()
    """(kind, value), also for messages that fail."""
    event_at: float | None = None
    """When it happened by the message (EVN-2, else MSH-7), else when received; Unix seconds."""
    entries: tuple[Entry, ...] = ()
    """The resources made, as they are sent."""
    edits: tuple[Edit, ...] = ()
    """What preprocess rules did to the message."""
    sender: int | None = None
    """Place of the entry of the channel's `senders` that applied."""
    message: Message | None = None
    """The parsed message, for reports; None when it could not be read, or is a document."""
    document: Document | None = None
    """The parsed document, where one was received."""
    versions: tuple[DocumentVersion, ...] = ()
    """Of the documents it is or holds, for which newer ones may be known."""
    resource_ids: tuple[str, ...] = ()
    """Of the entries, where those are left out."""

    def diagnostic_values(self) -> tuple[dict[str, Any], ...]:
        """The diagnostics in their JSON form."""
        return tuple(found.as_dict() for found in self.diagnostics)

    def without_values(self) -> "ProcessResult":
        """The same without message and resources.

        Those are thousands of objects: kept until a turn ends, they cost a third of processing,
        because each message then works in memory that no cache holds.
        """
        return ProcessResult(
            state=self.state,
            outputs=self.outputs,
            diagnostics=self.diagnostics,
            search_keys=self.search_keys,
            event_at=self.event_at,
            versions=self.versions,
            resource_ids=tuple([one.resource_id for one in self.entries]) if self.outputs else (),
        )
