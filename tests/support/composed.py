"""The shipped Millennium calls, and what tests compose with."""

from functools import cache
from pathlib import Path
from typing import Any

from engine.channel.environment import EnvironmentClass, EnvironmentConfig, TenantConfig
from engine.channel.millennium import FINDABLE, KnownCalls
from engine.codevalues.project import read_code_value_files
from engine.codevalues.resolve import CodeValues
from engine.codevalues.snapshot import CodeValue, write_snapshot
from engine.diagnostics import has_errors
from engine.millennium.calls.code_fields import CodeSource
from engine.millennium.calls.compose import Composer
from engine.millennium.calls.model import Presets
from engine.millennium.calls.reader import read_presets

ROOT = Path(__file__).parents[2]
TENANT = "ec2458f2-1e24-41c8-b71b-0e701af7583d"
SNAPSHOT = "codevalues/snapshots/sandbox.csv"


@cache
def shipped_calls() -> Presets:
    """The calls of transforms/millennium."""
    folder = ROOT / "transforms" / "millennium"
    files = {
        file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8")
        for file in folder.rglob("*.yaml")
    }
    presets, problems = read_presets(files)
    assert problems == []
    return presets


def known_calls() -> KnownCalls:
    """The shipped calls, and an environment with the tenant `main`."""
    tenant = TenantConfig(
        name="main",
        kind=EnvironmentClass.SANDBOX,
        tenant=TENANT,
        fhir_root=f"https://fhir-ehr-code.cerner.com/r4/{TENANT}",
        enrolling_organization="675844",
    )
    environment = EnvironmentConfig(
        name="sandbox", kind=EnvironmentClass.SANDBOX, tenants={"main": tenant}
    )
    return KnownCalls(presets=lambda _overlays: shipped_calls(), environment=environment)


ALIASES = "alias,system,alias_meaning,target,display,comment\n"


def code_values(*values: CodeValue, aliases: dict[int, str]) -> CodeValues:
    """Code values of the tenant, with the aliases of LAB_A by code set."""
    taken = write_snapshot(
        values,
        tenant=TENANT,
        taken_at="2026-01-05T14:30:00Z",
        source="ehr-api",
        code_sets=sorted({value.code_set for value in values}),
    )
    tables = {
        f"codevalues/aliases/LAB_A/{code_set}.csv": ALIASES + rows
        for code_set, rows in aliases.items()
    }
    files, problems = read_code_value_files({SNAPSHOT: taken, **tables})
    assert not has_errors(problems)
    return files.for_tenant(TENANT, snapshot=SNAPSHOT)


def composer_of(
    calls: list[str],
    *,
    policies: dict[str, str] | None = None,
    values: CodeValues | None = None,
    enrolling_organization: str = "675844",
    tenant: str = TENANT,
    **more: Any,
) -> Composer:
    """A composer of these calls."""
    presets = shipped_calls()
    finders = {kind: presets.finder(kind) for kind in FINDABLE}
    return Composer(
        destination="chart",
        calls=tuple(presets.calls[name] for name in calls),
        finders={kind: one for kind, one in finders.items() if one is not None},
        codes=CodeSource(
            values=values or CodeValues(tenant=tenant),
            contributor_source="LAB_A",
            policies=policies or {},
        ),
        enrolling_organization=enrolling_organization,
        **more,
    )
