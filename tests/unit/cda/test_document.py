from lxml import etree

from engine.cda.document import Document, elements_at, place_of
from engine.cda.nodes import is_valued, node_code, node_text

NAMESPACE = 'xmlns="urn:hl7-org:v3" xmlns:sdtc="urn:hl7-org:sdtc"'


def element(text: str) -> etree._Element:
    return etree.fromstring(f"<ClinicalDocument {NAMESPACE}>{text}</ClinicalDocument>")[0]


def test_the_text_of_an_element_is_its_value_code_extension_or_words() -> None:
    assert node_text(element('<a value="1" code="2"/>')) == "1"
    assert node_text(element('<a code="2" extension="3"/>')) == "2"
    assert node_text(element('<a extension="3"/>')) == "3"
    assert node_text(element("<a> some \n <b>words</b></a>")) == "some words"
    assert node_text(element('<a nullFlavor="UNK"/>')) == ""


def test_a_null_flavour_alone_says_nothing() -> None:
    assert not is_valued(element('<a nullFlavor="UNK"/>'))
    assert is_valued(element('<a nullFlavor="OTH"><translation code="1"/></a>'))
    assert is_valued(element('<a code="1"/>'))


def test_a_coding_has_code_display_and_oid() -> None:
    found = node_code(
        element('<a code=" 718-7 " displayName="Hb" codeSystem="2.16.840.1.113883.6.1"/>')
    )
    assert found == ["718-7", "Hb", "2.16.840.1.113883.6.1"]
    assert node_code(element('<a nullFlavor="UNK"/>')) == []


def test_a_place_counts_from_one_and_leads_back() -> None:
    root = etree.fromstring(
        f"<ClinicalDocument {NAMESPACE}><a/><b><sdtc:c/><d/><d/></b></ClinicalDocument>"
    )
    document = Document(root=root, raw=b"")
    second = root[1][2]
    assert place_of(second) == "/ClinicalDocument/b/d[2]"
    assert elements_at(document, "/ClinicalDocument/b/d[2]") == [second]
    assert elements_at(document, "b/sdtc:c") == [root[1][0]]
    assert elements_at(document, "b/d[x]") is None
    assert elements_at(document, "nothing") == []
