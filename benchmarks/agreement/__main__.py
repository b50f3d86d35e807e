"""`python -m benchmarks.agreement [--family F] [--type ADT_A01] [--worst 20] [--diff NAME]`."""

import argparse
import sys
from pathlib import Path

from benchmarks.agreement import page, report
from benchmarks.agreement.pairs import CORPUS, FAMILIES, find_pairs
from benchmarks.agreement.score import compare_pair, score_family
from benchmarks.tables import text_table


def main() -> int:
    """Print the scores; 1 when there is nothing to compare."""
    options = _options()
    families = [options.family] if options.family else list(FAMILIES)
    if options.diff:
        return _difference(options.diff, families)
    if not CORPUS.exists():
        print(f"the shared corpora are not here: {CORPUS}", file=sys.stderr)
        return 1
    if options.write:
        return _write()
    for family in families:
        score, compared = score_family(family, only=options.type, part=options.part)
        if not compared:
            continue
        print(f"\n== {family}")
        print(text_table(("type", *report.HEAD), report.family_rows(score)))
        if options.worst:
            head = ("path", "equal", "differ", "only ours", "only theirs")
            print("\n" + text_table(head, report.path_rows(score, options.worst)))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--family", choices=FAMILIES, help="one family only")
    parser.add_argument("--type", default="", help="one message type only, such as ADT_A01")
    parser.add_argument("--part", choices=("all", "develop", "held-out"), default="all")
    parser.add_argument("--worst", type=int, default=20, help="paths to show of each family")
    parser.add_argument("--diff", default="", help="show one message: a file or its name")
    parser.add_argument("--write", action="store_true", help="write the figures to the page")
    return parser.parse_args()


def _write() -> int:
    """Write the figures and the ledger of all families to the page."""
    results = {
        (family, part): score_family(family, part=part)
        for family in FAMILIES
        for part in page.PARTS
    }
    page.write_part("figures", page.figures({key: score for key, (score, _) in results.items()}))
    compared = {family: [found for _, found in results[family, "all"][1]] for family in FAMILIES}
    page.write_part("ledger", page.decided(compared))
    return 0


def _difference(name: str, families: list[str]) -> int:
    stem = Path(name).stem.removesuffix("-expected")
    for family in families:
        for pair in find_pairs(family):
            if pair.name == stem or str(pair.message).endswith(name):
                print(f"== {family} {pair.name}")
                print(report.difference(compare_pair(pair)))
                return 0
    print(f"no pair is named {name}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
