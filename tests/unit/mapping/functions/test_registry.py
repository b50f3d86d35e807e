from types import SimpleNamespace
from typing import Any

import pytest
from lxml import etree

from engine.cda.document import Document
from engine.mapping.functions.record import Example, FunctionRecord, Kind
from engine.mapping.functions.registry import FUNCTIONS

DOCUMENT = Document(root=etree.fromstring('<ClinicalDocument xmlns="urn:hl7-org:v3"/>'), raw=b"<a>")


def node(text: str) -> Any:
    return etree.fromstring(f'<x xmlns="urn:hl7-org:v3">{text}</x>')[0]


def given(record: FunctionRecord, example: Example) -> list[Any]:
    """The arguments, elements of documents made of their text."""
    kinds = [parameter.kind for parameter in record.parameters]
    return [
        node(one) if kinds[min(number, len(kinds) - 1)] is Kind.NODE and one else one
        for number, one in enumerate(example.arguments)
    ]


def facts_for(example: Example) -> Any:
    faults: list[str] = []
    return SimpleNamespace(
        time_zone=example.time_zone,
        header_offset_minutes=None,
        authorities=dict(example.authorities),
        source_system="urn:test",
        made=[],
        document=SimpleNamespace(document=DOCUMENT, written={}),
        values={},
        memory={},
        fault=lambda code, **values: faults.append(code(**values).code),
        fault_once=lambda code, about, **_: faults.append(code().code),
        faults=faults,
    )


CASES = [
    pytest.param(record, example, id=f"{record.name}-{number}")
    for record in FUNCTIONS.values()
    for number, example in enumerate(record.examples, 1)
]


@pytest.mark.parametrize(("record", "example"), CASES)
def test_example_of_the_documentation_holds(record: FunctionRecord, example: Example) -> None:
    facts = facts_for(example)
    arguments = given(record, example)
    result = record.body(*((facts, *arguments) if record.uses_facts else arguments))
    assert result == example.result
    assert str(result) == str(example.result), "the digits of a number are part of it"
    assert facts.faults == ([example.fault] if example.fault else [])


@pytest.mark.parametrize("record", FUNCTIONS.values(), ids=FUNCTIONS)
def test_record_describes_itself(record: FunctionRecord) -> None:
    assert record.doc
    assert record.examples
    assert record.returns
    assert all(parameter.doc for parameter in record.parameters)
    assert not any(parameter.many for parameter in record.parameters[:-1])


AWKWARD = ["", " ", "0", "-", "9" * 40, "\x00", "é", "1e9", "+", "NaN", "<", "20260230", "a" * 5000]


@pytest.mark.parametrize("record", FUNCTIONS.values(), ids=FUNCTIONS)
@pytest.mark.parametrize("text", AWKWARD)
def test_no_body_raises_on_awkward_text(record: FunctionRecord, text: str) -> None:
    facts = facts_for(record.examples[0])
    arguments: list[Any] = []
    for index, parameter in enumerate(record.parameters):
        if index and not parameter.required:
            arguments.append(None)
        elif parameter.kind is Kind.COMPOSITE:
            arguments.append([text])
        elif parameter.kind is Kind.RESOURCE:
            arguments.append(None)
        elif parameter.kind is Kind.NODE:
            words = "".join(letter for letter in text if letter >= " ").replace("<", "&lt;")
            arguments.append(node(f"<a value='{words}'>{words}</a>"))
        elif parameter.name in ("start", "length"):
            arguments.append(1)
        else:
            arguments.append(text)
    record.body(*((facts, *arguments) if record.uses_facts else arguments))
