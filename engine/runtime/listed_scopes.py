"""Rim. Scopes that a tenant lists, against what the calls of its channels need.

Values in, values out. What is granted only preflight and the first token can tell; what is never
asked for is known before.
"""

from collections.abc import Iterable, Iterator

from engine.channel.codes import LISTED_SCOPES
from engine.channel.environment import EnvironmentConfig
from engine.channel.model import ChannelConfig, MillenniumDestinationConfig
from engine.destinations.authorization.scopes import (
    Permissions,
    Syntax,
    described,
    needs,
    permissions,
)
from engine.diagnostics import Diagnostic, Place


def check_listed_scopes(
    channels: Iterable[ChannelConfig], environment: EnvironmentConfig | None
) -> Iterator[Diagnostic]:
    """A warning for each tenant whose list lacks what a call needs.

    Args:
        channels: checked, with the calls of their destinations in place.
        environment: the one in force.
    """
    needed: dict[str, Permissions] = {}
    for channel in channels:
        for one in channel.destinations:
            if isinstance(one, MillenniumDestinationConfig):
                known = needed.get(one.tenant_name, frozenset())
                needed[one.tenant_name] = known | needs(_scopes(one))
    for name, wanted in needed.items():
        tenant = environment.tenants.get(name) if environment is not None else None
        own = tenant.authorization if tenant is not None else None
        if environment is None or own is None or not own.scopes:
            continue
        lacking = wanted - permissions(own.scopes)
        if lacking:
            v1 = any(scope.endswith((".read", ".write")) for scope in own.scopes)
            missing = described(lacking, Syntax.V1 if v1 else Syntax.V2)
            place = Place(file=environment.file or None, line=1)
            yield LISTED_SCOPES(place, tenant=name, missing=missing)


def _scopes(config: MillenniumDestinationConfig) -> frozenset[str]:
    calls = (*config.calls, *config.finders)
    return frozenset(scope for call in calls for part in call.plain for scope in part.scopes_v2)
