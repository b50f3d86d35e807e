"""One port, many channels: MSH decides."""

import pytest

from engine.channel.model import RouteConfig
from engine.hl7v2.header import Header, peek
from engine.runtime.routing import Router


def header(message_type: str = "ADT^A01", processing: str = "P", facility: str = "NORTH") -> Header:
    return peek(f"MSH|^~\\&|APP|{facility}|||2026||{message_type}|1|{processing}|2.5.1\r".encode())


def route(**fields: tuple[str, ...]) -> RouteConfig:
    names = {"code": "MSH-9.1", "event": "MSH-9.2", "facility": "MSH-4", "mode": "MSH-11"}
    return RouteConfig(fields=tuple((names[name], values) for name, values in fields.items()))


def test_a_listener_with_one_channel_without_conditions_needs_no_choice() -> None:
    router = Router([(RouteConfig(), "all")])
    assert router.only == "all"
    assert router.choose(header()) == "all"


def test_the_channel_whose_conditions_all_hold_takes_the_message() -> None:
    router = Router([(route(code=("ADT",)), "adt"), (route(code=("ORU", "ORM")), "orders")])
    assert router.choose(header("ADT^A01")) == "adt"
    assert router.choose(header("ORM^O01")) == "orders"


def test_a_channel_without_conditions_takes_the_rest_wherever_it_stands() -> None:
    router = Router([(RouteConfig(), "rest"), (route(code=("ADT",)), "adt")])
    assert router.choose(header("ADT^A01")) == "adt"
    assert router.choose(header("SIU^S12")) == "rest"


def test_more_conditions_are_asked_first() -> None:
    router = Router(
        [(route(code=("ADT",)), "adt"), (route(code=("ADT",), facility=("NORTH",)), "north")]
    )
    assert router.choose(header(facility="NORTH")) == "north"
    assert router.choose(header(facility="SOUTH")) == "adt"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (header("SIU^S12"), "200"),
        (header("ADT^A99"), "201"),
        (header("ADT^A01", processing="T"), "202"),
    ],
)
def test_the_refusal_names_what_no_channel_takes(message: Header, code: str) -> None:
    router = Router([(route(code=("ADT",), event=("A01", "A03"), mode=("P",)), "adt")])
    assert router.choose(message) is None
    assert router.refusal(message) == code


def test_a_type_that_one_channel_takes_is_not_called_unsupported() -> None:
    router = Router(
        [(route(code=("ADT",), event=("A01",)), "a"), (route(code=("ADT",), event=("A03",)), "b")]
    )
    assert router.refusal(header("ADT^A08")) == "201"
