"""Messages that Millennium has no API for: refused where nobody takes them, by route and `when`."""

import re
from pathlib import Path

import pytest
from composed import known_calls

from engine.channel.lint import check_configuration
from engine.channel.message_kinds import condition_holds

CHANNEL = """
channel: adt
listener: {{mllp: {{port: 2575}}}}
{head}
destinations:
  - millennium:
      name: chart
      tenant: main
      calls: [patient.register, encounter.register]
{options}
"""
OPEN_ENGINE = "  - mllp: {{name: oen, host: oen.example.org, port: 4100{when}}}"


def refused(head: str, *more: str, options: str = "", files: dict[str, str] | None = None) -> str:
    """The messages that are refused."""
    text = CHANNEL.format(head=head, options=f"      {options}" if options else "")
    text += "\n".join(more)
    named = {"channels/adt.yaml": text, **(files or {})}
    _, problems = check_configuration(named, {}, known_calls=known_calls())
    assert {one.code for one in problems} <= {"O816", "O817"}, problems
    return " ".join(one.message.partition(" come ")[0] for one in problems)


def test_the_channels_of_the_guide_are_in_order():
    page = Path(__file__).parents[3] / "docs" / "millennium.md"
    blocks = re.findall(r"```yaml\n(channel: .*?)```", page.read_text("utf-8"), re.DOTALL)
    files = {f"channels/{number}.yaml": block for number, block in enumerate(blocks)}
    _, problems = check_configuration(files, {}, known_calls=known_calls())
    assert len(files) == 3
    assert problems == []


def oen(when: str = "") -> str:
    return OPEN_ENGINE.format(when=f", when: '{when}'" if when else "").replace("{{", "{")


@pytest.mark.parametrize(
    ("head", "lost"),
    [
        ("route: {MSH-9.1: ADT, MSH-9.2: [A01, A08]}", ""),
        ("route: {MSH-9.1: ADT, MSH-9.2: [A01, A02]}", "ADT^A02"),
        ("route: {MSH-9.1: ORU}", ""),
        ("route: {MSH-9.1: [ORU, OML]}", "OML^O21, OML^O33, OML^O35"),
        ('filter: MSH-9.1 = "ADT" and MSH-9.2 in ("A01", "A40") and PID-3 valued', "ADT^A40"),
        ('filter: not (MSH-9.2 != "A03") and MSH-9.1 = "ADT"', "ADT^A03"),
        ('filter: MSH-9.1 matches "^ORU$" or MSH-9.2 = "A02"', "ADT^A02"),
        ('filter: MSH-9.2 = "A01" or PV1-2 = "E"', None),
    ],
)
def test_what_may_come_is_told_by_route_and_filter(head: str, lost: str | None):
    found = refused(head)
    if lost is None:
        assert "ADT^A02" in found, "a condition on something else may hold for any message"
    else:
        assert found == lost


def test_another_destination_takes_what_this_one_cannot():
    route = "route: {MSH-9.1: ADT, MSH-9.2: [A01, A02, A40]}"
    assert refused(route, oen()) == ""
    assert refused(route, oen('MSH-9.2 in ("A40", "A02")')) == ""
    assert refused(route, oen('MSH-9.2 = "A40"')) == "ADT^A02"
    assert refused(route, oen('PV1-2 = "I"')) != "", "it may not hold for all of them"


def test_a_folder_takes_what_a_person_can_do_and_not_what_a_system_must():
    route = "route: {MSH-9.1: ADT, MSH-9.2: [A02, A40]}"
    folder = "  - file: {name: tasks, path: /data/tasks, content: message}"
    assert refused(route, folder) == "ADT^A02"


def test_a_gap_may_be_accepted_and_is_checked_to_be_one():
    route = "route: {MSH-9.1: ADT, MSH-9.2: [A02, A03]}"
    assert refused(route, options="accept_gaps: [A02, ADT^A03]") == ""
    assert "accept_gaps" in refused(route, options="accept_gaps: [A02, A03, A01]")
    orders = "route: {MSH-9.1: [ORM, OML]}"
    assert refused(orders, options="accept_gaps: [ORM, OML]") == ""


def test_messages_that_do_not_come_to_the_destination_are_no_gap_of_its():
    route = "route: {MSH-9.1: ADT, MSH-9.2: [A01, A02]}"
    assert refused(route, options='when: MSH-9.2 = "A01"') == ""


def test_a_channel_that_takes_the_rest_is_not_blamed_for_what_others_take():
    other = """
channel: orders
listener: {mllp: {port: 2575}}
route:
  MSH-9.1: [ADT, ORM, OML, OMG, OMI, OMB, OMS, OMN, OMD, REF, OMP, RDE, RDS, RGV, RAS, BAR, SIU]
destinations: [{file: {name: out, path: /data/out}}]
"""
    assert refused("", files={"channels/orders.yaml": other}) == ""


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("", True),
        ('MSH-9.1 = "ADT"', True),
        ('MSH-9.2 not in ("A02", "A03")', False),
        ('MSH-9.2 = "A02" and PV1-2 = "I"', None),
        ('MSH-9.2 = "A01" and PV1-2 = "I"', False),
        ('MSH-9.2 = "A02" or PV1-2 = "I"', True),
        ("MSH-9.2 valued", True),
        ("MSH-9.2 = PV1-2", None),
        ("this is no condition (", None),
    ],
)
def test_a_condition_is_decided_for_a_kind_of_message_as_far_as_it_can_be(
    condition: str, holds: bool | None
):
    assert condition_holds(condition, ("ADT", "A02")) is holds


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        ("slot.patch", "it is a patch"),
        ("codeValues.bySet", "it is a search"),
        ("chargeItem.credit", "no message says which"),
        ("practitioner.create", "a register looks first"),
    ],
)
def test_a_call_that_no_message_makes_is_refused(call: str, reason: str):
    text = CHANNEL.format(head="route: {MSH-9.1: ORU}", options="")
    text = text.replace("patient.register, encounter.register", call)
    _, problems = check_configuration({"channels/adt.yaml": text}, {}, known_calls=known_calls())
    (problem,) = [one for one in problems if one.code == "O812"]
    assert reason in problem.message
