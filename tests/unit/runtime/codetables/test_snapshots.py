"""Snapshots: a site's export, what changed, and the pages of the EHR API."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from multidict import CIMultiDict

from engine.codevalues.snapshot import CodeValue, read_snapshot, write_snapshot
from engine.destinations.http_exchange import Answer, Request
from engine.pipeline.response import Fault
from engine.runtime.codetables.ehr_api import FetchFailed, fetch_code_values
from engine.runtime.codetables.snapshots import compare, read_export


def value(number: int, display: str = "x", **more: Any) -> CodeValue:
    return CodeValue(code_set=72, value=str(number), display=display, **more)


def test_an_export_under_the_names_of_millennium_is_read() -> None:
    text = (
        "CODE_SET,CODE_VALUE,DISPLAY,DISPLAY_KEY,CDF_MEANING,CKI,CONCEPT_CKI,ACTIVE_IND\n"
        '72,10,"Potassium, serum",POTASSIUM,,CKI.EC!1,,1\n'
        "72,11,Old,OLD,,,,0\n71,12,In,IN,IN,,,1\n"
    )
    found, problems = read_export(text, "export.csv", [72])
    assert problems == []
    assert found == [
        value(10, "Potassium, serum", cki="CKI.EC!1"),
        value(11, "Old", active=False),
    ]


def test_an_export_with_faults_names_their_lines() -> None:
    _, problems = read_export(
        "code_set,code_value,display,active\n72,ten,x,1\n72,11,y,maybe\n", "export.csv"
    )
    assert [(one.code, one.place.line) for one in problems] == [("V802", 2), ("V802", 3)]
    _, problems = read_export("a,b\n1,2\n", "export.csv")
    assert "V802" in {one.code for one in problems}


def test_the_difference_tells_what_came_went_and_changed_and_what_aliases_name() -> None:
    text = write_snapshot(
        [value(1), value(2), value(3)],
        tenant="t", taken_at="2026-01-05T14:30:00Z", source="x", code_sets=[72],
    )  # fmt: skip
    before, _ = read_snapshot(text, "codevalues/snapshots/a.csv")
    found = compare(
        before, [value(1), value(2, active=False), value(4)], frozenset({"1", "2", "3"})
    )
    assert [one.value for one in found.added] == ["4"]
    assert [one.value for one in found.removed] == ["3"]
    assert [now.value for _, now in found.changed] == ["2"]
    assert (found.kept, found.used) == (1, frozenset({"2", "3"}))
    assert compare(None, [value(1)]).kept == 0


def answer(status: int = 200, body: Any = None, **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    named = CIMultiDict({name.replace("_", "-"): text for name, text in headers.items()})
    return Answer(status, named, (), content, complete=True)


def items(*numbers: int, **more: Any) -> dict[str, Any]:
    return {
        "items": [
            {"id": str(number), "codeSet": 72, "display": " a  b ", "isActive": True, **more}
            for number in numbers
        ]
    }


def asking(*answers: Answer | Fault) -> tuple[Callable[..., Any], list[str]]:
    asked: list[str] = []
    left = list(answers)

    async def ask(request: Request) -> Answer | Fault:
        asked.append(str(request.url))
        return left.pop(0)

    return ask, asked


async def test_pages_are_followed_by_what_the_answer_says() -> None:
    ask, asked = asking(answer(body=items(1, 2), opc_next_page="k=2"), answer(body=items(3)))
    found = await fetch_code_values(ask, "https://api.example.org/t", [72])
    assert [one.value for one in found] == ["1", "2", "3"]
    assert found[0].display == "a b"
    assert asked == [
        "https://api.example.org/t/codeSystem/20240101/codeValues?codeSet=72",
        "https://api.example.org/t/codeSystem/20240101/codeValues?codeSet=72&page=k%3D2",
    ]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (Fault.CONNECT_REFUSED, "did not answer"),
        (answer(403, {"code": 403}), "lacks the scope"),
        (answer(400, {"code": "x"}), "does not know the code set"),
        (answer(503, b""), "try again later"),
        (answer(200, b"<html>"), "no JSON"),
        (answer(200, []), "no `items`"),
        (answer(200, {"items": [1]}), "no object"),
        (answer(200, items(1, codeSet=71)), "no code value of it"),
        (answer(200, {"items": [{"id": "x"}]}), "no code value of it"),
        (answer(200, items(1, display=4)), "has no texts"),
    ],
)
async def test_what_is_no_answer_ends_the_whole(given: Answer | Fault, says: str) -> None:
    ask, _ = asking(given)
    with pytest.raises(FetchFailed, match=says):
        await fetch_code_values(ask, "https://api.example.org/t", [72])


async def test_a_service_that_goes_round_in_circles_is_left() -> None:
    ask, _ = asking(*[answer(body=items(1), opc_next_page="1")] * 3)
    with pytest.raises(FetchFailed, match="repeats a page"):
        await fetch_code_values(ask, "https://api.example.org/t", [72])
