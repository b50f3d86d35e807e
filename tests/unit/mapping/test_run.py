import pytest

from engine.mapping.blanked import blank_nulls


@pytest.mark.parametrize(
    ("text", "blanked"),
    [
        ('""', ""),
        ('a^""^b', "a^^b"),
        ('""~x&""', "~x&"),
        ('a""b', 'a""b'),
        ('"x"', '"x"'),
        ('"""', '"""'),
    ],
)
def test_only_a_whole_value_of_two_quotes_is_null(text: str, blanked: str) -> None:
    assert blank_nulls(text) == blanked
