"""The agreement of documents: fragments are wrapped where they stand, decisions are well-formed."""

import pytest

from benchmarks.agreement.documents import DECISIONS, wrapped
from benchmarks.agreement.ledger import KINDS, read_decisions
from engine.cda.reader import parse_document

VERDICTS = {
    "both allowed", "theirs wrong", "theirs absent", "guide silent", "guide unclear",
    "guide followed",
}  # fmt: skip


def test_every_decision_has_a_known_verdict_and_a_reason() -> None:
    for one in read_decisions(DECISIONS):
        assert one.verdict in VERDICTS, one
        assert len(one.why) > 10, one
        assert "*" in one.kinds or one.kinds in KINDS, one


@pytest.mark.parametrize(
    ("page", "fragment", "path"),
    [
        ("problems", "<act/>", "component/structuredBody/component/section/entry/act"),
        ("immunizations", "<entry><act/></entry>",
         "component/structuredBody/component/section/entry/act"),
        ("encounters", "<encompassingEncounter/>", "componentOf/encompassingEncounter"),
        ("patient", "<recordTarget><patientRole/></recordTarget>", "recordTarget/patientRole"),
        ("participations", "<Organization/>",
         "custodian/assignedCustodian/representedCustodianOrganization"),
    ],
)  # fmt: skip
def test_fragment_stands_where_its_element_belongs(page: str, fragment: str, path: str) -> None:
    document = parse_document(wrapped(page, fragment)).document
    assert document is not None
    steps = "/".join(f"{{urn:hl7-org:v3}}{name}" for name in path.split("/"))
    assert document.root.find(steps) is not None
