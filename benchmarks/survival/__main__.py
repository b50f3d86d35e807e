"""`python -m benchmarks.survival [--folder microsoft] [--type ADT_A01] [FILE ...]`."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.agreement.ours import library_program
from benchmarks.agreement.page import write_part
from benchmarks.agreement.pairs import CORPUS
from benchmarks.survival import report
from benchmarks.survival.outcome import Outcome, outcomes
from benchmarks.tables import text_table
from engine.hl7v2 import batch, header

SUFFIXES = (".hl7", ".txt")


def main() -> int:
    """Print survival by segment, and the fields behind each state that is work."""
    options = _options()
    files = options.files or sorted(
        path
        for path in (CORPUS / options.folder).rglob("*")
        if path.suffix.lower() in SUFFIXES and path.is_file()
    )
    found = [one for path in files for one in survive(path, options.type)]
    if not found:
        print("no message here is served by a map", file=sys.stderr)
        return 1
    if options.write:
        write_part("survival", report.markdown(found, options.fields))
        return 0
    print(text_table(report.HEAD, report.by_segment(found)))
    for state in ("silent", "condition", "unwritten", "unmapped", "key", "reported"):
        print(f"\n{state}:")
        for name, count, example in report.fields_in(found, state)[: options.fields]:
            print(f"  {count:6} {name:12} {example}")
    print("\nnot counted as mapped, but in the output:")
    for name, count, example in report.miscounted(found)[: options.fields]:
        print(f"  {count:6} {name:12} {example}")
    return 0


def survive(path: Path, only: str = "") -> Iterator[Outcome]:
    """The outcomes of all messages of a file, or those of one type."""
    for raw in batch.split(path.read_bytes()).messages:
        head = header.peek(raw)
        if not only or f"{head.message_code}_{head.trigger_event}" == only:
            yield from outcomes(raw, library_program())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="messages; else the shared corpora")
    parser.add_argument("--folder", default="", help="one folder of the corpora")
    parser.add_argument("--type", default="", help="one message type, such as ADT_A01")
    parser.add_argument("--fields", type=int, default=40, help="fields to list for each state")
    parser.add_argument("--write", action="store_true", help="write the summary to the page")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
