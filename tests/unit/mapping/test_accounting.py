"""What the account of a message says of parts that are read together with others."""

from shipped import shipped_program

from engine.hl7v2 import groups, parser
from engine.mapping.accounting import account
from engine.mapping.run import MapContext
from engine.mapping.trace import Trace

HEAD = (
    "MSH|^~\\&|LAB|NORTHVALE|||20240403080000-0500||ORU^R01^ORU_R01|N1|P|2.5.1\r"
    "PID|1||88120034^^^NVMRN^MR||Fairbrother^Elspeth||19580617|F\r{more}"
    "OBR|1||F-1^LAB|24323-8^Panel^LN|||20240403074000-0500||||||||||||||||||F\r"
)


def accounts(message: str) -> dict[str, tuple[str, str]]:
    """State and reason of every leaf."""
    parsed = parser.parse(message.encode()).message
    assert parsed is not None
    trace = Trace()
    shipped_program().convert(groups.group(parsed), MapContext(), trace=trace)
    found = account(parsed, trace, shipped_program())
    return {one.path: (one.state, one.reason) for one in found}


def test_code_of_a_unit_sent_twice_and_written_once_is_mapped_once() -> None:
    amount = "10^mL&millilitre&UCUM&mL&Milliliter&L"
    found = accounts(HEAD.format(more="") + f"SPM|1|^S1F&LAB||SER^Serum^HL70487||||||||{amount}\r")
    assert found["SPM[1]-12[1].2.1"][0] == "mapped"
    assert found["SPM[1]-12[1].2.2"][0] == "mapped"
    for part in (4, 5):
        state, reason = found[f"SPM[1]-12[1].2.{part}"]
        assert state == "ignored", part
        assert "a Quantity has one" in reason


def test_value_of_an_identifier_that_another_took_the_place_of_is_not_mapped() -> None:
    first, second = (
        f"SPM|{at}|^S1F&LAB||SER^Serum^HL70487{'|' * 26}A-30^^^&{oid}&ISO\r"
        for at, oid in enumerate(("2.16.840.1.113883.19.1", "2.16.840.1.113883.19.2"), 1)
    )
    found = accounts(HEAD.format(more="") + first + second)
    assert found["SPM[1]-30[1].1.1"][0] == "mapped"
    assert found["SPM[2]-30[1].1.1"][0] == "unwritten"


def test_version_of_a_coding_that_a_table_maps_to_itself_is_mapped() -> None:
    will = "F^On file elsewhere^HL70315^^^^2.9"
    found = accounts(HEAD.format(more=f"PD1|||||||{will}\r"))
    assert found["PD1[1]-7[1].7.1"][0] == "mapped"


def test_reason_that_names_the_component_goes_before_that_of_the_field() -> None:
    found = accounts(
        HEAD.format(more="").replace("|2.5.1\r", f"|2.5.1{'|' * 12}HUB^hub.test^DNS\r")
    )
    assert found["MSH[1]-24[1].2.1"][1].startswith("network addresses")
    assert found["MSH[1]-24[1].3.1"][1].startswith("kind of a universal id")
