"""Rim. The configuration as the worker uses it: what to do with each channel's messages."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from engine.channel.model import ChannelConfig
from engine.pipeline.result import ProcessResult

ProcessMessage = Callable[[bytes], ProcessResult]
"""The pure step for one channel: `pipeline.process.process` with the channel's plan filled in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelWork:
    """One channel."""

    config: ChannelConfig
    process: ProcessMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Plans:
    """All channels, replaced as a whole when the configuration changes."""

    revision: str = ""
    channels: Mapping[str, ChannelWork] = field(default_factory=dict)
