import pytest
from lxml import etree

from engine.cda.document import Document
from engine.cda.narrative import plain_text, to_xhtml


def text(inner: str) -> etree._Element:
    return etree.fromstring(f'<text xmlns="urn:hl7-org:v3">{inner}</text>')


def test_tables_and_lists_become_xhtml() -> None:
    found = to_xhtml(
        text(
            '<table border="1"><thead><tr><th>A</th></tr></thead><tbody><tr><td ID="x" '
            'colspan="2">1</td></tr></tbody></table>'
            '<list listType="ordered"><item>one</item></list><paragraph>p<br/>q</paragraph>'
        )
    )
    assert found == (
        '<div xmlns="http://www.w3.org/1999/xhtml"><table><thead><tr><th>A</th></tr></thead>'
        "<tbody><tr>"
        '<td colspan="2" id="x">1</td></tr></tbody></table><ol><li>one</li></ol><p>p<br/>q</p>'
        "</div>"
    )


def test_nothing_that_runs_comes_through() -> None:
    found = to_xhtml(
        text(
            '<paragraph onclick="alert(1)">a</paragraph><linkHtml href="javascript:alert(1)">'
            "b</linkHtml>"
            '<linkHtml href="https://northvale.test/x?a=1&amp;b=2">c</linkHtml><script>d</script>'
            '<renderMultiMedia referencedObject="m"/>'
        )
    )
    assert "javascript" not in found
    assert "onclick" not in found
    assert "<script" not in found
    assert '<a href="https://northvale.test/x?a=1&amp;b=2">c</a>' in found


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ('<content styleCode="Bold xEmphasis">a<content ID="n">b</content></content>',
         '<b>a<span id="n">b</span></b>'),
        ("<list><item>a<list listType='ordered'><item>b</item></list></item></list>",
         "<ul><li>a<ol><li>b</li></ol></li></ul>"),
        ("<footnote>a<sup>1</sup></footnote><footnoteRef/>", "<span>a<sup>1</sup></span>"),
        ('<table><col span="2"/><tr><td/><td ID="x"/><td>a</td></tr></table>',
         '<table><col span="2"/><tr><td></td><td id="x"></td><td>a</td></tr></table>'),
        ('<x:td xmlns:x="urn:y" x:ID="no" ID="a&gt;b&quot;c&lt;">1 &lt; 2 &gt; 0 &amp; é</x:td>',
         '<td id="a&gt;b&quot;c&lt;">1 &lt; 2 &gt; 0 &amp; é</td>'),
        ('<td colspan="two" rowspan="2" onclick="x()">a</td>', '<td rowspan="2">a</td>'),
        ("<unknown><paragraph>a</paragraph></unknown><br>b</br>", "<p>a</p><br/>b"),
        ("<![CDATA[<script>a</script>]]>", "&lt;script&gt;a&lt;/script&gt;"),
    ],
)  # fmt: skip
def test_each_element_becomes_its_counterpart_or_its_words(inner: str, expected: str) -> None:
    assert to_xhtml(text(inner)) == f'<div xmlns="http://www.w3.org/1999/xhtml">{expected}</div>'


def test_what_comes_out_is_well_formed_however_deep_it_goes() -> None:
    inner = "<content>a" * 150 + "</content>" * 150
    found = etree.fromstring(to_xhtml(text(inner)))
    assert len(list(found.iter())) == 151
    assert "".join(found.itertext()) == "a" * 150


def test_a_text_without_words_is_none() -> None:
    assert to_xhtml(text("<table><tbody><tr><td/></tr></tbody></table>")) == ""


def test_a_reference_leads_to_the_words() -> None:
    root = etree.fromstring(
        '<ClinicalDocument xmlns="urn:hl7-org:v3"><td ID="p1">Asthma<br/>mild</td>'
        "</ClinicalDocument>"
    )
    document = Document(root=root, raw=b"", ids={"p1": root[0]})
    assert plain_text(text('<reference value="#p1"/>'), document) == "Asthma mild"
    assert plain_text(text('<reference value="p1"/>'), document) == "Asthma mild"
    assert plain_text(text('own<reference value="#p1"/>'), document) == "own"
    assert plain_text(text('<reference value="#p2"/>'), document) is None


def test_a_circle_of_references_ends() -> None:
    root = etree.fromstring(
        '<ClinicalDocument xmlns="urn:hl7-org:v3"><text ID="a"><reference value="#a"/></text>'
        "</ClinicalDocument>"
    )
    document = Document(root=root, raw=b"", ids={"a": root[0]})
    assert plain_text(root[0], document) == ""
