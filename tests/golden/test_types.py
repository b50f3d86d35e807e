"""Every message type the library promises has a map, and a sample with a reviewed bundle."""

from functools import cache
from pathlib import Path

import pytest
from shipped import shipped_program

from engine.hl7v2 import header, parser

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "samples" / "hl7v2"

ADT = [*range(1, 19), 21, 22, 23, 25, 26, 27, 28, 29, 31, *range(34, 38), *range(40, 48), 60]
TYPES = [
    *(f"ADT^A{number:02}" for number in ADT),
    *(f"SIU^S{number}" for number in range(12, 27) if number != 25),  # S25 is a query
    *(f"MDM^T{number:02}" for number in range(1, 12)),
    "ORU^R01", "ORU^R30", "OUL^R22", "ORM^O01", "OML^O21", "OML^O33", "OMG^O19", "OMP^O09",
    "RDE^O11", "RDE^O25", "RDS^O13", "RAS^O17", "VXU^V04", "DFT^P03", "BAR^P01", "PPR^PC1",
    "REF^I12", "ACK^A01", "RSP^K22",
]  # fmt: skip

GROUPED = ("SIU", "MDM")
"""Their events share one map and structure: a sample of some events stands for all."""


@cache
def sampled_types() -> frozenset[str]:
    heads = (header.peek(path.read_bytes()) for path in SAMPLES.rglob("*.hl7"))
    return frozenset(f"{head.message_code}^{head.trigger_event}" for head in heads)


@pytest.mark.parametrize("version", ["2.3", "2.5.1", "2.8"])
@pytest.mark.parametrize("kind", TYPES)
def test_type_is_served_by_a_map(kind: str, version: str) -> None:
    raw = f"MSH|^~\\&|A|B|C|D|20260101||{kind}|1|P|{version}\rPID|1||1^^^NVMRN^MR\r"
    message = parser.parse(raw.encode()).message
    assert message is not None
    assert shipped_program().find_map(message) is not None


@pytest.mark.parametrize("kind", [kind for kind in TYPES if not kind.startswith(GROUPED)])
def test_type_has_a_sample_with_a_reviewed_bundle(kind: str) -> None:
    assert kind in sampled_types() or (kind == "ACK^A01" and "ACK^" in "".join(sampled_types()))


def test_there_are_sixty_samples_and_more() -> None:
    assert len(list(SAMPLES.rglob("*.hl7"))) >= 60
