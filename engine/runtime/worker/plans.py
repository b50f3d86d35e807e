"""Rim. The configuration as the worker uses it: what to do with each channel's messages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from engine.channel.model import ChannelConfig
from engine.pipeline.plan import ChannelPlan, plan
from engine.pipeline.process import process
from engine.pipeline.result import ProcessResult
from engine.pipeline.version_order import DocumentVersion, Newer
from engine.runtime.code_values import code_values_of
from engine.runtime.configuration import Loaded
from engine.runtime.strict_validation import strict_check
from engine.runtime.worker.memory import give_back


class ProcessMessage(Protocol):
    """The pure step for one channel, `pipeline.process.process`."""

    def __call__(
        self,
        raw: bytes,
        received_at: float,
        newer: Mapping[DocumentVersion, Newer] | None = None,
    ) -> ProcessResult:
        """Bytes, time of receipt, newer versions of documents in it; what comes of them out."""
        ...


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


def load_plans(loaded: Loaded) -> Plans:
    """The plans of a checked configuration: compiles its maps, once per set of overlays.

    A disabled channel keeps its plan: what was received before it was disabled goes on its way.
    """
    channels: dict[str, ChannelWork] = {}
    for config in loaded.configuration.channels:
        strict = strict_check() if config.transform.validate == "strict" else None
        prepared = plan(
            config,
            loaded.program(config),
            strict=strict,
            documents=loaded.documents,
            programs=loaded.program,
            code_values=partial(code_values_of, loaded.code_values),
        )
        channels[config.name] = ChannelWork(config=config, process=_bound(prepared))
    return Plans(revision=loaded.revision, channels=channels)


def no_earlier_plans(revision: str) -> Plans:
    """Where no earlier configuration is kept. Raises OSError."""
    raise FileNotFoundError(revision)


def _bound(prepared: ChannelPlan) -> ProcessMessage:
    def process_one(
        raw: bytes, received_at: float, newer: Mapping[DocumentVersion, Newer] | None = None
    ) -> ProcessResult:
        return process(raw, prepared, received_at=received_at, let_go=give_back, newer=newer)

    return process_one
