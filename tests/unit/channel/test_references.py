"""References to environment values and secrets."""

import pytest

from engine.channel.connection import SecretReference
from engine.channel.references import Allowed, Resolved, resolve
from engine.diagnostics import Place
from engine.yamltext import Scalar

ENVIRONMENT = {"HOST": "fhir.example.org", "EMPTY": ""}
TEXT = Allowed(option="url", environment=True)
PLAIN = Allowed(option="name", environment=False)
SECRET = Allowed(option="bearer", environment=False, text=False, secret=True)
EITHER = Allowed(option="X-Api-Key", environment=True, secret=True)


def resolved(text: str, allowed: Allowed = TEXT) -> Resolved:
    return resolve(Scalar(text, Place(file="a.yaml", line=1, column=1)), allowed, ENVIRONMENT)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("${env:HOST}", "fhir.example.org"),
        ("http://${env:HOST}:${env:PORT:8080}/fhir", "http://fhir.example.org:8080/fhir"),
        ("${env:URL:http://127.0.0.1:8090/fhir}", "http://127.0.0.1:8090/fhir"),
        ("${env:EMPTY:x}", ""),
        ("${env:NONE:}", ""),
        ("$HOME", "$HOME"),
    ],
)
def test_environment_values_are_put_in_place(text: str, value: str):
    assert resolved(text) == Resolved(value)


@pytest.mark.parametrize(
    ("text", "allowed", "code", "column"),
    [
        ("a${env:NONE}", TEXT, "C420", 2),
        ("${env:HOST", TEXT, "C421", 1),
        ("${HOST}", TEXT, "C421", 1),
        ("${env:1X}", TEXT, "C421", 1),
        ("x${secret:env:KEY}", EITHER, "C421", 2),
        ("${secret:env:KEY}x", EITHER, "C421", 1),
        ("${secret:vault:KEY}", SECRET, "C421", 1),
        ("${secret:env:KEY:default}", SECRET, "C421", 1),
        ("${secret:file:relative}", SECRET, "C421", 1),
        ("${env:HOST}", PLAIN, "C422", 1),
        ("${secret:env:KEY}", TEXT, "C422", 1),
        ("hunter2", SECRET, "C423", 1),
        ("${env:HOST}", SECRET, "C423", 1),
    ],
)
def test_a_reference_that_cannot_be_used_is_refused_where_it_stands(
    text: str, allowed: Allowed, code: str, column: int
):
    found = resolved(text, allowed)
    assert found.value is None
    assert [(one.code, one.place.column) for one in found.problems] == [(code, column)]


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("${secret:env:KEY}", SecretReference("env", "KEY")),
        ("${secret:file:/run/key}", SecretReference("file", "/run/key")),
    ],
)
def test_a_secret_stays_a_reference(text: str, secret: SecretReference):
    assert resolved(text, SECRET) == Resolved(secret)
    assert resolved(text, EITHER) == Resolved(secret)
    assert str(secret) in text
