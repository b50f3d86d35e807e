"""Folded narratives: away while nobody reads them, whole while their section is open."""

import pytest
from lxml import etree

from engine.cda.document import Document, Node
from engine.cda.folding import SECTION, TEXT, Narratives
from engine.cda.reader import parse_document

BODY = """<component><structuredBody>
  <component><section><title>One</title><text mediaType="text/x-hl7-text+xml">
    <paragraph ID="a">first <content>words</content></paragraph> tail</text>
    <entry><observation><text><reference value="#b"/></text></observation></entry>
    <component><section><text><list><item ID="in">nested</item></list></text></section></component>
  </section></component>
  <component><section><text><paragraph ID="b">second</paragraph><table><tr><td>x</td></tr></table>
  </text></section></component>
</structuredBody></component>"""


def document(body: str = BODY) -> tuple[Document, Narratives]:
    whole = f'<ClinicalDocument xmlns="urn:hl7-org:v3">{body}</ClinicalDocument>'.encode()
    parsed = parse_document(whole, folds_from=0)
    assert parsed.diagnostics == ()
    assert parsed.document is not None
    assert isinstance(parsed.document.narratives, Narratives)
    return parsed.document, parsed.document.narratives


def sections(found: Document) -> list[Node]:
    return list(found.root.iter(SECTION))


def words(section: Node) -> str:
    text = next(section.iterchildren(TEXT))
    return " ".join("".join(text.itertext()).split())


def test_narratives_are_away_until_their_section_is_open() -> None:
    found, narratives = document()
    first, nested, last = sections(found)
    assert [words(one) for one in (first, nested, last)] == ["", "", ""]
    narratives.open_section(first)
    assert words(first) == "first words tail"
    narratives.open_section(last)
    assert [words(one) for one in (first, nested, last)] == ["", "", "secondx"]


def test_the_sections_around_an_open_one_stay_open() -> None:
    found, narratives = document()
    first, nested, _ = sections(found)
    narratives.open_section(first)
    narratives.open_section(nested)
    assert (words(first), words(nested)) == ("first words tail", "nested")


def test_attributes_and_the_texts_of_entries_stay() -> None:
    found, _ = document()
    assert next(sections(found)[0].iterchildren(TEXT)).get("mediaType") == "text/x-hl7-text+xml"
    entry = next(found.root.iter("{urn:hl7-org:v3}observation"))
    assert len(entry[0]) == 1


@pytest.mark.parametrize(("name", "expected"), [("#a", "first words"), ("b", "second")])
def test_an_element_is_found_by_its_id_whichever_section_is_open(name: str, expected: str) -> None:
    found, narratives = document()
    for section in (None, *sections(found)):
        if section is not None:
            narratives.open_section(section)
        element = found.referred(name)
        assert element is not None
        assert "".join(element.itertext()).strip() == expected
    assert found.referred("#nowhere") is None


def test_opening_and_folding_again_changes_nothing() -> None:
    found, narratives = document()
    first, _, last = sections(found)
    narratives.open_section(first)
    before = etree.tostring(first)
    for section in (last, first, last, first, first):
        narratives.open_section(section)
    assert etree.tostring(first) == before


def test_a_narrative_that_is_unusually_deep_or_crowded_is_left_for_the_reader_to_judge() -> None:
    deep = "<content>" * 60 + "x" + "</content>" * 60
    attributes = " ".join(f'a{number}="1"' for number in range(30))
    for odd in (
        deep,
        f"<paragraph {attributes}>x</paragraph>",
        "<section><text><br/></text></section>",
    ):
        _, narratives = document(f"<component><section><text>{odd}</text></section></component>")
        assert len(narratives.folded) == (1 if "<section>" in odd else 0)


def test_what_is_folded_counts_for_the_limits() -> None:
    _, narratives = document()
    assert narratives.elements == 2 + 2 + 4


def test_an_id_that_comes_twice_is_reported() -> None:
    body = '<component><section><text><br ID="x"/><br ID="x"/></text></section></component>'
    whole = f'<ClinicalDocument xmlns="urn:hl7-org:v3">{body}</ClinicalDocument>'.encode()
    assert [one.code for one in parse_document(whole, folds_from=0).diagnostics] == ["D320"]


@pytest.mark.parametrize("raw", [b"<ClinicalDocument", b"", b"<a/>", b"<!DOCTYPE x><x/>"])
def test_what_is_refused_is_refused_with_the_same_word(raw: bytes) -> None:
    plain, folded = parse_document(raw), parse_document(raw, folds_from=0)
    assert folded.document is None
    assert folded.diagnostics == plain.diagnostics
