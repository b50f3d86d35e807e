"""The libraries that ship, each read and compiled once a process."""

from functools import cache
from pathlib import Path

from engine.mapping.compiler.compiler import Program, compile_library
from engine.mapping.library import Library, read_library

ROOT = Path(__file__).parents[2]


@cache
def library_files(name: str = "hl7v2") -> dict[str, str]:
    """Text of the maps and tables of a folder of `transforms/`, by path from the root."""
    return {
        path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
        for path in sorted((ROOT / "transforms" / name).rglob("*"))
        if path.suffix in (".yaml", ".csv")
    }


@cache
def shipped_library(name: str = "hl7v2") -> Library:
    """The library; reading it finds no problem."""
    found, problems = read_library(library_files(name))
    assert problems == []
    return found


@cache
def shipped_program() -> Program:
    """The compiled library of HL7 v2."""
    return compile_library(shipped_library())
