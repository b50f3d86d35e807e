from engine.mapping.terminology import extend_table, read_table

HEAD = "source_code,source_system,target_code,target_system,target_display,comment\n"


def test_rows_are_found_by_code_and_by_system() -> None:
    table, problems = read_table(HEAD + "M,,male,urn:s,Male,\nM,HL70001,m1,urn:s,,\n", "x/Sex.csv")
    assert problems == []
    assert table.name == "Sex"
    assert table.find("M") is not None
    row = table.find("M", "HL70001")
    assert row is not None
    assert (row.target_code, row.line) == ("m1", 3)
    other = table.find("M", "L")
    assert other is not None
    assert other.target_code == "male"
    assert table.find("Q") is None


def test_quotes_byte_order_mark_and_crlf_are_read() -> None:
    text = "\ufeff" + HEAD.replace("\n", "\r\n") + 'A,,b,urn:s,"one, two",\r\n'
    table, problems = read_table(text, "T.csv")
    assert problems == []
    assert table.rows[0].target_display == "one, two"


def test_problems_have_line_and_column() -> None:
    text = "source_code,source_sytem,target_code\nA,,b\nA,,c\n,,d\na,b,c,d,e\n"
    _, problems = read_table(text, "T.csv")
    assert [(one.code, one.place.line, one.place.column) for one in problems] == [
        ("T508", 1, 13),
        ("T509", 3, 1),
        ("T508", 4, 1),
        ("T508", 5, 1),
    ]
    assert problems[0].hint == 'did you mean "source_system"?'


def test_an_unclosed_quote_and_an_empty_file_are_problems() -> None:
    for text in (HEAD + 'A,,"b\n', "", "\n"):
        _, problems = read_table(text, "T.csv")
        assert [one.code for one in problems] == ["T508"]


def test_rows_of_a_site_replace_and_add() -> None:
    table, _ = read_table(HEAD + "A,,one,,,\nB,,two,,,\n", "T.csv")
    more, _ = read_table(HEAD + "B,,changed,,,\nC,,three,,,\n", "site/T.csv")
    merged = extend_table(table, more)
    assert [(row.source_code, row.target_code) for row in merged.rows] == [
        ("A", "one"),
        ("B", "changed"),
        ("C", "three"),
    ]
