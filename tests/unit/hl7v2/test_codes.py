"""The codes of the package: in their range, once each, with a remedy, and saying no values."""

import re
import string

from engine.diagnostics import Code
from engine.hl7v2 import codes

ALL = [value for value in vars(codes).values() if isinstance(value, Code)]
PLACES_AND_COUNTS = {
    "name", "line", "limit", "unit", "count", "codec", "version", "structure", "next", "other",
    "ends", "character", "offset", "declared", "found", "opened", "closed", "text", "problem",
}  # fmt: skip


def test_codes_are_unique_and_in_their_range():
    names = [code.code for code in ALL]
    assert len(set(names)) == len(names) > 30
    assert all(re.fullmatch(r"H2\d\d", name) for name in names)


def test_every_code_has_a_text_and_a_remedy():
    assert all(code.text and code.remedy for code in ALL)


def test_texts_name_places_and_counts_only():
    for code in ALL:
        fields = {name for _, name, _, _ in string.Formatter().parse(code.text) if name}
        assert fields <= PLACES_AND_COUNTS, code.code
