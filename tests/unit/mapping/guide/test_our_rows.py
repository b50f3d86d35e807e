import pytest

from engine.mapping.guide.our_rows import OurRow, RowBook
from engine.mapping.library import read_library

NAME = """map: XPN[HumanName]
from: XPN
to: HumanName
parameters: {use: code}
rules:
  use: use
  family: XPN.1.1
  given[]:
    - XPN.2
    - XPN.3
"""


def rows(rules: str, *maps: str, head: str = "") -> list[OurRow]:
    text = f"map: PID[Patient]\nfrom: PID\nto: Patient\n{head}rules:\n"
    text += "".join(f"  {line}\n" for line in rules.splitlines())
    files = {f"m{number}.yaml": one for number, one in enumerate((text, *maps))}
    library, problems = read_library(files)
    assert problems == []
    return list(RowBook(library=library).rows("PID[Patient]"))


def shown(found: list[OurRow]) -> set[tuple[str, str, str | None]]:
    def sources(row: OurRow) -> str:
        return " ".join(sorted("-".join(map(str, one)) for one in row.sources))

    return {(sources(row), ".".join(row.element), row.literal) for row in found}


def test_a_map_that_is_called_is_followed_into_its_components() -> None:
    found = shown(rows("name[]: PID-5 -> XPN[HumanName] use=usual", NAME))
    assert ("PID-5", "name", None) in found
    assert ("PID-5-1-1", "name.family", None) in found
    assert ("PID-5-2", "name.given", None) in found
    assert ("PID-5", "name.use", "usual") in found


def test_a_parameter_that_is_not_given_makes_no_row() -> None:
    found = shown(rows("name[]: PID-5 -> XPN[HumanName]", NAME))
    assert not [row for row in found if row[1] == "name.use"]


def test_a_fixed_value_belongs_to_what_its_block_reads() -> None:
    rules = "telecom[]:\n  system: '\"phone\"'\n  value: PID-13[1].1"
    assert ("PID PID-13-1", "telecom.system", "phone") in shown(rows(rules))


def test_a_fixed_alternative_belongs_to_the_conditions_before_it() -> None:
    rules = 'gender:\n  - \'"male" when PID-8 = "M"\'\n  - \'"unknown"\''
    found = shown(rows(rules))
    assert ("PID PID-8", "gender", "male") in found
    assert ("PID PID-8", "gender", "unknown") in found


def test_extensions_have_their_url_in_their_name() -> None:
    rules = "extension[]:\n  - url: '\"http://a.org/x\"'\n    valueString: PID-23"
    assert ("PID-23", "extension=http://a.org/x.valueString", None) in shown(rows(rules))
    rules = "extension[born].url: '\"http://a.org/x\"'\nextension[born].valueString: PID-23"
    assert ("PID-23", "extension=http://a.org/x.valueString", None) in shown(rows(rules))


def test_a_choice_has_the_name_of_its_type() -> None:
    rules = "deceased[x]:\n  - dateTime: PID-29 -> dateTime\n  - boolean: PID-30 -> yes_no"
    assert {row[1] for row in shown(rows(rules))} == {"deceasedDateTime", "deceasedBoolean"}


def test_a_loop_reads_the_parts_of_its_source() -> None:
    rules = "name[] each PID-5 as called when called.15 valued:\n  given[]: called.15"
    assert ("PID-5-15", "name.given", None) in shown(rows(rules))


def test_a_segment_given_as_a_parameter_is_read_as_itself() -> None:
    found = rows("birthDate: orc-9 -> date", head="parameters: {orc: ORC}\n")
    assert shown(found) == {("ORC-9", "birthDate", None)}


@pytest.mark.parametrize("name", ["PID[Nobody]", ""])
def test_a_map_that_is_not_there_has_no_rows(name: str) -> None:
    library, _ = read_library({})
    assert RowBook(library=library).rows(name) == ()
