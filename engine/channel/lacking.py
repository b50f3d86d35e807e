"""Pure. Calls at a tenant that lacks an interaction: what can still be made, and what instead.

A tenant's `capabilities` name what is off. The channels stay the same everywhere, so a register
that cannot change what is there goes on to find and create; a call that cannot be made at all is
refused with the fallback the environment gives.
"""

from dataclasses import replace

from engine.channel import codes
from engine.channel.environment import TenantConfig
from engine.diagnostics import Diagnostic, Place
from engine.millennium.calls.model import CallPreset, Interaction


def interaction_of(call: CallPreset) -> str:
    """The interaction of a plain call in one word; an operation by its name, `$create`."""
    if call.interaction is Interaction.OPERATION:
        return call.path.rpartition("/")[2]
    return call.interaction.value


def capability_of(call: CallPreset) -> str:
    """What a tenant must have for a plain call, as `capabilities` name it: `Patient.patch`."""
    return f"{call.resource}.{interaction_of(call)}"


def narrowed(
    call: CallPreset, tenant: TenantConfig, place: Place
) -> tuple[CallPreset | None, list[Diagnostic]]:
    """The call as far as the tenant can do it.

    Args:
        call: plain, or a register.
        tenant: the one it is made at.
        place: where the channel names the call.

    Returns:
        The call, narrowed where its change or its reading is off, or None where it cannot be made;
        and why.
    """
    off = {name for name in map(capability_of, call.plain) if name in tenant.capabilities}
    if not off:
        return call, []
    kept = {
        name: None if part is not None and capability_of(part) in off else part
        for name, part in (("change", call.change), ("read", call.read))
    }
    if off <= {capability_of(one) for one in (call.change, call.read) if one is not None}:
        problems = [
            codes.CALL_NARROWED(
                place,
                call=call.name,
                tenant=tenant.name,
                capability=flag,
                hint=tenant.capabilities[flag],
            )
            for flag in sorted(off)
        ]
        return replace(call, change=kept["change"], read=kept["read"]), problems
    return None, [
        codes.CALL_IMPOSSIBLE(
            place,
            call=call.name,
            tenant=tenant.name,
            capability=flag,
            hint=tenant.capabilities[flag],
        )
        for flag in sorted(off)
    ]
