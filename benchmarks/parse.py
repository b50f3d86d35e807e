"""CPU per message of parsing and reading some fields: `python benchmarks/parse.py [--peers DIR]`.

A synthetic ADT A01 of 2 KB and an ORU R01 with 30 results, from bytes, for every parser: twelve
fields that a feed's patient and visit need are read. Medians of CPU time, all parsers interleaved
in one run; the ratios hold on other machines. Peers that are no dependency (hl7kit, medforge,
hl7conv2: Rust) are measured when DIR, the site-packages of a venv that has them, is given.
"""

import argparse
import importlib
import statistics
import sys
import time
from collections.abc import Callable
from types import ModuleType

import hl7

from engine.hl7v2.groups import group
from engine.hl7v2.header import peek, peek_fields
from engine.hl7v2.parser import parse

Parser = Callable[[bytes], object]

OURS = "parse and read 12 fields"
REFERENCE = "python-hl7: parse"
ROUNDS = 15
SECONDS_A_ROUND = 0.03


def joined(text: str) -> str:
    """A message from one line per segment; indented lines go on with it."""
    return text.strip().replace("\n  ", "").replace("\n", "\r") + "\r"


ADT = joined(r"""
MSH|^~\&|REGADT^1.3.6.1.4.1.99^ISO|ALDWICK|ENGINE|NORTH|20260301101500.000+0100||ADT^A01
  ^ADT_A01|MSG0000042|P|2.5.1|||AL|NE||UNICODE UTF-8
EVN|A01|20260301101459+0100|||OPR17^Gale^Robin^^^^^^ALDWICK|20260301101000+0100|ALDWICK
PID|1||700012345^^^ALDWICK&1.3.6.1.4.1.99.1&ISO^MR^ALDWICK~AC-99881^^^ALDWICK&1.3.6.1.4.1.99.2
  &ISO^AN||Gren^Mira^J^^Ms^^L^A~Tolle^Mira^^^^^M||19740228|F||2106-3^White^HL70005
  |12 Lower Mill^Flat 3^Aldwick^NY^12207^USA^H^^ALBANY||^PRN^PH^^1^555^5550100~^NET^Internet
  ^mira@example.org|^WPN^PH^^1^555^5550101|en^English^ISO639|M^Married^HL70002|CHR^Christian
  ^HL70006|AC-99881^^^ALDWICK^AN|||||Aldwick|N|1|USA^United States^ISO3166||||N
NK1|1|Gren^Tomas^K|SPO^Spouse^HL70063|12 Lower Mill^Flat 3^Aldwick^NY^12207^USA^H|^PRN^PH^^1
  ^555^5550102|^WPN^PH^^1^555^5550103|C^Emergency Contact^HL70131|20200101
NK1|2|Tolle^Ada|MTH^Mother^HL70063|8 High Row^^Aldwick^NY^12207^USA^H|^PRN^PH^^1^555^5550104||N
  ^Next of Kin^HL70131|20200101
PV1|1|I|3W^312^B^ALDWICK^^BED^MAIN^3|E^Emergency^HL70007|||1234567893^Hale^Ruth^A^^Dr^MD^^NPI
  &2.16.840.1.113883.4.6&ISO^L^^^NPI|2345678901^Boon^Omar^^^Dr^MD^^NPI&2.16.840.1.113883.4.6
  &ISO||MED||||7|A0||1234567893^Hale^Ruth^A^^Dr^MD^^NPI&2.16.840.1.113883.4.6&ISO|INP|V-556677^
  ^^ALDWICK&1.3.6.1.4.1.99.3&ISO^VN|COM|||||||||||||||||||ALDWICK||||20260301100500+0100
PV2||2^Semi-private^HL70021|R07.9^Chest pain^I10|||||20260301|20260304|3||||||||||||N||||||||||
  |N
AL1|1|DA^Drug allergy^HL70127|70618^Penicillin^RXNORM|SV^Severe^HL70128|Hives~Wheeze|20010512
AL1|2|FA^Food allergy^HL70127|91935009^Peanut^SCT|MO^Moderate^HL70128|Rash|20100101
DG1|1||R07.9^Chest pain, unspecified^I10||20260301101000+0100|A||||||||||1|2345678901^Boon^Omar
IN1|1|PPO01^Plan A^L|INS77^^^ALDWICK^XX|Fair Mutual|PO Box 9^^Albany^NY^12201^USA||^WPN^PH^^1
  ^555^5550199|GRP-12|Mill Works||||20250101|20261231|||Gren^Mira^J|SEL^Self^HL70063|19740228
  |12 Lower Mill^Flat 3^Aldwick^NY^12207^USA^H|||1||||||||||||||POL-3344
""")
_LINES = ADT.split("\r")
ORU = joined(
    r"""
MSH|^~\&|LAB|ALDWICK|ENGINE|NORTH|20260301111500+0100||ORU^R01^ORU_R01|MSG0000043|P|2.5.1
"""
    f"{_LINES[2]}\n{_LINES[5]}"
    r"""
ORC|RE|P-1001^ENGINE|F-2001^LAB||CM||||20260301111000+0100|||1234567893^Hale^Ruth
OBR|1|P-1001^ENGINE|F-2001^LAB|24323-8^Comprehensive metabolic panel^LN|||20260301103000+0100||
  |||||20260301104500+0100||1234567893^Hale^Ruth||||||20260301111000+0100||CH|F
"""
    + "\n".join(
        f"OBX|{number}|NM|2345-{number % 10}^Analyte {number} in serum or plasma^LN^GLU{number}"
        f"^Analyte {number}^L||{90 + number}.5|mg/dL^milligram per decilitre^UCUM|70-99|N|||F"
        "|||20260301103000+0100||TECH7^Lund^Ines||ANALYZER3|20260301110500+0100"
        for number in range(1, 31)
    )
)
TOUCHED = (
    ("MSH", 9, 1), ("MSH", 9, 2), ("MSH", 10, 1), ("PID", 3, 1), ("PID", 3, 4), ("PID", 3, 5),
    ("PID", 5, 1), ("PID", 5, 2), ("PID", 7, 1), ("PID", 8, 1), ("PV1", 2, 1), ("PV1", 19, 1),
)  # fmt: skip
"""(segment, field, component), read from the first repetition."""


def ours(raw: bytes) -> list[str]:
    message = parse(raw).message
    assert message is not None
    marks = message.delimiters
    found = []
    for name, number, component in TOUCHED:
        text = message.segment_list(name)[0].field(number)
        pieces = text.split(marks.repetition, 1)[0].split(marks.component)
        found.append(pieces[component - 1] if component <= len(pieces) else "")
    return found


def python_hl7(raw: bytes) -> list[str]:
    message = hl7.parse(raw.decode())
    found = []
    for name, number, component in TOUCHED:
        field = message.segment(name)[number]
        repetition = field[0]
        if isinstance(repetition, str):
            found.append(repetition)
        else:
            found.append(str(repetition[component - 1]))
    return found


def with_hl7kit(module: ModuleType) -> Parser:
    paths = [f"{name}-{number}.{component}" for name, number, component in TOUCHED]

    def run(raw: bytes) -> object:
        message = module.parse(raw)
        return [message.get(path) for path in paths]

    return run


def with_medforge(module: ModuleType) -> Parser:
    def run(raw: bytes) -> object:
        message = module.parse(raw.decode())
        return [
            message.segment(name).field(number).component(component)
            for name, number, component in TOUCHED
            if name != "MSH"
        ]

    return run


def with_hl7conv2(module: ModuleType) -> Parser:
    def run(raw: bytes) -> object:
        return module.Hl7Json(raw.decode()).hl7_json

    return run


PEERS = {
    "hl7kit": ("hl7kit, Rust: parse and read", with_hl7kit),
    "medforge": ("medforge, Rust: parse and read", with_medforge),
    "hl7conv2": ("hl7conv2, Rust: to JSON", with_hl7conv2),
}


def parsers() -> dict[str, Parser]:
    """Name to parser: ours, python-hl7, and the peers that can be imported."""
    found: dict[str, Parser] = {
        "header.peek": peek,
        "header.peek_fields, 3 fields": lambda raw: peek_fields(
            raw, (("PID", 3), ("PV1", 19), ("MRG", 1))
        ),
        "parse": parse,
        OURS: ours,
        "parse and group": lambda raw: group(parse(raw).message),
        REFERENCE: lambda raw: hl7.parse(raw.decode()),
        "python-hl7: parse and read": python_hl7,
    }
    for name, (title, make) in PEERS.items():
        try:
            found[title] = make(importlib.import_module(name))
        except ImportError:
            print(f"{name} is not installed: not measured", file=sys.stderr)
    return found


def measure(raw: bytes) -> dict[str, float]:
    """CPU microseconds per message, the median of interleaved rounds."""
    chosen = parsers()
    rounds: dict[str, list[float]] = {name: [] for name in chosen}
    counts = {name: calibrated(run, raw) for name, run in chosen.items()}
    for _ in range(ROUNDS):
        for name, run in chosen.items():
            start = time.process_time()
            for _ in range(counts[name]):
                run(raw)
            rounds[name].append((time.process_time() - start) / counts[name] * 1e6)
    return {name: statistics.median(times) for name, times in rounds.items()}


def calibrated(run: Parser, raw: bytes) -> int:
    """How many calls fill one round."""
    run(raw)
    start = time.process_time()
    for _ in range(5):
        run(raw)
    each = max((time.process_time() - start) / 5, 1e-7)
    return max(1, int(SECONDS_A_ROUND / each))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--peers", help="site-packages of a venv with the Rust parsers")
    chosen = options.parse_args()
    if chosen.peers:
        sys.path.append(chosen.peers)
    for name, text in (("ADT A01", ADT), ("ORU R01", ORU)):
        raw = text.encode()
        assert not parse(raw).diagnostics
        assert ours(raw)[3:] == python_hl7(raw)[3:]
        found = measure(raw)
        reference = found[REFERENCE]
        print(f"{name}, {len(raw)} bytes, {text.count(chr(13))} segments")
        for title, microseconds in found.items():
            print(f"  {title:34} {microseconds:9.1f} us   1/{reference / microseconds:.1f}")


if __name__ == "__main__":
    main()
