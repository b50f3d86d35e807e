from engine.mapping.identifiers import best_identifier, identifier_key


def identifier(value: str, code: str = "", system: str = "") -> dict[str, object]:
    made: dict[str, object] = {"value": value}
    if code:
        made["type"] = {"coding": [{"code": code}]}
    if system:
        made["system"] = system
    return made


def test_key_of_an_identifier_by_type_then_system_then_value() -> None:
    one, two, three = identifier("9", "MR"), identifier("1", "PI"), identifier("0")
    for order in ([one, two, three], [three, two, one], [two, three, one]):
        assert identifier_key({"identifier": order}) == ("", "9")
    assert identifier_key({"identifier": [identifier("2", "", "b"), identifier("3", "", "a")]}) == (
        "a",
        "3",
    )
    assert identifier_key({"identifier": [{"system": "a"}]}) is None
    assert identifier_key({}) is None


def test_the_assigner_keeps_numbers_of_two_hospitals_apart() -> None:
    one = {"value": "1", "assigner": {"display": "NORTH"}}
    assert identifier_key({"identifier": [one]}) == ("NORTH", "1")


def test_conditional_forms_need_a_system() -> None:
    found = best_identifier([identifier("9", "MR"), identifier("1", "PI", "urn:a")])
    assert found == ("urn:a", "1")
    assert best_identifier([identifier("9", "MR")]) is None
    assert best_identifier(identifier("9", "MR", "urn:a")) == ("urn:a", "9")


def test_a_number_that_is_no_longer_used_is_no_key_while_there_is_another() -> None:
    old = {**identifier("1", "MR", "urn:a"), "use": "old"}
    new = identifier("2", "PI", "urn:a")
    assert identifier_key({"identifier": [old, new]}) == ("urn:a", "2")
    assert best_identifier([old, new]) == ("urn:a", "2")
    assert identifier_key({"identifier": [old]}) == ("urn:a", "1")
