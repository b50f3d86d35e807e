import pytest

from engine.diagnostics import Place
from engine.mapping.compiler.emit_code import Body, Builder
from engine.mapping.expression import parse_path
from engine.mapping.library import read_library
from engine.mapping.text_kinds import TextKind, text_kind
from engine.yamltext import Scalar


@pytest.mark.parametrize(
    ("source", "path", "kind"),
    [
        ("PID", "PID-23", TextKind.PLAIN),
        ("PID", "PID-8", TextKind.DIVIDED),
        ("PID", "PID-5.2", TextKind.PLAIN),
        ("PID", "MSH-10", TextKind.PLAIN),
        ("OBX", "OBX-5", TextKind.BY_OBX_2),
        ("OBX", "OBX-5.1", TextKind.BY_OBX_2),
        ("ZPI", "ZPI-1", TextKind.DIVIDED),
    ],
)
def test_the_dictionary_says_whether_separators_divide(
    source: str, path: str, kind: TextKind
) -> None:
    text = f"map: {source}[Basic]\nfrom: {source}\nto: Basic\nrules:\n  id: {source}-1\n"
    library, _ = read_library({"m.yaml": text})
    body = Body(
        builder=Builder(library=library, traced=False),
        map_file=library.maps[f"{source}[Basic]"],
        level=0,
    )
    found, _ = parse_path(path, Scalar(path, Place(file="m.yaml", line=1, column=1)))
    assert found is not None
    assert text_kind(body, found) is kind
