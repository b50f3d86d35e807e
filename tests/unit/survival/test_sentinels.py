"""A sentinel is of its leaf's kind and is found in the forms it takes; none stands for two."""

import pytest

from benchmarks.survival.sentinels import make_sentinel
from engine.hl7v2.timestamps import Timestamp, parse_timestamp


@pytest.mark.parametrize("text", ["19800131", "202403121430", "20240312143000.1234-0500"])
def test_date_gets_another_date_of_the_same_precision(text: str) -> None:
    made = make_sentinel(text, 7)
    assert len(made.text) == len(text)
    assert made.text != text
    assert made.text[8:] == text[8:]
    assert isinstance(parse_timestamp(made.text), Timestamp)
    assert made.lands_in('"birthdate":"1931-01-08"')


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ("5.40", '"value":7100003.40'),
        ("(555)765-4321", '"value":"(333)710-0003"'),
        ("2.16.840.1.113883.19.4", '"urn:oid:2.16.840.1.113883.19.7.100003"'),
        ("https://north.test/1", '"http://x.test/zqx0003k"'),
        ("one@north.test", '"zqx0003k@x.test"'),
        ("DOE", '"family":"zqx0003k"'),
    ],
)
def test_sentinel_keeps_the_kind_and_is_found_in_the_output(text: str, output: str) -> None:
    made = make_sentinel(text, 3)
    assert made.lands_in(output)
    assert not make_sentinel(text, 4).lands_in(output)


def test_base64_stays_base64() -> None:
    made = make_sentinel("A" * 80, 3, is_data=True)
    assert made.text.endswith("=") or len(made.text) % 4 == 0


def test_a_number_that_only_looks_like_a_date_is_a_number() -> None:
    assert make_sentinel("20241399", 1).text == "7100001"
