"""Agreement for C-CDA: the guide's own pairs, and what Microsoft published.

    python -m benchmarks.agreement.documents [--family guide] [--worst 20] [--diff NAME] [--write]

A pair of the guide is a fragment and one resource: the fragment is wrapped in a small document, and
only the resource of ours that is most like the published one is compared. Figures and ledger go
into docs/agreement-cda.md. The scorer is that of messages (`frozen.py`).
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.agreement import report
from benchmarks.agreement.compare import Comparison, Tally, compare
from benchmarks.agreement.elements import read_bundle
from benchmarks.agreement.frozen import digest
from benchmarks.agreement.ledger import Difference, LedgerRow, ledger, read_decisions
from benchmarks.agreement.page import write_part
from benchmarks.tables import markdown_table
from engine.cda.reader import parse_document
from engine.channel.model import FhirDestinationConfig
from engine.fhir.bundle import encode_bundle
from engine.mapping.compiler.documents import DocumentProgram, compile_documents
from engine.mapping.library import read_library
from engine.mapping.run import MapContext
from engine.pipeline.repair import repair_entries

ROOT = Path(__file__).resolve().parents[2]
CORPORA = ROOT.parent / "shared" / "corpora"
PAIRS = CORPORA / "ccda-on-fhir-ig" / "pairs"
MICROSOFT = CORPORA / "ccda" / "microsoft"
PAGE = ROOT / "docs" / "agreement-cda.md"
DECISIONS = Path(__file__).resolve().parent / "decisions_cda.csv"
FAMILIES = ("guide", "microsoft")
CAPABILITIES = FhirDestinationConfig(name="", url="").capabilities
UNDECIDED_SHOWN = 20

SECTIONS = {
    "allergies": "48765-2",
    "encounters": "46240-8",
    "immunizations": "11369-6",
    "medications": "10160-0",
    "notes": "34109-9",
    "problems": "11450-4",
    "procedures": "47519-4",
    "results": "30954-2",
    "social": "29762-2",
    "vitals": "8716-3",
}
"""Page of the guide to the section its fragments stand in."""

_TOP = (
    '<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:sdtc="urn:hl7-org:sdtc"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    '<id root="2.16.840.1.113883.19.5" extension="PAIR"/><effectiveTime value="20240101"/>'
)
_PATIENT = (
    '<recordTarget><patientRole><id root="2.16.840.1.113883.19.5" extension="1"/>'
    "</patientRole></recordTarget>"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentPair:
    """A document or fragment and what was published for it."""

    family: str
    name: str
    raw: bytes
    published: Any

    @property
    def kind(self) -> str:
        """The page of the guide, or the type of the document."""
        return self.name.split("-")[1] if self.family == "guide" else "documents"


def find_pairs(family: str) -> Iterator[DocumentPair]:
    """All pairs of a family, by name."""
    if family == "guide":
        for path in sorted(PAIRS.glob("*.xml")):
            page, number = path.stem.rsplit("-", 1)
            other = path.with_name(f"{page}-{int(number) + 1:02}.json")
            yield DocumentPair(
                family=family,
                name=path.stem,
                raw=wrapped(page.removeprefix("CF-"), path.read_text("utf-8")),
                published=[json.loads(other.read_text("utf-8"))],
            )
        return
    for path in sorted((MICROSOFT / "data").rglob("*.ccda")):
        found = sorted((MICROSOFT / "src").rglob(f"{path.stem}-expected.json"))
        found += sorted((MICROSOFT / "src").rglob(f"{path.name}-expected.json"))
        if found:
            yield DocumentPair(
                family=family,
                name=path.stem,
                raw=path.read_bytes(),
                published=json.loads(found[0].read_text("utf-8-sig")),
            )


def wrapped(page: str, fragment: str) -> bytes:
    """A fragment in the smallest document it can stand in."""
    if fragment.lstrip().startswith("<recordTarget"):
        inner = fragment
    elif fragment.lstrip().startswith("<Organization"):
        body = fragment.replace("<Organization", "<representedCustodianOrganization")
        body = body.replace("</Organization", "</representedCustodianOrganization")
        inner = f"{_PATIENT}<custodian><assignedCustodian>{body}</assignedCustodian></custodian>"
    elif "<encompassingEncounter" in fragment:
        whole = fragment if "<componentOf" in fragment else f"<componentOf>{fragment}</componentOf>"
        inner = _PATIENT + whole
    else:
        whole = fragment.lstrip().startswith("<entry")
        entry = fragment if whole else f"<entry>{fragment}</entry>"
        inner = (
            f"{_PATIENT}<component><structuredBody><component><section>"
            f'<code code="{SECTIONS[page]}" codeSystem="2.16.840.1.113883.6.1"/><text/>'
            f"{entry}</section></component></structuredBody></component>"
        )
    return f"{_TOP}{inner}</ClinicalDocument>".encode()


@cache
def program() -> DocumentProgram:
    """The compiled library of documents."""
    files = {
        str(path.relative_to(ROOT)): path.read_text("utf-8")
        for path in sorted((ROOT / "transforms" / "cda").rglob("*"))
        if path.suffix in (".yaml", ".csv")
    }
    library, problems = read_library(files)
    if problems:
        raise SystemExit("\n".join(str(problem) for problem in problems))
    return compile_documents(library)


def our_bundle(raw: bytes) -> Any:
    """What we make of a document, as parsed JSON; an empty Bundle when it cannot be read."""
    document = parse_document(raw, repair_cp1252=True).document
    if document is None:
        return {}
    made = program().convert(document, MapContext(time_zone="UTC", source_system="urn:agreement"))
    entries, _ = repair_entries(made.entries)
    body = encode_bundle(
        entries, interaction="transaction", identity="update", capabilities=CAPABILITIES
    ).body
    return msgspec.json.decode(body)


def compare_pair(pair: DocumentPair) -> Comparison:
    """Our Bundle against the published one."""
    ours = our_bundle(pair.raw)
    if pair.family != "guide":
        return compare(read_bundle(ours), read_bundle(pair.published))
    kinds = {
        one["resourceType"]
        for published in pair.published
        for one in (published, *published.get("contained", ()))
    }
    same = [one for one in ours.get("entry", ()) if one["resource"]["resourceType"] in kinds]
    found = compare(read_bundle({"entry": same}), read_bundle(pair.published))
    paired = [one for one in found.resources if one.side != "ours"]
    alone = [one for one in found.resources if one.side == "ours"]
    paths = {path: Tally(**_numbers(tally)) for path, tally in found.paths.items()}
    for one in alone:
        for (path, _), count in one.ours.items():
            paths[f"{one.resource_type}.{path}"].ours -= count
    return Comparison(resources=paired, paths=paths)


def _numbers(tally: Tally) -> dict[str, int]:
    return {name: getattr(tally, name) for name in ("both", "differ", "ours", "theirs")}


def results(family: str) -> list[tuple[DocumentPair, Comparison]]:
    """All comparisons of a family."""
    return [(pair, compare_pair(pair)) for pair in find_pairs(family)]


def figures(compared: dict[str, list[tuple[DocumentPair, Comparison]]]) -> str:
    """A table of both families, and of the guide's pages."""
    rows: list[tuple[str, ...]] = []
    for family, found in compared.items():
        rows.append(_row(f"{family}, all", [one for _, one in found]))
        kinds = sorted({pair.kind for pair, _ in found})
        if len(kinds) > 1:
            rows += [
                _row(f"{family}, {kind}", [one for pair, one in found if pair.kind == kind])
                for kind in kinds
            ]
    head = ("family", "pairs", *report.HEAD[1:])
    return f"Digest of the scorer: `{digest()}`.\n\n{markdown_table(head, rows)}"


def _row(name: str, found: list[Comparison]) -> tuple[str, ...]:
    elements, resources = Tally(), Tally()
    for one in found:
        elements.add(one.total())
        resources.add(one.resource_total())
    shares = (
        elements.precision, elements.recall, elements.f1, elements.agreement,
        resources.precision, resources.recall,
    )  # fmt: skip
    return (name, str(len(found)), *(f"{share:.1%}" for share in shares))


def decided(compared: dict[str, list[tuple[DocumentPair, Comparison]]]) -> str:
    """The ledger: summary, decisions with counts, the greatest undecided differences."""
    families = [(family, [one for _, one in found]) for family, found in compared.items()]
    rows, undecided = ledger(families, read_decisions(DECISIONS))
    rows = [row for row in rows if row.counts]
    verdicts: Counter[str] = Counter()
    for row in rows:
        verdicts[row.decision.verdict] += row.counts.total()
    verdicts["undecided"] = sum(counts.total() for counts in undecided.values())
    total = verdicts.total() or 1
    summary = [(name, str(n), f"{n / total:.1%}") for name, n in verdicts.most_common()]
    return "\n".join(
        [
            markdown_table(("verdict", "elements", "share"), summary),
            "",
            markdown_table(("elements", "kind", *FAMILIES, "verdict", "why"), map(_cells, rows)),
            "",
            "Not decided, the most frequent:",
            "",
            markdown_table(("element", "kind", *FAMILIES), _undecided(undecided)),
        ]
    )


def _cells(row: LedgerRow) -> tuple[str, ...]:
    one = row.decision
    counts = (str(row.counts[family]) for family in FAMILIES)
    return (f"`{one.elements}`", one.kinds, *counts, one.verdict, one.why.replace("|", "\\|"))


def _undecided(found: dict[Difference, Counter[str]]) -> list[tuple[str, ...]]:
    ranked = sorted(found.items(), key=lambda item: (-item[1].total(), item[0]))
    return [
        (f"`{path}`", kind, *(str(counts[family]) for family in FAMILIES))
        for (path, kind), counts in ranked[:UNDECIDED_SHOWN]
    ]


def main() -> int:
    """Print the figures and what is not decided; 1 when there is nothing to compare."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--family", choices=FAMILIES)
    arguments.add_argument("--diff", default="", help="show one pair, by its name")
    arguments.add_argument("--write", action="store_true", help="write figures and ledger")
    options = arguments.parse_args()
    if not PAIRS.exists():
        print(f"the shared corpora are not here: {PAIRS}", file=sys.stderr)
        return 1
    if options.diff:
        for family in FAMILIES:
            for pair in find_pairs(family):
                if pair.name == options.diff:
                    print(report.difference(compare_pair(pair)))
        return 0
    compared = {family: results(family) for family in FAMILIES if options.family in (None, family)}
    if options.write:
        write_part("figures", figures(compared), PAGE)
        write_part("ledger", decided(compared), PAGE)
    else:
        print(figures(compared), decided(compared), sep="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
