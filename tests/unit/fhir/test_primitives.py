"""Formats of primitive types."""

from decimal import Decimal
from typing import Any

import pytest

from engine.fhir import definitions, primitives

GOOD: dict[str, tuple[Any, ...]] = {
    "base64Binary": ("YQ==", "aGVs bG8=", "aGVs\r\nbG8="),
    "boolean": (True, False),
    "canonical": ("http://example.org/a|1",),
    "code": ("a", "two words", "ü"),
    "date": ("2024-02-29", "2000-02-29", "1999", "2001-12", "0001-01-01"),
    "dateTime": ("2024", "2024-02-29T00:00:00Z", "2024-01-01T10:00:60.5-14:00", "2024-06-30"),
    "decimal": (0, 1.5, -3, Decimal("1.50"), 10**400),
    "id": ("a", "A-1.b"),
    "instant": ("2024-02-29T23:59:59.123+13:59",),
    "integer": (-2_147_483_648, 2_147_483_647, Decimal(1)),
    "markdown": ("# a\n",),
    "oid": ("urn:oid:2.999.0",),
    "positiveInt": (1,),
    "string": ("a", " ", "tab\tand\r\nline", "\x7f"),
    "time": ("00:00:00", "23:59:59.1"),
    "unsignedInt": (0,),
    "uri": ("urn:x", "relative/also"),
    "url": ("mllp://host:2575",),
    "uuid": ("urn:uuid:c757873d-ec9a-4326-a141-556f43239520",),
    "xhtml": ('<div xmlns="http://www.w3.org/1999/xhtml">a</div>', "<div>" + "a" * 2_000_000 + ">"),
}
BAD: dict[str, tuple[Any, ...]] = {
    "base64Binary": ("", "YQ=", "YQ", "Y!==", "   ", 1),
    "boolean": ("true", 1, 0, None),
    "canonical": ("", "a b"),
    "code": ("", " a", "a ", "a  b", "a\tb", "a\n"),
    "date": ("2023-02-29", "1900-02-29", "2024-04-31", "2024-13", "2024-1-1", "0000", "20240101"),
    "dateTime": (
        "2024-02-29T00:00Z",  # seconds are required
        "2024-02-29T00:00:00",  # so is the zone
        "2023-02-29T00:00:00Z",
        "2024-01-01T24:00:00Z",
        "2024-01-01T00:00:00+15:00",
        "2024-01-01T00:00:00Z\n",
        "２０２４",
    ),
    "decimal": (True, "1", float("inf"), float("nan"), Decimal("NaN"), Decimal("sNaN"), None),
    "id": ("", "a_b", "x" * 65, 1),
    "instant": ("2024", "2024-02-29", "2024-02-30T00:00:00Z"),
    "integer": (2_147_483_648, 1.0, True, "1", Decimal("1.0"), Decimal("1E+2")),
    "markdown": ("", "\x01"),
    "oid": ("2.999", "urn:oid:3.1", "urn:oid:2.01"),
    "positiveInt": (0, -1),
    "string": ("", "\x00", "\x1f", "\ud800", "x" * 1_048_577, 5),
    "time": ("24:00:00", "10:00", "10:00:00Z"),
    "unsignedInt": (-1, True),
    "uri": ("", "a b", "a\x00"),
    "url": ("", "a b"),
    "uuid": (
        "c757873d-ec9a-4326-a141-556f43239520",
        "urn:uuid:C757873D-EC9A-4326-A141-556F43239520",
    ),
    "xhtml": ("text", "<p>a</p>", "<divx>"),
}


def short(value: Any) -> str:
    """A test id: some of the values are megabytes long."""
    return ascii(value)[:24]


@pytest.mark.parametrize(
    ("kind", "value"), [(k, v) for k, vs in GOOD.items() for v in vs], ids=short
)
def test_good_values_are_valid(kind: str, value: Any) -> None:
    assert primitives.is_valid(kind, value)


@pytest.mark.parametrize(
    ("kind", "value"), [(k, v) for k, vs in BAD.items() for v in vs], ids=short
)
def test_bad_values_are_not(kind: str, value: Any) -> None:
    assert not primitives.is_valid(kind, value)


def test_every_primitive_type_of_r4_is_known() -> None:
    named = set()
    for name in definitions.type_names():
        definition = definitions.type_definition(name)
        assert definition is not None
        if definition.kind == "primitive":
            named.add(name)
    assert named == set(GOOD) == set(BAD)


def test_a_type_that_is_no_primitive_is_a_bug() -> None:
    with pytest.raises(KeyError):
        primitives.has_format("HumanName", "a")


def test_base64_takes_time_in_proportion_to_its_length() -> None:
    assert primitives.is_base64("ABCD" * 500_000)
    assert not primitives.is_base64("ABCD" * 500_000 + "!")
