"""What calls need as scopes of both syntaxes, and what a grant lacks."""

import json
from pathlib import Path

import pytest

from engine.destinations.authorization.scopes import (
    Syntax,
    described,
    needed,
    needs,
    permissions,
    rendered,
)

CAPABILITIES = Path(__file__).parents[4].parent / "shared/corpora/millennium/capability_min.json"
PATIENT = [("Patient", "register")]


def scopes(pairs: list[tuple[str, str]], syntax: Syntax, *advertised: str) -> tuple[str, ...]:
    return rendered(needed(pairs), syntax, advertised)


@pytest.mark.parametrize(
    ("pairs", "v1", "v2"),
    [
        (PATIENT, ("system/Patient.read", "system/Patient.write"), ("system/Patient.crus",)),
        ([("Patient", "search")], ("system/Patient.read",), ("system/Patient.crus",)),
        ([("Location", "read")], ("system/Location.read",), ("system/Location.rs",)),
        ([("Slot", "patch")], ("system/Slot.write",), ("system/Slot.rus",)),
        ([("Coverage", "delete")], ("system/Coverage.write",), ("system/Coverage.cruds",)),
        ([("ChargeItem", "$create")], ("system/ChargeItem.write",), ("system/ChargeItem.crs",)),
        (
            [("Observation", "update")],
            ("system/Observation.read", "system/Observation.write"),
            ("system/Observation.crus",),
        ),
        (
            [("Basic", "create")],
            ("system/Basic.write", "system/FinancialTransaction.write"),
            ("system/Basic.c", "system/FinancialTransaction.c"),
        ),
        (
            [("Binary", "read")],
            ("system/Binary.read", "system/DocumentReference.read"),
            ("system/Binary.r", "system/DocumentReference.crus"),
        ),
        ([("CapabilityStatement", "metadata")], (), ()),
    ],
)
def test_calls_need_these_scopes(
    pairs: list[tuple[str, str]], v1: tuple[str, ...], v2: tuple[str, ...]
):
    assert scopes(pairs, Syntax.V1) == v1
    assert scopes(pairs, Syntax.V2) == v2


def test_an_advertised_suffix_is_taken_as_it_stands():
    advertised = ("system/Patient.rs", "system/Patient.crus", "system/Patient.read")
    assert scopes(PATIENT, Syntax.V2, *advertised) == ("system/Patient.crus",)
    assert scopes([("Patient", "read")], Syntax.V2, *advertised) == ("system/Patient.rs",)
    assert scopes(PATIENT, Syntax.V2, "system/Patient.rs") == ("system/Patient.crus",)


def test_scopes_of_both_syntaxes_permit_the_same():
    assert permissions(["system/Patient.read"]) == permissions(["system/Patient.rs"])
    assert permissions(["system/Patient.write"]) == permissions(["system/Patient.cud"])
    assert permissions(["oraclehealth:millennium:code-system"]) == {
        ("oraclehealth:millennium:code-system", "")
    }


def test_what_version_one_asks_for_is_granted_by_what_version_two_has_for_the_type():
    assert needs(["system/Patient.write"]) == permissions(["system/Patient.cu"])
    assert needs(["system/Procedure.write"]) == permissions(["system/Procedure.c"])
    assert needs(["system/Coverage.write"]) == permissions(["system/Coverage.cud"])
    assert needs(["system/Binary.read"]) == permissions(["system/Binary.r"])


def test_what_a_grant_lacks_is_said_in_its_own_syntax():
    lacking = needed(PATIENT) - permissions(["system/Patient.rs"])
    assert described(lacking, Syntax.V2) == "system/Patient.cu"
    assert described(lacking, Syntax.V1) == "system/Patient.write"
    assert described(permissions(["a:b"]), Syntax.V2) == "a:b"


@pytest.mark.corpus
@pytest.mark.skipif(not CAPABILITIES.exists(), reason="the shared corpora are not here")
def test_every_interaction_that_is_advertised_gives_scopes_that_are():
    names = {"search-type": "search"}
    for kind, found in json.loads(CAPABILITIES.read_text())["resources"].items():
        pairs = [(kind, names.get(one, one)) for one in found["interactions"]]
        advertised = set(found["system_scopes"])
        for syntax in Syntax if advertised else ():
            made = {one for one in scopes(pairs, syntax) if one.startswith(f"system/{kind}.")}
            assert made <= advertised, kind
