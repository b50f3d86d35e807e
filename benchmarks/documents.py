"""Does a large embedded document cost more than its size? CPU per megabyte of OBX-5 of type ED.

    python -m benchmarks.documents [--rounds 3]

Results with a document in base64, as one text, broken by `\\.br\\` every 76 characters, and one
line an OBX, go through parse, grouping, conversion and encoding. The last column is the cost of a
megabyte against that of the smallest document: 1 is linear.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from engine.channel.model import FhirDestinationConfig
from engine.fhir.bundle import encode_bundle
from engine.hl7v2 import groups, parser
from engine.mapping.compiler.compiler import Program, compile_library
from engine.mapping.library import read_library
from engine.mapping.run import MapContext

ROOT = Path(__file__).parents[1]
SIZES = (250_000, 1_000_000, 4_000_000, 8_000_000)
LINE = 76
CONTEXT = MapContext(time_zone="Europe/London", source_system="urn:bench")
CAPABILITIES = FhirDestinationConfig(name="", url="").capabilities
HEAD = (
    "MSH|^~\\&|ENDO|NORTHVALE|C|N|20240318160000+0000||ORU^R01|EN-9|P|2.4\r"
    "PID|1||88120034^^^NVMRN^MR||Fairbrother^Elspeth\r"
    "OBR|1|EO-9|EF-9|28023-0^Report^LN|||20240318143000+0000||||||||||||||||||F\r"
)


def one_text(data: str) -> str:
    """The document in one OBX."""
    return f"OBX|1|ED|28023-0^Report^LN||ENDO^AP^PDF^Base64^{data}||||||F\r"


def broken(data: str) -> str:
    """The same with escaped line breaks."""
    return one_text("\\.br\\".join(data[at : at + LINE] for at in range(0, len(data), LINE)))


def lines(data: str) -> str:
    """Text, one line an OBX; a twentieth of the size, as each line is a resource."""
    cut = data[: len(data) // 20]
    return "".join(
        f"OBX|{number}|TX|T^Text^L||{cut[at : at + LINE]}||||||F\r"
        for number, at in enumerate(range(0, len(cut), LINE), 1)
    )


FORMS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("one text", one_text),
    ("line breaks", broken),
    ("one line an OBX", lines),
)


def library() -> Program:
    """The compiled library."""
    files = {
        str(path.relative_to(ROOT)): path.read_text("utf-8")
        for path in sorted((ROOT / "transforms").rglob("*"))
        if path.suffix in (".yaml", ".csv")
    }
    return compile_library(read_library(files)[0])


def seconds(program: Program, raw: bytes) -> float:
    """CPU of one message from bytes to a bundle."""
    began = time.process_time()
    message = parser.parse(raw).message
    assert message is not None
    result = program.convert(groups.group(message), CONTEXT)
    encode_bundle(
        result.entries, interaction="transaction", identity="update", capabilities=CAPABILITIES
    )
    return time.process_time() - began


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=3)
    rounds = arguments.parse_args().rounds
    program = library()
    seconds(program, (HEAD + one_text("QUJD")).encode())
    print(f"{'form':<18}{'kB':>8}{'ms':>10}{'ms/MB':>10}{'ratio':>8}")
    for name, form in FORMS:
        first = 0.0
        for size in SIZES:
            raw = (HEAD + form("QUJD" * (size // 4))).encode()
            best = min(seconds(program, raw) for _ in range(rounds))
            each = best * 1000 / (len(raw) / 1_000_000)
            first = first or each
            kilobytes = len(raw) // 1000
            print(f"{name:<18}{kilobytes:>8}{best * 1000:>10.1f}{each:>10.1f}{each / first:>8.2f}")


if __name__ == "__main__":
    main()
