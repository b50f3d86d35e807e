"""Pure. What processing needs to know about a channel, prepared once: its plan.

A channel with `senders` has a plan for each of them: its own with what differs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

from engine.cda.document import Document
from engine.channel.environment import TenantConfig
from engine.channel.filter import CompiledFilter, compile_filter
from engine.channel.model import (
    REPLACE,
    ChannelConfig,
    DestinationConfig,
    FhirDestinationConfig,
    FileDestinationConfig,
    MillenniumDestinationConfig,
    MllpDestinationConfig,
)
from engine.channel.preprocess import PreprocessRule, compile_rule
from engine.codevalues.resolve import CodeValues
from engine.hl7v2.groups import Grouped
from engine.mapping.run import MapContext, MapResult
from engine.millennium.calls.code_fields import CodeSource
from engine.millennium.calls.compose import Composer
from engine.pipeline.search_keys import KeyReader, channel_readers

PASSED_ON = "none"
"""`transform.map: none`: the message is sent as received."""

_FILE_FORM = FhirDestinationConfig(name="", url="")
"""A file holds the Bundle that a server of full abilities would be sent."""

StrictCheck = Callable[[dict[str, Any]], Sequence[tuple[str, str]]]
"""`validate: strict`: (path, reason without values) of what a second validator refuses."""


class Converter(Protocol):
    """Compiled maps: `engine.mapping.compiler.compiler.Program`."""

    @property
    def places(self) -> Mapping[str, str]:
        """Where the site's own segments stand, as `hl7v2.groups.group` wants it."""
        ...

    def convert(self, grouped: Grouped, context: MapContext, map_name: str = "auto") -> MapResult:
        """The resources of a message."""
        ...


class DocumentConverter(Protocol):
    """Compiled maps of documents: `engine.mapping.compiler.documents.DocumentProgram`."""

    @property
    def folds(self) -> bool:
        """The maps read no narrative but that of their own section: others may be folded."""
        ...

    def convert(self, document: Document, context: MapContext) -> MapResult:
        """The resources of a document."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How a Bundle is written, and for which destinations."""

    interaction: str
    identity: str
    capabilities: frozenset[str]
    destinations: tuple[str, ...]
    bundle: str = "transaction"
    """document: of a document a Bundle of that type."""
    merging: frozenset[str] = frozenset()
    """Those that merge resources of which the message says only a part with what is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPlan:
    """All that processing needs to know about a channel, made once by `plan`."""

    config: ChannelConfig
    program: Converter | None
    context: MapContext
    passes: CompiledFilter | None
    readers: tuple[tuple[str, KeyReader], ...]
    forms: tuple[Form, ...]
    """Destinations that take Bundles, those of the same form together."""
    as_received: tuple[str, ...]
    """Destinations that take the message itself."""
    strict: StrictCheck | None = None
    order: tuple[str, ...] = ()
    """Destinations as configured."""
    updates: Mapping[str, str] = field(default_factory=dict)
    """Resource type to merge or replace, where the channel goes before its maps."""
    documents: Callable[[], DocumentConverter] | None = None
    """Gives the compiled maps of documents, when the first document comes."""
    places: Mapping[str, str] = field(default_factory=dict)
    """Where the site's own segments stand."""
    rules: tuple[PreprocessRule, ...] = ()
    """Edits of the message before it is mapped."""
    conditions: tuple[tuple[str, CompiledFilter], ...] = ()
    """Destinations that take only messages for which theirs holds."""
    composers: tuple[Composer, ...] = ()
    """Of destinations that take Millennium calls."""
    senders: tuple["SenderPlan", ...] = ()
    """The first whose condition holds is taken in place of this plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderPlan:
    """What differs for the messages of one sender."""

    holds: CompiledFilter
    plan: ChannelPlan


def plan(
    config: ChannelConfig,
    program: Converter | None,
    *,
    strict: StrictCheck | None = None,
    documents: Callable[[ChannelConfig], DocumentConverter] | None = None,
    programs: Callable[[ChannelConfig], Converter] | None = None,
    code_values: Callable[[TenantConfig], CodeValues] | None = None,
) -> ChannelPlan:
    """Prepare a checked channel.

    Args:
        config: the channel, free of errors.
        program: its compiled maps; None only for `transform.map: none`.
        strict: the second validator, used where the channel says `validate: strict`.
        documents: gives a channel's compiled maps of documents, asked when the first one comes.
        programs: gives the compiled maps of a channel as it is for one of its senders.
        code_values: gives those of a tenant; without it a tenant has none.
    """
    transform = config.transform
    compiled = (compile_rule(text) for text in transform.preprocess)
    of_senders = (
        (sender.when, replace(config, transform=sender.on(transform), senders=()))
        for sender in config.senders
    )
    return ChannelPlan(
        config=config,
        documents=partial(documents, config) if documents is not None else None,
        program=program,
        context=MapContext(
            time_zone=transform.time_zone,
            authorities=dict(transform.authorities),
            source_system=transform.source_system,
            parameters=dict(transform.parameters),
            identifiers=transform.identifiers,
        ),
        passes=compile_filter(config.filter) if config.filter else None,
        readers=channel_readers(config.search_keys),
        forms=_forms(config.destinations),
        as_received=tuple(
            found.name for found in config.destinations if _takes_message(found, transform.map)
        ),
        strict=strict if transform.validate == "strict" else None,
        order=tuple(found.name for found in config.destinations),
        updates=dict(transform.updates),
        places=program.places if program is not None else {},
        conditions=tuple(
            (found.name, compile_filter(found.when)) for found in config.destinations if found.when
        ),
        composers=_composers(config.destinations, code_values),
        rules=tuple(rule for rule in compiled if rule is not None),
        senders=tuple(
            SenderPlan(
                holds=compile_filter(when),
                plan=plan(
                    own,
                    programs(own) if programs is not None and program is not None else program,
                    strict=strict,
                    documents=documents,
                    code_values=code_values,
                ),
            )
            for when, own in of_senders
        ),
    )


def _composers(
    destinations: Sequence[DestinationConfig],
    code_values: Callable[[TenantConfig], CodeValues] | None,
) -> tuple[Composer, ...]:
    """What each Millennium destination composes its calls with."""
    found: list[Composer] = []
    for config in destinations:
        if not isinstance(config, MillenniumDestinationConfig) or config.tenant is None:
            continue
        tenant = config.tenant
        values = code_values(tenant) if code_values else CodeValues(tenant=tenant.tenant)
        found.append(
            Composer(
                destination=config.name,
                calls=config.calls,
                finders={one.resource: one for one in config.finders},
                codes=CodeSource(
                    values=values,
                    contributor_source=config.contributor_source,
                    policies=dict(config.unmapped),
                ),
                enrolling_organization=tenant.enrolling_organization,
                gaps=config.gaps,
            )
        )
    return tuple(found)


def _takes_message(config: DestinationConfig, map_name: str) -> bool:
    if isinstance(config, FileDestinationConfig):
        return config.content == "message" or map_name == PASSED_ON
    return isinstance(config, MllpDestinationConfig)


def _forms(destinations: Sequence[DestinationConfig]) -> tuple[Form, ...]:
    """One form for all destinations that are sent the same bytes."""
    found: dict[tuple[str, str, frozenset[str], str], list[str]] = {}
    merging: set[str] = set()
    for config in destinations:
        if isinstance(config, FhirDestinationConfig):
            key = (config.interaction, config.identity, config.capabilities, config.bundle)
            if config.merge != REPLACE:
                merging.add(config.name)
        elif isinstance(config, FileDestinationConfig) and config.content != "message":
            wrapper = "document" if config.content == "document" else "transaction"
            key = ("transaction", "update", _FILE_FORM.capabilities, wrapper)
        else:
            continue
        found.setdefault(key, []).append(config.name)
    return tuple(
        Form(
            interaction=key[0],
            identity=key[1],
            capabilities=key[2],
            bundle=key[3],
            destinations=tuple(names),
            merging=frozenset(merging.intersection(names)),
        )
        for key, names in found.items()
    )
