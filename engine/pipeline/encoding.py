"""Pure. The resources of a message as the bytes for each destination."""

from collections.abc import Iterator, Sequence

from engine.diagnostics import Diagnostic
from engine.fhir.bundle import encode_bundle, encode_document
from engine.fhir.entries import Entry
from engine.fhir.marks import write_marks
from engine.pipeline.moments import instant_of
from engine.pipeline.plan import Form
from engine.pipeline.result import FHIR_DOCUMENT, FHIR_JSON, Output


def encode_outputs(
    entries: Sequence[Entry],
    forms: Sequence[Form],
    *,
    timestamp: str | None,
    assembled_at: float | None = None,
    whole: Sequence[Entry] | None = None,
) -> tuple[dict[str, Output], list[Diagnostic]]:
    """One output for each destination that takes Bundles.

    Args:
        entries: the resources, checked.
        forms: how Bundles are written, and for whom.
        timestamp: an instant for transactions and batches.
        assembled_at: of a document: its time, in Unix seconds; None for a message.
        whole: of a document of which less is sent as requests: all of it, for Bundles that hold it
            as the document it is.

    Raises:
        ValueError: a document without a Composition.
    """
    outputs: dict[str, Output] = {}
    problems: list[Diagnostic] = []
    for form in forms:
        if assembled_at is not None and form.bundle == "document":
            held = entries if whole is None else whole
            encoded = encode_document(held, timestamp=instant_of(assembled_at))
            problems.extend(encoded.diagnostics)
            for name in form.destinations:
                outputs[name] = Output(
                    destination=name, content_type=FHIR_DOCUMENT, body=encoded.body
                )
            continue
        for names, merging in _ways(form, entries):
            encoded = encode_bundle(
                entries,
                interaction=form.interaction,
                identity=form.identity,
                capabilities=form.capabilities,
                timestamp=timestamp,
                merging=merging,
            )
            problems.extend(one for one in encoded.diagnostics if one not in problems)
            marked = write_marks(FHIR_JSON, encoded.marks)
            for name in names:
                kind = marked if name in form.merging else FHIR_JSON
                outputs[name] = Output(destination=name, content_type=kind, body=encoded.body)
    return outputs, problems


def _ways(form: Form, entries: Sequence[Entry]) -> Iterator[tuple[Sequence[str], bool]]:
    """The destinations that are sent the same bytes.

    They differ only where something is said of resources that others made: who does not merge must
    not be sent it.
    """
    plain = [name for name in form.destinations if name not in form.merging]
    if not form.merging or not plain or not any(one.only_merged for one in entries):
        yield form.destinations, bool(form.merging)
        return
    yield plain, False
    yield [name for name in form.destinations if name in form.merging], True
