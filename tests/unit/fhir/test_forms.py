"""How a resource is written, by what is asked and what the server can do."""

import pytest

from engine.fhir.forms import choose_form, identifier_query

ALL = frozenset({"update-create", "conditional-update", "conditional-create"})


@pytest.mark.parametrize(
    ("identity", "capabilities", "has_identifier", "kind", "code"),
    [
        ("update", ALL, True, "update", None),
        ("update", ALL, False, "update", None),
        ("update", ALL - {"update-create"}, True, "conditional", "F633"),
        ("update", {"conditional-create"}, True, "create-once", "F633"),
        ("update", ALL - {"update-create"}, False, "create", "F633"),
        ("update", set(), True, "create", "F633"),
        ("conditional", ALL, True, "conditional", None),
        ("conditional", ALL, False, "update", None),
        ("conditional", ALL - {"conditional-update"}, True, "update", "F632"),
        ("conditional", {"conditional-create"}, True, "create-once", "F632"),
        ("conditional", set(), True, "create", "F632"),
        ("conditional", {"conditional-update"}, False, "create", "F635"),
        ("create", ALL, True, "create-once", None),
        ("create", ALL - {"conditional-create"}, True, "create", "F634"),
        ("create", ALL, False, "create", None),
    ],
)
def test_the_next_best_form_is_taken_and_said(
    identity: str, capabilities: set[str], has_identifier: bool, kind: str, code: str | None
) -> None:
    form = choose_form(identity, frozenset(capabilities), has_identifier)
    assert form.kind == kind
    assert (form.lacking.code if form.lacking else None) == code


@pytest.mark.parametrize(
    ("identifier", "query"),
    [
        (("urn:oid:2.999.1", "7"), "identifier=urn%3Aoid%3A2.999.1%7C7"),
        (("http://a/b", "x y&z=1"), "identifier=http%3A%2F%2Fa%2Fb%7Cx%20y%26z%3D1"),
        (("s", "a|b,c$d\\e"), "identifier=s%7Ca%5C%7Cb%5C%2Cc%5C%24d%5C%5Ce"),
        (("s", 'ü"\n#?'), "identifier=s%7C%C3%BC%22%0A%23%3F"),
    ],
)
def test_an_identifier_in_a_query_is_escaped_and_encoded(
    identifier: tuple[str, str], query: str
) -> None:
    assert identifier_query(identifier) == query
