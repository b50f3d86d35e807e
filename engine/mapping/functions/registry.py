"""Pure. All functions of the mapping language by name: one table, no registration at import."""

from engine.mapping.functions import (
    authors,
    codes,
    dates,
    documents,
    identifiers,
    keeping,
    lengths,
    links,
    merging,
    numbers,
    periods,
    reporting,
    results,
    systems,
    text,
    timing,
)
from engine.mapping.functions.record import FunctionRecord

FUNCTIONS: dict[str, FunctionRecord] = {
    record.name: record
    for records in (
        text.RECORDS,
        dates.RECORDS,
        periods.RECORDS,
        lengths.RECORDS,
        timing.RECORDS,
        numbers.RECORDS,
        codes.RECORDS,
        identifiers.RECORDS,
        links.RECORDS,
        merging.RECORDS,
        systems.RECORDS,
        keeping.RECORDS,
        reporting.RECORDS,
        results.RECORDS,
        documents.RECORDS,
        authors.RECORDS,
    )
    for record in records
}
