"""A document whose narratives are folded becomes what it becomes otherwise, byte for byte."""

import pytest
from converted_documents import CORPUS, convert_document, converted_documents

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS.exists(), reason="the shared corpora are not here"),
]


def test_every_document_of_the_corpora_is_the_same_with_and_without_folding() -> None:
    folded = 0
    for plain in converted_documents():
        other = convert_document(plain.name, plain.raw, folds_from=0)
        assert other.body == plain.body, plain.name
        assert other.diagnostics == plain.diagnostics, plain.name
        assert other.repairs == plain.repairs, plain.name
        if plain.result is not None and other.result is not None:
            assert other.result.diagnostics == plain.result.diagnostics, plain.name
        narratives = other.document.narratives if other.document is not None else None
        folded += narratives is not None and bool(narratives.ids)
    assert folded > 100
