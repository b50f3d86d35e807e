"""What a C-CDA document costs: CPU of reading, mapping and writing JSON, beside a peer, and memory.

    python -m benchmarks.cda [--rounds 5] [--largest 50] [--peer FOLDER]

The document is samples/cda/ccd-rich.xml, its sections repeated with other ids until it has the
size, each time with narrative beside them, so that there are some 450 resources a megabyte as in
the shared corpora; `--dense` leaves that out. Every size is measured in a process of its own, so
that its memory is its own. The peer is @medplum/ccda of npm, installed for this only: `npm
install @medplum/ccda@4.5.2 @medplum/core@4.5.2` in FOLDER; it gets the same bytes. Times are CPU,
best of the rounds, in one run; the ratios are what counts.
"""

import argparse
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from engine.cda.reader import parse_document
from engine.channel.model import FhirDestinationConfig
from engine.fhir.bundle import encode_bundle
from engine.mapping.compiler.documents import DocumentProgram, compile_documents
from engine.mapping.library import read_library
from engine.mapping.run import MapContext
from engine.pipeline.process import FOLDED_BYTES_MIN
from engine.pipeline.repair import repair_entries
from engine.runtime.worker.memory import give_back

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "samples" / "cda" / "ccd-rich.xml"
SIZES = (75_000, 1_000_000, 10_000_000, 50_000_000)
CONTEXT = MapContext(time_zone="America/Chicago", source_system="urn:bench")
CAPABILITIES = FhirDestinationConfig(name="", url="").capabilities
_OWN_ID = re.compile(r'(root="2\.16\.840\.1\.113883\.19\.5\.9" extension=")([^"]+)"')
_NAME = re.compile(r'(<tr ID=|<reference value=)"(#?)([^"]+)"')

NARRATIVE = (
    '<component><section><code code="11488-4" codeSystem="2.16.840.1.113883.6.1"/>'
    "<title>Consultation</title><text><table><tbody>{rows}</tbody></table></text></section></component>"
)
ROW = (
    '<tr><td>18 March 2024</td><td><content styleCode="Bold">Blood pressure</content></td>'
    "<td>132/78 mm[Hg]</td><td>measured at rest, sitting, left arm</td></tr>\n"
)

PEER = """
const fs = require('fs');
const { convertCcdaToFhir } = require('@medplum/ccda');
const ccda = require('@medplum/ccda');
const raw = fs.readFileSync(process.argv[2], 'utf8');
const rounds = Number(process.argv[3]);
let best = Infinity, resources = 0, size = 0;
for (let i = 0; i < rounds; i++) {
  const began = process.cpuUsage();
  const xml = ccda.convertXmlToCcda(raw);
  const bundle = convertCcdaToFhir(xml);
  size = JSON.stringify(bundle).length;
  const spent = process.cpuUsage(began);
  best = Math.min(best, (spent.user + spent.system) / 1000);
  resources = bundle.entry.length;
}
console.log(JSON.stringify({ milliseconds: best, resources, size }));
"""


def document_of(size: int, *, dense: bool = False) -> bytes:
    """The sample with its sections repeated, each time with other ids, up to a size in bytes.

    Args:
        size: of the document.
        dense: without the narrative that stands beside the entries of real documents.
    """
    text = SAMPLE.read_text("utf-8")
    head, rest = text.split("<structuredBody>", 1)
    sections, tail = rest.rsplit("</structuredBody>", 1)
    if not dense:
        sections += NARRATIVE.format(rows=ROW * (len(sections) * 3 // 2 // len(ROW)))
    times = max(1, round((size - len(head) - len(tail)) / len(sections)))
    parts = [_renamed(sections, number) for number in range(times)]
    return f"{head}<structuredBody>{''.join(parts)}</structuredBody>{tail}".encode()


def _renamed(sections: str, number: int) -> str:
    if number == 0:
        return sections
    text = _OWN_ID.sub(rf'\g<1>\g<2>-{number}"', sections)
    return _NAME.sub(rf'\g<1>"\g<2>\g<3>-{number}"', text)


def library() -> DocumentProgram:
    """The compiled library of documents."""
    files = {
        str(path.relative_to(ROOT)): path.read_text("utf-8")
        for path in sorted((ROOT / "transforms" / "cda").rglob("*"))
        if path.suffix in (".yaml", ".csv")
    }
    return compile_documents(read_library(files)[0])


def convert(program: DocumentProgram, raw: bytes) -> tuple[float, float, float, int]:
    """CPU milliseconds of reading, mapping, and checking and writing; and how many resources."""
    times = [time.process_time()]
    document = parse_document(raw, folds_from=FOLDED_BYTES_MIN).document
    assert document is not None
    times.append(time.process_time())
    made = program.convert(document, CONTEXT)
    del document  # as a worker does
    give_back(len(raw))
    times.append(time.process_time())
    entries, _ = repair_entries(made.entries)
    encode_bundle(entries, interaction="transaction", identity="update", capabilities=CAPABILITIES)
    times.append(time.process_time())
    read, mapped, written = ((after - before) * 1000 for before, after in pairwise(times))
    return read, mapped, written, len(entries)


def measure(size: int, rounds: int, *, dense: bool) -> dict[str, float]:
    """One size, in this process; prints nothing."""
    program = library()
    convert(program, document_of(0))
    raw = document_of(size, dense=dense)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    best = min((convert(program, raw) for _ in range(rounds)), key=lambda one: sum(one[:3]))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "kilobytes": len(raw) / 1000,
        "read": best[0],
        "map": best[1],
        "write": best[2],
        "all": sum(best[:3]),
        "resources": best[3],
        "grown": (grown - before) / 1000,
        "memory": grown / 1000,
    }


def peer_milliseconds(folder: Path, raw: bytes, rounds: int) -> float | None:
    """CPU of the peer for the same bytes; None where it does not get through."""
    with tempfile.TemporaryDirectory() as place:
        document = Path(place) / "document.xml"
        document.write_bytes(raw)
        script = folder / "benchmark.js"
        script.write_text(PEER, "utf-8")
        command = ["node", "--max-old-space-size=4000", script.name, str(document), str(rounds)]
        ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    return json.loads(ran.stdout)["milliseconds"] if ran.returncode == 0 else None


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--largest", type=int, default=50, help="megabytes")
    arguments.add_argument("--peer", type=Path, help="a folder with @medplum/ccda")
    arguments.add_argument("--dense", action="store_true", help="entries without narrative")
    arguments.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.one:
        print(json.dumps(measure(options.one, options.rounds, dense=options.dense)))
        return
    print(
        f"{'kB':>7}{'resources':>11}{'read':>9}{'map':>9}{'write':>9}{'all ms':>9}"
        f"{'ms/MB':>8}{'memory MB':>11}{'peer ms':>10}{'peer/ours':>10}"
    )
    for size in (one for one in SIZES if one <= options.largest * 1_000_000):
        rounds = options.rounds if size < 5_000_000 else 1
        command = [sys.executable, "-m", "benchmarks.cda", "--one", str(size)]
        command += ["--rounds", str(rounds), *(["--dense"] if options.dense else [])]
        ran = subprocess.run(
            command,
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        one = json.loads(ran.stdout)
        peer = None
        if options.peer is not None:
            peer = peer_milliseconds(options.peer, document_of(size, dense=options.dense), rounds)
        line = f"{one['kilobytes']:>7.0f}{one['resources']:>11.0f}{one['read']:>9.1f}"
        line += f"{one['map']:>9.1f}{one['write']:>9.1f}{one['all']:>9.1f}"
        line += f"{one['all'] / one['kilobytes'] * 1000:>8.0f}{one['memory']:>11.0f}"
        shown = "-" if peer is None else f"{peer:.1f}"
        ratio = "-" if peer is None else f"{peer / one['all']:.2f}"
        print(f"{line}{shown:>10}{ratio:>10}", flush=True)


if __name__ == "__main__":
    main()
