"""Pure. Millennium destinations of a channel, with what they name put in place.

The tenant is that of the environment in force, calls are those of the shipped library with the
channel's overlays on top.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from engine.channel.environment import EnvironmentClass, EnvironmentConfig, Mode, TenantConfig
from engine.channel.environments import find_tenant
from engine.channel.gaps import check_gaps
from engine.channel.lacking import narrowed
from engine.channel.model import ChannelConfig, MillenniumDestinationConfig, RouteConfig
from engine.channel.reading import Reading
from engine.codevalues.lint import lint_policy
from engine.diagnostics import Diagnostic, Place, did_you_mean
from engine.millennium import codes
from engine.millennium.calls.checker import root_of
from engine.millennium.calls.compose import COMPOSED
from engine.millennium.calls.model import CallPreset, Presets
from engine.millennium.resources.rules import read_fixed

FINDABLE = ("Patient", "Encounter", "Practitioner", "Organization", "Location")
"""Resource types that others refer to and that Millennium finds by an identifier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCalls:
    """What Millennium destinations may refer to."""

    presets: Callable[[tuple[str, ...]], Presets]
    """Gives the calls for the overlays of a channel."""
    environment: EnvironmentConfig | None
    """The one in force."""


def resolve_destinations(
    config: ChannelConfig,
    reading: Reading,
    known: KnownCalls,
    elsewhere: Sequence[RouteConfig] = (),
) -> tuple[ChannelConfig, list[Diagnostic]]:
    """The channel with the tenants and calls of its Millennium destinations, and all problems.

    Args:
        config: as read.
        reading: for the places of its options.
        known: what may be named.
        elsewhere: routes of other channels on the same listener.
    """
    problems: list[Diagnostic] = []
    destinations = list(config.destinations)
    for index, one in enumerate(destinations):
        if isinstance(one, MillenniumDestinationConfig):
            path = f"destinations[{index}].millennium"
            presets = known.presets(config.transform.overlays)
            resolved, more = _resolve(one, presets, known.environment, _Places(reading, path))
            destinations[index] = resolved
            problems.extend(more)
    found = replace(config, destinations=tuple(destinations))
    trusted = all(reading.trusts(option) for option in ("destinations", "route", "filter"))
    if found != config and trusted:
        capabilities = known.presets(config.transform.overlays).capabilities
        problems.extend(check_gaps(found, reading, capabilities, elsewhere))
    return found, problems


@dataclass(frozen=True, slots=True)
class _Places:
    """Places of the options of one destination."""

    reading: Reading
    path: str

    def of(self, option: str) -> Place:
        return self.reading.place(f"{self.path}.{option}")


def _resolve(
    config: MillenniumDestinationConfig,
    presets: Presets,
    environment: EnvironmentConfig | None,
    places: _Places,
) -> tuple[MillenniumDestinationConfig, list[Diagnostic]]:
    where = places.of("tenant")
    tenant, problems = find_tenant(
        environment, config.tenant_name, place=where, destination=config.name
    )
    calls: list[CallPreset] = []
    for index, name in enumerate(config.call_names):
        place = places.of(f"calls[{index}]")
        call = presets.calls.get(name)
        if call is None:
            hint = did_you_mean(name, presets.calls)
            problems.append(codes.UNKNOWN_CALL(place, name=name, hint=hint))
            continue
        problems.extend(_check_call(call, calls, place))
        if tenant is not None:
            possible, lacking = narrowed(call, tenant, place)
            problems.extend(lacking)
            problems.extend(_check_root(call, tenant, place))
            if tenant.kind is EnvironmentClass.OPEN and not _shadows(environment):
                problems.append(_read_only(call, tenant, place))
            call = possible or call  # refused: what it says is still checked
        calls.append(call)
    problems.extend(_check_policies(config, calls, places))
    finders = (presets.finder(kind) for kind in FINDABLE)
    found = replace(
        config,
        tenant=tenant,
        mode=environment.mode if environment is not None else config.mode,
        release_first=environment.release_first if environment is not None else 0,
        environment=environment.name if environment is not None else "",
        calls=tuple(calls),
        gaps=presets.capabilities.gaps,
        finders=tuple(
            one
            for one in finders
            if one is not None and (tenant is None or narrowed(one, tenant, where)[0])
        ),
    )
    return found, problems


def _check_call(call: CallPreset, others: list[CallPreset], place: Place) -> Iterator[Diagnostic]:
    creates = call.create or call
    reason = ""
    if call.interaction not in COMPOSED or not call.resource:
        reason = f"it is a {call.interaction.value}"
    elif "{id}" in creates.path:
        reason = "it is made of one that is there, and no message says which"
    elif call.find is None and not creates.once:
        reason = "it would make another one with every message; a register looks first"
    if reason:
        yield codes.NOT_COMPOSABLE(place, name=call.name, reason=reason)
        return
    for other in others:
        if other.resource == call.resource:
            yield codes.TWO_CALLS(place, name=call.name, other=other.name, resource=call.resource)


def _check_root(call: CallPreset, tenant: TenantConfig, place: Place) -> Iterator[Diagnostic]:
    """A call of an API, or of a service of the site's own, that the tenant names no root of."""
    roots = {
        **tenant.services,
        "fhir_root": tenant.fhir_root,
        "ehr_api_root": tenant.ehr_api_root,
    }
    for part in call.plain:
        root = root_of(part)
        if not roots.get(root):
            option = "`ehr_api`" if root == "ehr_api_root" else f"`services: {{{root}: ...}}`"
            reason = f"the environment gives the tenant no {option}"
            yield codes.CANNOT_CALL(place, name=part.name, tenant=tenant.name, reason=reason)


def _shadows(environment: EnvironmentConfig | None) -> bool:
    return environment is not None and environment.mode is Mode.SHADOW


def _read_only(call: CallPreset, tenant: TenantConfig, place: Place) -> Diagnostic:
    """The open sandbox takes no writes (report 1.1), and every call of a channel is one."""
    reason = "it is of class open, where nothing can be written"
    hint = "use a tenant of class sandbox, or `mode: shadow` in this environment"
    return codes.CANNOT_CALL(place, name=call.name, tenant=tenant.name, reason=reason, hint=hint)


def _check_policies(
    config: MillenniumDestinationConfig, calls: list[CallPreset], places: _Places
) -> Iterator[Diagnostic]:
    fields = {
        f"{call.resource}.{one.path}": one
        for call in calls
        if call.rules is not None
        for one in call.rules.codes
    }
    for name, policy in config.unmapped:
        place = places.of(f"unmapped.{name}")
        yield from lint_policy(name, policy, place)
        fixed = read_fixed(policy)
        if fixed is not None and name in fields:
            rule = fields[name]
            if not (rule.code_set or fixed.system) or (fixed.system not in ("", *rule.accepts)):
                systems = ", ".join(rule.accepts) or "none"
                yield codes.FIXED_SYSTEM(place, field=name, policy=policy, systems=systems)
        if name not in fields:
            hint = did_you_mean(name, fields) or f"its fields: {', '.join(sorted(fields))}"
            yield codes.UNKNOWN_FIELD(place, field=name, hint=hint)
