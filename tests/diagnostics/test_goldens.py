"""One golden text for each diagnostic code: input that provokes it, and the text shown for it.

A golden is `golden/CODE.txt`. Its first line says what is run; sections follow, each under a line
`=== NAME`: files, `environment`, `message` (segments on lines), `bytes` (Python literals),
`options` (JSON), and at the end `rendered`. Write the sections but the last and run `pytest
--update`; the diff is what is reviewed. A code that only a failing disk or a fault of ours provokes
has a golden that is made by `call`: the text alone, with its values.
"""

import ast
import importlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from composed import composer_of, known_calls

from engine.channel.console_fields import read_console
from engine.channel.environments import check_environments
from engine.channel.filter import compile_filter
from engine.channel.lint import check_configuration
from engine.cli.reference import all_codes, diagnostics_page
from engine.codevalues.lint import lint_bindings, lint_snapshot, lint_tables, lint_tenant
from engine.codevalues.project import read_code_value_files
from engine.diagnostics import Code, Diagnostic, Place, render, without_secrets
from engine.fhir import checker as fhir_checker
from engine.fhir.entries import Entry
from engine.hl7v2.batch import split
from engine.hl7v2.groups import group
from engine.hl7v2.header import peek
from engine.hl7v2.parser import parse
from engine.hl7v2.path import parse_path
from engine.mapping.checker.checker import check_library
from engine.mapping.compiler.compiler import compile_library
from engine.mapping.library import read_library, with_overlays
from engine.mapping.run import MapContext
from engine.millennium.calls.body import MessageFacts
from engine.millennium.calls.compose import compose
from engine.millennium.calls.reader import read_presets
from engine.mllp import FrameDecoder, FrameFault
from engine.yamltext import parse_yaml

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden"
CODE = re.compile(r"[MHDCTFSVO]\d{3}\Z")
UPDATE = "run pytest with --update and review the diff"

Sections = dict[str, str]


# -- what is declared --


def declared() -> Iterator[tuple[str, str, str]]:
    """(code, module, name) of every code declared at the top of a module of the engine."""
    for file in sorted((ROOT / "engine").rglob("*.py")):
        module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
        for statement in ast.parse(file.read_text(encoding="utf-8")).body:
            if not (isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call)):
                continue
            first = statement.value.args[0] if statement.value.args else None
            if isinstance(first, ast.Constant) and CODE.match(str(first.value)):
                target = statement.targets[0]
                assert isinstance(target, ast.Name)
                yield str(first.value), module, target.id


DECLARED = sorted(declared())


def code_object(code: str) -> Code:
    _, module, name = next(found for found in DECLARED if found[0] == code)
    found: Code = getattr(importlib.import_module(module), name)
    return found


# -- running a golden --


def files_of(sections: Sections) -> dict[str, str]:
    """The sections that are files."""
    return {name: text for name, text in sections.items() if "." in name}


def options_of(sections: Sections) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(sections.get("options", "{}"))
    return found


def raw_of(sections: Sections) -> bytes:
    if "bytes" in sections:
        return b"".join(ast.literal_eval(line) for line in sections["bytes"].splitlines())
    return "".join(f"{line}\r" for line in sections["message"].splitlines()).encode()


def run_yaml(sections: Sections) -> Iterable[Diagnostic]:
    for name, text in files_of(sections).items():
        yield from parse_yaml(text, name)[1]


def run_channel(sections: Sections) -> Iterable[Diagnostic]:
    lines = sections.get("environment", "").splitlines()
    environment = dict(line.split("=", 1) for line in lines)
    options = options_of(sections)
    if options.pop("tenants", False):
        options["known_calls"] = known_calls()
    return check_configuration(files_of(sections), environment, **options)[1]


def run_environment(sections: Sections) -> Iterable[Diagnostic]:
    lines = sections.get("variables", "").splitlines()
    variables = dict(line.split("=", 1) for line in lines)
    return check_environments(files_of(sections), variables, **options_of(sections))[1]


def run_console(sections: Sections) -> Iterable[Diagnostic]:
    return read_console(sections["console.yaml"], {})[1]


def run_library(sections: Sections) -> Iterable[Diagnostic]:
    files = files_of(sections)
    changes = {name: text for name, text in files.items() if name.startswith("overlays/")}
    base = {name: text for name, text in files.items() if name not in changes}
    library, problems = read_library(base)
    if changes:
        library, more = with_overlays(library, changes)
        problems = [*problems, *more]
    return [*problems, *check_library(library)]


def run_calls(sections: Sections) -> Iterable[Diagnostic]:
    return read_presets(files_of(sections))[1]


def run_compose(sections: Sections) -> Iterable[Diagnostic]:
    entries = [
        Entry(resource=resource, resource_id=f"00000000-0000-5000-8000-{number:012}")
        for number, resource in enumerate(json.loads(sections["resources"]), 1)
    ]
    return compose(entries, composer_of(**options_of(sections)), MessageFacts()).diagnostics


def run_message(sections: Sections) -> Iterable[Diagnostic]:
    parsed = parse(raw_of(sections), **options_of(sections))
    grouped = group(parsed.message).diagnostics if parsed.message is not None else ()
    return [*parsed.diagnostics, *grouped]


def run_header(sections: Sections) -> Iterable[Diagnostic]:
    return peek(raw_of(sections)).diagnostics


def run_batch(sections: Sections) -> Iterable[Diagnostic]:
    return split(raw_of(sections)).diagnostics


def run_path(sections: Sections) -> Iterable[Diagnostic]:
    problem = parse_path(sections["path"].strip())[1]
    return [problem] if problem else []


def run_frames(sections: Sections) -> Iterable[Diagnostic]:
    decoder = FrameDecoder(**options_of(sections))
    found = [*decoder.feed(raw_of(sections)), *decoder.close()]
    return [one.diagnostic for one in found if isinstance(one, FrameFault)]


def run_resource(sections: Sections) -> Iterable[Diagnostic]:
    return fhir_checker.check(json.loads(sections["resource"]))


def run_convert(sections: Sections) -> Iterable[Diagnostic]:
    library, problems = read_library(files_of(sections))
    assert problems == []
    assert check_library(library) == []
    parsed = parse(raw_of(sections))
    assert parsed.message is not None
    context = MapContext(**options_of(sections))
    return compile_library(library).convert(group(parsed.message), context).diagnostics


def run_filter(sections: Sections) -> Iterable[Diagnostic]:
    condition = compile_filter(sections["filter"].strip())
    message = parse(raw_of(sections)).message
    assert message is not None
    return [] if condition(message) else [condition.refusal(message)]


def run_codevalues(sections: Sections) -> Iterable[Diagnostic]:
    found, problems = read_code_value_files(files_of(sections))
    options = options_of(sections)
    problems = [*problems, *lint_tables(found)]
    for file, taken in found.snapshots.items():
        problems += lint_bindings(found, taken)
        if "today" in options:
            today = date.fromisoformat(options["today"])
            problems += lint_snapshot(taken, file=file, today=today)
        if "tenant" in options:
            problems += lint_tenant(taken, file=file, tenant=options["tenant"])
    return problems


def run_call(sections: Sections) -> Iterable[Diagnostic]:
    return [code_object(sections["code"].strip())(Place(), **json.loads(sections["values"]))]


RUNNERS: dict[str, Callable[[Sections], Iterable[Diagnostic]]] = {
    "yaml": run_yaml,
    "channel": run_channel,
    "environment": run_environment,
    "console": run_console,
    "library": run_library,
    "calls": run_calls,
    "compose": run_compose,
    "message": run_message,
    "header": run_header,
    "batch": run_batch,
    "path": run_path,
    "frames": run_frames,
    "resource": run_resource,
    "convert": run_convert,
    "filter": run_filter,
    "codevalues": run_codevalues,
    "call": run_call,
}


def read_golden(text: str) -> tuple[str, Sections]:
    """The runner's name and the sections."""
    head, *rest = re.split(r"^=== (.+)\n", text, flags=re.MULTILINE)
    return head.strip(), dict(zip(rest[::2], rest[1::2], strict=True))


def rendered(diagnostics: Iterable[Diagnostic], sections: Sections) -> str:
    texts = []
    listed = list(diagnostics)
    for found in listed:
        text = sections.get(found.place.file or "")
        source = None
        if text is not None:
            source = without_secrets(text.splitlines(), listed, found.place.file)
        texts.append(render(found, source) + "\n")
    return "".join(texts)


def golden_by_call(code: str) -> str:
    """A golden for a code that no small input provokes: each value is shown by its name."""
    fields = re.findall(r"\{(\w+)[^}]*\}", code_object(code).text)
    values = json.dumps({name: f"<{name}>" for name in fields})
    return f"call\n=== code\n{code}\n=== values\n{values}\n=== rendered\n"


# -- tests --


def test_every_code_is_declared_once():
    seen: dict[str, str] = {}
    for code, module, name in DECLARED:
        assert code not in seen, f"{code} is {seen.get(code)} and {module}.{name}"
        seen[code] = f"{module}.{name}"


def test_every_code_is_in_the_reference():
    assert {found.code for found in all_codes()} == {code for code, _, _ in DECLARED}
    page = diagnostics_page()
    assert [code for code, _, _ in DECLARED if f"| {code} |" not in page] == []


@pytest.mark.parametrize("code", [code for code, _, _ in DECLARED])
def test_every_code_says_what_is_wrong_and_what_to_do(code: str):
    found = code_object(code)
    assert found.text.strip()
    assert found.remedy.strip()
    assert not re.search(r"(?<!\$)\{[a-z_]+\}", found.remedy), "a remedy takes no values"


@pytest.mark.parametrize("code", sorted({code for code, _, _ in DECLARED}))
def test_the_text_shown_is_exactly_the_golden_one(code: str, update: bool):
    file = GOLDEN / f"{code}.txt"
    if update and not file.exists():
        file.write_text(golden_by_call(code), encoding="utf-8")
    assert file.exists(), f"{code} has no golden text; {UPDATE}"
    text = file.read_text(encoding="utf-8")
    runner, sections = read_golden(text)
    diagnostics = list(RUNNERS[runner](sections))
    shown = rendered(diagnostics, sections)
    assert code in {found.code for found in diagnostics}, f"{code} is not provoked:\n{shown}"
    if update:
        file.write_text(text[: text.index("=== rendered\n")] + "=== rendered\n" + shown, "utf-8")
    assert sections["rendered"] == shown or update, UPDATE


def test_there_is_no_golden_of_a_code_that_is_gone():
    known = {code for code, _, _ in DECLARED}
    assert sorted(file.stem for file in GOLDEN.glob("*.txt") if file.stem not in known) == []
