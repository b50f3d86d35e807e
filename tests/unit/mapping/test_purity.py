import pytest

from engine.mapping.library import read_library
from engine.mapping.purity import is_pure


def map_text(name: str, rules: str) -> str:
    source, _, kind = name.rstrip("]").partition("[")
    return f"map: {name}\nfrom: {source}\nto: {kind}\nrules:\n  {rules}\n"


@pytest.mark.parametrize(
    ("rules", "pure"),
    [
        ("text: CWE.2 | upper(CWE.1)", True),
        ("coding[]: CWE -> CWE[Coding]", True),
        ("text: MSH-3.1", False),
        ("text: CWE.2 when MSH-3 valued", False),
        ("text: CWE.2 -> dateTime", False),
        ("text: CWE.2 when (CWE.3 -> system) valued", False),
        ("text: CWE -> HD[Organization] -> reference", False),
        ("text: CWE -> CWE[Extension]", False),
        ("text: CWE -> CWE[CodeableConcept]", False),
    ],
)
def test_a_map_is_pure_when_only_its_text_counts(rules: str, pure: bool) -> None:
    library, problems = read_library(
        {
            "a.yaml": map_text("CWE[CodeableConcept]", rules),
            "b.yaml": map_text("CWE[Coding]", "code: CWE.1"),
            "c.yaml": map_text("CWE[Extension]", "url: MSH-4.1"),
            "d.yaml": map_text("HD[Organization]", "name: HD.1"),
        }
    )
    assert problems == []
    assert is_pure(library, "CWE[CodeableConcept]") is pure
