"""Messages with the Bundle another converter published for them."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpora" / "v2"

FAMILIES = ("microsoft", "google-whistle", "reportstream", "trusted-intermediary")
"""The last runs the engine of the one before it: it is shown, and not counted as an opinion."""

TIME_ZONES = {"microsoft": "Asia/Kolkata"}
"""Where the converter evidently ran; else UTC. Times without an offset are read there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A message and what was published for it."""

    family: str
    name: str
    message: Path
    published: Path

    @property
    def held_out(self) -> bool:
        """True: not to be looked at while maps are tuned. Of Microsoft the second of each type."""
        if self.family == "microsoft":
            return self.name.endswith(("-02", "-2"))
        return bool(zlib.crc32(self.name.encode()) % 2)


def find_pairs(family: str, corpus: Path = CORPUS) -> list[Pair]:
    """All pairs of one family, in the order of their names."""
    found = [
        Pair(family=family, name=message.stem, message=message, published=published)
        for message, published in _files(family, corpus / family)
        if message.exists()
    ]
    return sorted(found, key=lambda pair: (pair.name, str(pair.message)))


def _files(family: str, folder: Path) -> Iterator[tuple[Path, Path]]:
    if family == "microsoft":
        for published in folder.glob("expected_hl7v2/*/*-expected.json"):
            name = published.name.removesuffix("-expected.json")
            yield folder / "input_hl7v2" / f"{name}.hl7", published
    elif family == "google-whistle":
        for published in folder.glob("unit_tests/messages/*.hl7.fhir.output.json"):
            name = published.name.partition(".")[0]
            yield folder / "reconstructed_er7" / f"{name}.hl7", published
    elif family == "reportstream":
        for published in folder.rglob("*.fhir"):
            yield published.with_suffix(".hl7"), published
    else:
        for published in folder.rglob("*_1_hl7_translation.fhir"):
            name = published.name.removesuffix("_1_hl7_translation.fhir")
            yield published.with_name(f"{name}_0_initial_message.hl7"), published
