"""Pure. What the environment in force says of going live, put into a channel's destinations."""

from dataclasses import replace

from engine.channel.environment import EnvironmentConfig
from engine.channel.model import ChannelConfig, GoLive, MillenniumDestinationConfig


def in_environment(channel: ChannelConfig, environment: EnvironmentConfig | None) -> ChannelConfig:
    """The channel as it delivers there; Millennium destinations have it from their tenant."""
    if environment is None:
        return channel
    going = GoLive(
        mode=environment.mode,
        release_first=environment.release_first,
        environment=environment.name if environment.release_first else "",
    )
    if going == GoLive():
        return channel
    return replace(
        channel,
        destinations=tuple(
            one if isinstance(one, MillenniumDestinationConfig) else replace(one, go_live=going)
            for one in channel.destinations
        ),
    )
