"""The memory across messages: what is kept, what is not, and that nothing of it is changed."""

from typing import Any

import pytest

from engine.hl7v2.delimiters import Delimiters
from engine.hl7v2.groups import Grouped, group
from engine.hl7v2.parser import parse
from engine.mapping import memory
from engine.mapping.compiler.compiler import Program, compile_library
from engine.mapping.library import Library, read_library
from engine.mapping.memory import Known, Recent
from engine.mapping.run import MapContext, MapResult, Run

CONTEXT = MapContext(source_system="urn:test", authorities={"NORTH": "http://north.test"})

VISIT = """
map: PV1[Encounter]
from: PV1
to: Encounter
key: [PV1-19.1]
rules:
  status: '"unknown"'
  class.code: '"IMP"'
  participant[]:
    - individual: PV1-7 -> XCN[Practitioner] -> reference
    - individual: PV1-8 -> XCN[Practitioner] -> reference
"""

DOCTOR = """
map: XCN[Practitioner]
from: XCN
to: Practitioner
key: [XCN.1 | MSH-10]
rules:
  identifier[]:
    - value: XCN.1
      system: XCN.9 -> system
  name[one].family: XCN.2.1
"""

ADMISSION = """
map: ADT_A01
from: ADT_A01
to: Bundle
rules:
  - PV1 -> PV1[Encounter] as visit
"""


def library_of(*maps: str) -> Library:
    library, problems = read_library({f"m{at}.yaml": text for at, text in enumerate(maps)})
    assert problems == []
    return library


@pytest.fixture
def feed() -> Program:
    return compile_library(library_of(ADMISSION, VISIT, DOCTOR))


def admission(attending: str, control_id: str = "1", sender: str = "PAS") -> str:
    """A message that tells who attends and, after a bar, who referred."""
    return (
        f"MSH|^~\\&|{sender}|F|||20240101||ADT^A01^ADT_A01|{control_id}|P|2.5.1\r"
        f"PV1|1|I|||||{attending}\r"
    )


def parsed(text: str) -> Grouped:
    found = parse(text.encode())
    assert found.message is not None
    return group(found.message)


def convert(feed: Program, text: str) -> MapResult:
    return feed.convert(parsed(text), CONTEXT)


def practitioners(result: MapResult) -> list[Any]:
    return [one for one in result.entries if one.resource["resourceType"] == "Practitioner"]


def test_a_practitioner_of_an_earlier_message_is_the_same_entry(feed: Program) -> None:
    first = practitioners(convert(feed, admission("7^Abara^^^^^^^NORTH")))
    again = practitioners(convert(feed, admission("7^Abara^^^^^^^NORTH", "2")))
    assert again[0] is first[0]
    assert again[0].recurring is not None


def test_without_memory_nothing_is_shared_and_the_result_is_equal(feed: Program) -> None:
    forgetful = compile_library(feed.library, remembers=False)
    text = admission("7^Abara^^^^^^^NORTH")
    first, again = (forgetful.convert(parsed(text), CONTEXT) for _ in range(2))
    assert practitioners(first)[0] is not practitioners(again)[0]
    assert first == again == convert(feed, text) == convert(feed, text)


def test_a_problem_is_reported_in_every_message(feed: Program) -> None:
    """XCN.9 names an authority that is not registered."""
    counts = [
        [
            found.code
            for found in convert(feed, admission("7^Abara^^^^^^^SOUTH", str(n))).diagnostics
        ]
        for n in range(3)
    ]
    assert counts == [["T568"]] * 3


def test_what_was_reported_once_a_message_is_reported_in_the_next_too(feed: Program) -> None:
    """The second doctor of SOUTH meets the same problem in silence, and is kept with it."""
    both = convert(feed, admission("7^Abara^^^^^^^SOUTH|8^Bell^^^^^^^SOUTH"))
    alone = convert(feed, admission("|8^Bell^^^^^^^SOUTH", "2"))
    assert [(found.code, found.place.path) for found in alone.diagnostics] == [
        ("T568", "PV1[1]-8[1].9")
    ]
    assert practitioners(alone)[0] is practitioners(both)[1]


def test_kept_problems_are_those_of_a_program_without_memory(feed: Program) -> None:
    forgetful = compile_library(feed.library, remembers=False)
    doctors = ("7^Abara^^^^^^^SOUTH", "8^Bell^^^^^^^SOUTH", "9^Cole^^^^^^^WEST")
    for first in doctors:
        for second in doctors:
            text = admission(f"{first}|{second}")
            expected = forgetful.convert(parsed(text), CONTEXT)
            assert convert(feed, text) == convert(feed, text) == expected


def test_two_descriptions_of_one_doctor_are_joined_once_in_a_feed(feed: Program) -> None:
    text = admission("7^^^^^^^^NORTH|7^Abara^^^^^^^NORTH")
    first, again = (practitioners(convert(feed, text)) for _ in range(2))
    assert len(first) == 1
    assert again[0] is first[0]
    assert first[0].resource["name"] == [{"family": "Abara"}]


def test_doctors_of_one_number_who_differ_are_reported_in_every_message() -> None:
    """XCN.10 differs: the first word stands, and T574 is said each time."""
    doctor = DOCTOR.replace("  name[one]", "  birthDate: XCN.10\n  name[one]")
    feed = compile_library(library_of(ADMISSION, VISIT, doctor))
    text = admission("7^Abara^^^^^^^NORTH^1970|7^Abara^^^^^^^NORTH^1971")
    for _ in range(3):
        assert [found.code for found in convert(feed, text).diagnostics] == ["T574"]


def test_what_reads_msh_of_one_message_is_not_kept(feed: Program) -> None:
    """Without XCN.1 the key is MSH-10: each message makes a practitioner of its own."""
    ids = {
        practitioners(convert(feed, admission("^Abara", control_id)))[0].resource_id
        for control_id in ("1", "2", "3")
    }
    assert len(ids) == 3


def test_each_sender_has_a_memory_of_its_own(feed: Program) -> None:
    text = "7^Abara^^^^^^^NORTH"
    first = practitioners(convert(feed, admission(text)))[0]
    other = practitioners(convert(feed, admission(text, sender="LAB")))[0]
    assert other is not first
    assert other == first


def test_a_kept_resource_is_not_changed_by_a_later_message() -> None:
    """The same key fills, and is assigned to, the resource of that message only."""
    feed = compile_library(
        library_of(
            ADMISSION
            + "  - OBX -> OBX[Practitioner] as person\n  - person.telecom[] = OBX -> OBX[Phone]\n",
            VISIT,
            DOCTOR,
            "map: OBX[Practitioner]\nfrom: OBX\nto: Practitioner\nkey: [OBX-3.1]\n"
            "rules:\n  name[one].family: OBX-5\n  telecom[one].value: OBX-6\n",
            "map: OBX[Phone]\nfrom: OBX\nto: ContactPoint\nrules:\n  value: OBX-4\n",
        )
    )
    plain = admission("7^Abara")
    before = repr(convert(feed, plain).entries)
    more = repr(practitioners(convert(feed, plain + "OBX|1|ST|7|555|Bell|444||||F\r")))
    assert "555" in more
    assert "Bell" in more
    assert repr(convert(feed, plain).entries) == before


PAYER = """
map: IN1[Organization]
from: IN1
to: Organization
key: [IN1-3.1]
rules:
  identifier[one].value: IN1-3.1
  name: IN1-4
  active: IN1-5 -> yes_no
"""

COVERAGE = """
map: IN1[Coverage]
from: IN1
to: Coverage
rules:
  status: '"active"'
  subscriberId: IN1-36
  payor[]: IN1 -> IN1[Organization] -> reference
"""

INSURED = """
map: ADT_A01
from: ADT_A01
to: Bundle
rules:
  - each INSURANCE.IN1 as insurance:
      - insurance -> IN1[Coverage] as cover
"""


def test_a_payer_is_known_by_the_fields_its_map_reads() -> None:
    """IN1-36 is the patient's; IN1-3 to IN1-5 make the payer."""
    feed = compile_library(library_of(INSURED, COVERAGE, PAYER))
    head = "MSH|^~\\&|A|F|||20240101||ADT^A01^ADT_A01|1|P|2.5.1\rPV1|1|I\r"
    before = "|" * 31

    def payers(name: str, number: str) -> list[Any]:
        found = convert(feed, f"{head}IN1|1|PPO|P1|{name}|Y{before}{number}\r").entries
        return [one for one in found if one.resource["resourceType"] == "Organization"]

    first = payers("Prairie", "1")
    assert payers("Prairie", "2")[0] is first[0]
    assert payers("Mountain", "2")[0].resource["name"] == "Mountain"


def test_a_problem_of_a_segments_map_is_reported_for_each_segment() -> None:
    """IN1-5 is neither yes nor no."""
    feed = compile_library(library_of(INSURED, COVERAGE, PAYER))
    head = "MSH|^~\\&|A|F|||20240101||ADT^A01^ADT_A01|1|P|2.5.1\rPV1|1|I\r"
    for _ in range(2):
        made = convert(feed, head + "IN1|1|PPO|P1|Prairie|?\rIN1|2|PPO|P1|Prairie|?\r")
        assert [found.place.path for found in made.diagnostics] == ["IN1[1]-5[1]", "IN1[2]-5[1]"]


@pytest.mark.parametrize("resource_type", ["Patient", "RelatedPerson", "Observation", "Specimen"])
def test_a_patients_own_resources_are_not_kept(resource_type: str) -> None:
    run = Run(CONTEXT, ())
    run.recent = Recent()
    begun = run.begin()
    key = ("map", "7^Abara")
    run.learn(key, run.refer({"resourceType": resource_type}, resource_type, ("7",)), begun)
    assert len(run.recent) == 0
    assert run.recall(key) is not None


def test_what_was_used_lately_outlives_what_was_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "RECENT_ENTRIES_MAX", 10)
    recent = Recent()
    known = Known({"reference": "Practitioner/1"}, (), True)
    for number in range(35):
        recent.keep(("map", f"text {number}"), known)
        assert recent.get(("map", "text 0")) is known
    assert recent.get(("map", "text 1")) is None
    assert len(recent) <= 20


def test_the_bytes_kept_are_bounded() -> None:
    recent = Recent()
    for number in range(3 * memory.RECENT_ENTRIES_MAX):
        recent.keep(("map", f"{number:>{memory.TEXT_MAX}}"), Known("", (), True))
    size = len(recent) * memory.TEXT_MAX * 30
    assert size <= 2 * memory.RECENT_BYTES_MAX


def test_the_senders_kept_are_bounded_over_all_contexts() -> None:
    memories = memory.Memories()
    contexts = [MapContext(source_system=f"urn:{number}") for number in range(8)]
    for number in range(4 * memory.SENDERS_MAX):
        found = memories.of(contexts[number % 8], Delimiters(), "utf-8")
        found.recent([""] * 3 + [f"sender {number}"] + [""] * 3, None)
    assert len(found.senders) == memory.SENDERS_MAX


def test_a_long_text_is_not_kept(feed: Program) -> None:
    text = f"7^{'A' * memory.TEXT_MAX}^^^^^^^NORTH"
    first, again = (practitioners(convert(feed, admission(text, n)))[0] for n in ("1", "2"))
    assert first is not again


RANGES = """
map: OBX[Observation]
from: OBX
to: Observation
key:
  - OBX-1
rules:
  status: '"final"'
  referenceRange[]:
    $this: reference_range(OBX-7, OBX-6)
    text: OBX-7
"""
RESULTS = """
map: ORU_R01
from: ORU_R01
to: Bundle
for: [ORU^R01]
rules:
  - each PATIENT_RESULT.ORDER_OBSERVATION.OBSERVATION.OBX as obx:
      - obx -> OBX[Observation] as observation
"""


def test_a_reference_range_is_that_of_its_own_OBX_6_and_OBX_7() -> None:
    feed = compile_library(library_of(RESULTS, RANGES))
    head = "MSH|^~\\&|LAB|NORTH|||20260102||ORU^R01^ORU_R01|1|P|2.5.1\rOBR|1\r"

    def highs(*units_and_ranges: str) -> list[Any]:
        lines = [f"OBX|{at}|NM|A||5|{one}" for at, one in enumerate(units_and_ranges, 1)]
        found = convert(feed, head + "\r".join(lines)).entries
        return [one.resource["referenceRange"][0].get("high") for one in found]

    first = highs("mmol/L|3-5", "mg/dL|3-5", "mg/dL|<5")
    assert first == [{"value": 5, "unit": "mmol/L"}, {"value": 5, "unit": "mg/dL"}, None]
    assert highs("mmol/L|3-5", "mg/dL|3-5", "mg/dL|<5") == first


def test_only_staff_is_read_again_where_the_message_knows_a_person_by_two_keys() -> None:
    run = Run(CONTEXT, ())
    run.recent = Recent()
    run.people = {("", "1"): ("urn:x", "1")}
    for kind in ("Location", "Practitioner"):
        begun = run.begin()
        value = run.refer({"resourceType": kind}, kind, ("a", kind))
        run.learn((kind, "text"), value, begun)
    assert run.recent.get(("Location", "text")) is not None
    assert run.recent.get(("Practitioner", "text")) is None
