"""Which maps keep the narratives of large documents from being folded."""

import pytest
from shipped import shipped_library

from engine.mapping.compiler.documents import compile_documents
from engine.mapping.documents.narratives_read import reads_other_narratives
from engine.mapping.library import read_library

MAP = """map: one[Composition.section]
class: Section
to: Composition.section
otherwise: yes
rules:
  title: '{path} -> words'
"""


def reads(path: str) -> bool:
    library, problems = read_library({"transforms/cda/one.yaml": MAP.format(path=path)})
    assert problems == []
    return reads_other_narratives(library)


def test_the_shipped_maps_read_the_narrative_of_their_own_section() -> None:
    assert not reads_other_narratives(shipped_library("cda"))
    assert compile_documents(shipped_library("cda")).folds


@pytest.mark.parametrize(
    "path",
    [
        "/ClinicalDocument/component/structuredBody/component/section/text",
        "component/section/text/table",
        "component/section[text]/title",
        "component/section/*",
        "ancestor::structuredBody[1]/component/section/text",
        "descendant::paragraph",
        "following-sibling::component",
    ],
)
def test_maps_that_look_into_other_sections_are_known(path: str) -> None:
    assert reads(path)


@pytest.mark.parametrize(
    "path",
    [
        "text",
        "text/table",
        "entry/*/text",
        "ancestor::section[1]/text",
        "title",
        "component/section/title",
        "effectiveTime/descendant-or-self::*[comp]",
    ],
)
def test_maps_that_look_into_their_own_section_are_not_among_them(path: str) -> None:
    assert not reads(path)
