"""YAML as text with positions: nothing is guessed, nothing is hidden."""

import pytest

from engine import yamltext
from engine.yamltext import Mapping, Scalar, Sequence, parse_yaml


def parsed(text):
    node, problems = parse_yaml(text, "a.yaml")
    assert problems == []
    return node


def codes_of(text):
    _, problems = parse_yaml(text, "a.yaml")
    return [(problem.code, problem.place.line, problem.place.column) for problem in problems]


@pytest.mark.parametrize("word", ["NO", "012", "12:30", "1e3", "~", "true", "2024-01-01", "0x1F"])
def test_every_scalar_is_the_text_as_written(word):
    assert parsed(f"code: {word}").get("code").text == word


def test_nodes_know_their_line_and_column():
    root = parsed("map: PID[Patient]\nrules:\n  name[]: PID-5\n  list:\n    - one\n")
    assert isinstance(root, Mapping)
    name = root.get("rules").get("name[]")
    assert (name.text, str(name.place)) == ("PID-5", "a.yaml:3:11")
    assert name.place.width == 5
    (item,) = root.get("rules").get("list")
    assert str(item.place) == "a.yaml:5:7"
    assert str(root.key("rules").place) == "a.yaml:2:1"


def test_a_place_inside_a_scalar_counts_its_quote():
    root = parsed('plain: abc\nquoted: "abc"\n')
    assert root.get("plain").at(1).column == 9
    assert root.get("quoted").quoted
    assert root.get("quoted").at(1).column == 11


def test_keys_keep_their_order_and_absent_ones_are_none():
    root = parsed("b: 1\na: 2\n")
    assert root.keys() == ["b", "a"]
    assert root.get("c") is None
    assert root.key("c") is None
    assert [(key.text, value.text) for key, value in root] == [("b", "1"), ("a", "2")]


def test_sequences_have_a_length():
    root = parsed("[a, b]")
    assert isinstance(root, Sequence)
    assert len(root) == 2
    assert [item.text for item in root] == ["a", "b"]


def test_an_empty_value_is_an_empty_text():
    value = parsed("key:\n").get("key")
    assert isinstance(value, Scalar)
    assert value.text == ""


def test_an_empty_file_is_no_node():
    assert parse_yaml("", "a.yaml") == (None, [])
    assert parse_yaml("# only a comment\n", "a.yaml") == (None, [])


def test_a_duplicate_key_is_refused_where_it_stands_again():
    assert codes_of("a: 1\nb: 2\na: 3\n") == [("C402", 3, 1)]


@pytest.mark.parametrize("text", ["a: [1", "a: 'x", "a: b: c", "\t- x", "a: 1\n b: 2\n"])
def test_what_is_no_yaml_gives_the_place_of_the_fault(text):
    node, problems = parse_yaml(text, "a.yaml")
    assert node is None
    (problem,) = problems
    assert problem.code == "C401"
    assert problem.place.line is not None


@pytest.mark.parametrize(
    "text", ["a: &x 1\nb: *x\n", "a: !!str 1\n", "a: !local 1\n", "a: &x {b: 1}\nc:\n  <<: *x\n"]
)
def test_anchors_aliases_and_tags_are_refused(text):
    assert "C403" in [code for code, _, _ in codes_of(text)]


def test_marks_inside_plain_text_are_no_indirections():
    assert codes_of("a: R&D * 2!\n") == []


def test_a_key_that_is_a_list_is_refused():
    assert [code for code, _, _ in codes_of("? [a, b]\n: 1\n")] == ["C403"]


def test_several_documents_are_refused():
    assert [code for code, _, _ in codes_of("a: 1\n---\nb: 2\n")] == ["C401"]


def test_a_file_that_is_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(yamltext, "BYTES_MAX", 10)
    assert [code for code, _, _ in codes_of("a: 12345678901\n")] == ["C404"]


def test_nesting_is_bounded():
    depth = yamltext.DEPTH_MAX + 5
    assert "C404" in [code for code, _, _ in codes_of("[" * depth + "]" * depth)]
    for text in ("[" * 900_000 + "]" * 900_000, "{a: " * 400_000, "- " * 900_000, "? " * 900_000):
        assert [code for code, _, _ in codes_of(text)] == ["C404"]


def test_a_fault_in_a_file_with_many_brackets_is_the_composers_to_report():
    assert [code for code, _, _ in codes_of("a: " + "[x], " * 2_000)] == ["C401"]


def test_many_brackets_side_by_side_are_not_deep():
    assert codes_of("\n".join(f"name{number}[]: [a, {{b: c}}]" for number in range(1_500))) == []
