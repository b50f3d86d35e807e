"""Rim. The code values of a project as every process gets them: read, and checked whole."""

from collections.abc import Iterable, Iterator, Mapping

from engine.channel.environment import EnvironmentConfig, TenantConfig
from engine.channel.model import ChannelConfig, MillenniumDestinationConfig
from engine.codevalues.codes import FIXED_VALUE, NO_ALIASES, SNAPSHOT_MISSING
from engine.codevalues.lint import lint_bindings, lint_element, lint_tables, lint_tenant
from engine.codevalues.project import CodeValueFiles, read_code_value_files
from engine.codevalues.resolve import CodeValues, alias_file
from engine.diagnostics import Diagnostic, Place
from engine.mapping.functions.systems import coding_system
from engine.millennium.calls.code_fields import fixed_coding
from engine.millennium.resources.rules import HOLD, CodeField, Fixed, read_fixed


def read_code_values(files: Mapping[str, str]) -> tuple[CodeValueFiles, list[Diagnostic]]:
    """The site's code values, and what is wrong with the form of the files.

    Args:
        files: name, from `codevalues/` on, to text.
    """
    return read_code_value_files(files, lambda name: coding_system(name, {}))


def check_code_values(
    found: CodeValueFiles, environment: EnvironmentConfig | None
) -> list[Diagnostic]:
    """What in the tables would hold messages.

    Args:
        found: what was read.
        environment: the one in force; the tables are checked against the snapshots of its
            tenants, without one against every snapshot there is.
    """
    problems = lint_tables(found)
    if environment is None:
        for snapshot in found.snapshots.values():
            problems += lint_bindings(found, snapshot)
        return problems
    tenants = [one for one in environment.tenants.values() if one.snapshot]
    for tenant in tenants:
        taken = found.snapshots.get(tenant.snapshot)
        if taken is not None:
            problems += lint_tenant(taken, file=tenant.snapshot, tenant=tenant.tenant)
            problems += lint_bindings(found, taken)
        else:
            place = Place(file=environment.file or None, line=1)
            problems.append(SNAPSHOT_MISSING(place, file=tenant.snapshot, tenant=tenant.name))
    return problems


def check_destinations(
    found: CodeValueFiles, channels: Iterable[ChannelConfig]
) -> list[Diagnostic]:
    """What the Millennium destinations ask of the tables.

    Args:
        found: what was read.
        channels: checked, with the calls of their destinations in place.
    """
    problems: list[Diagnostic] = []
    for channel in channels:
        for one in channel.destinations:
            if isinstance(one, MillenniumDestinationConfig):
                problems += _check_fields(found, one, channel.file)
    return list(dict.fromkeys(problems))


def _check_fields(
    found: CodeValueFiles, config: MillenniumDestinationConfig, file: str
) -> Iterator[Diagnostic]:
    policies = dict(config.unmapped)
    lacking: set[str] = set()
    values = code_values_of(found, config.tenant) if config.tenant is not None else None
    for call in config.calls:
        if call.rules is None:
            continue
        for one in call.rules.codes:
            element = f"{call.rules.resource}.{one.path}"
            source = (config.contributor_source, one.code_set)
            if not one.code_set:
                continue
            yield from lint_element(element, one.code_set, call.rules.place)
            table = alias_file(*source)
            if not _can_be_sent(read_fixed(policies.get(element, one.unmapped)), one, values):
                yield FIXED_VALUE(
                    Place(file=file, line=1),
                    element=element,
                    value=policies.get(element, one.unmapped).partition(" ")[2],
                    code_set=one.code_set,
                    snapshot=config.tenant.snapshot if config.tenant else "",
                )
            holds = policies.get(element, one.unmapped) == HOLD
            if holds and source not in found.aliases and table not in lacking:
                lacking.add(table)
                place = Place(file=file, line=1)
                yield NO_ALIASES(place, element=element, code_set=one.code_set, table=table)


def _can_be_sent(fixed: Fixed | None, at: CodeField, values: CodeValues | None) -> bool:
    """False for a fixed value that the snapshot does not have."""
    if fixed is None or values is None or values.snapshot is None:
        return True
    return fixed_coding(fixed, at.code_set, values).coding is not None


def code_values_of(found: CodeValueFiles, tenant: TenantConfig) -> CodeValues:
    """The code values of one tenant of the environment in force."""
    return found.for_tenant(tenant.tenant, region=tenant.region, snapshot=tenant.snapshot)
