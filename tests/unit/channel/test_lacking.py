"""Calls at a tenant that lacks an interaction."""

from dataclasses import replace

import pytest

from engine.channel.environment import EnvironmentClass, TenantConfig
from engine.channel.lacking import capability_of, narrowed
from engine.diagnostics import Place
from engine.millennium.calls.model import CallPreset, Interaction

WHERE = Place(file="channels/adt.yaml", line=7)


def plain(interaction: Interaction, path: str = "") -> CallPreset:
    return CallPreset(
        name=f"patient.{interaction.value}",
        api="ignite-fhir-r4",
        contract="public",
        grade="documented",
        source="",
        resource="Patient",
        interaction=interaction,
        path=path,
    )


REGISTER = replace(
    plain(Interaction.REGISTER),
    find=plain(Interaction.SEARCH),
    create=plain(Interaction.CREATE),
    change=plain(Interaction.PATCH),
)


def at(**off: str) -> TenantConfig:
    return TenantConfig(
        name="main",
        kind=EnvironmentClass.SANDBOX,
        tenant="t",
        fhir_root="http://x",
        capabilities={f"Patient.{name}": text for name, text in off.items()},
    )


def test_a_tenant_that_has_all_leaves_a_call_as_it_is():
    assert narrowed(REGISTER, at(delete="no"), WHERE) == (REGISTER, [])


def test_a_register_that_cannot_change_finds_and_creates():
    call, problems = narrowed(REGISTER, at(patch="send it by MLLP"), WHERE)
    assert call == replace(REGISTER, change=None)
    assert [(one.code, one.hint) for one in problems] == [("C486", "send it by MLLP")]


def test_a_register_that_cannot_read_contents_does_the_rest():
    reads = replace(REGISTER, read=plain(Interaction.READ))
    call, problems = narrowed(reads, at(read="send the content"), WHERE)
    assert call == REGISTER
    assert [one.hint for one in problems] == ["send the content"]
    call, problems = narrowed(reads, at(read="x", patch="y"), WHERE)
    assert call == replace(REGISTER, change=None)
    assert [one.hint for one in problems] == ["y", "x"]


@pytest.mark.parametrize("missing", ["create", "search"])
def test_a_register_that_cannot_find_or_create_is_refused(missing: str):
    call, problems = narrowed(REGISTER, at(**{missing: "by hand", "patch": "by MLLP"}), WHERE)
    assert call is None
    assert {one.code for one in problems} == {"C485"}
    assert {one.hint for one in problems} == {"by hand", "by MLLP"}


def test_an_operation_is_known_by_its_name():
    call = plain(Interaction.OPERATION, "{fhir_root}/Patient/$match")
    assert capability_of(call) == "Patient.$match"
    assert narrowed(call, at(**{"$match": "none"}), WHERE)[0] is None
