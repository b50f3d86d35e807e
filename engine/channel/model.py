"""Pure. A checked channel as values, made by `channel.lint`; everything downstream reads it.

Secrets are references, resolved by the rim when a connection is made; see `channel.connection`.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from engine.channel.connection import SecretReference, TlsConfig
from engine.channel.environment import (
    AuthorizationConfig,
    EnvironmentConfig,
    Mode,
    TenantConfig,
)
from engine.millennium.calls.model import CallPreset
from engine.millennium.capabilities import Gap


class Acknowledge(StrEnum):
    """When the sender gets its application acknowledgment."""

    STORED = "stored"
    """After the durable commit of the raw bytes."""
    TRANSFORMED = "transformed"
    """After processing: AE with ERR when it fails."""
    DELIVERED = "delivered"
    """After every destination accepted it, or one refused it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MllpListenerConfig:
    """An MLLP port."""

    port: int
    address: str = "127.0.0.1"
    tls: TlsConfig | None = None
    allow: tuple[str, ...] = ()
    """CIDR networks that may connect; empty: all."""
    connections_max: int = 500
    frame_bytes_max: int = 50_000_000
    frame_timeout_seconds: float = 60.0
    """A frame that has begun must be complete within this time."""
    idle_timeout_seconds: float = 3600.0
    """A connection without a byte for this long is closed."""
    final_cr_required: bool = True
    junk_between_frames: bool = False
    """Accept (and record) bytes between frames instead of closing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpListenerConfig:
    """An HTTP port: POST a message, or a batch, get the acknowledgment."""

    port: int
    address: str = "127.0.0.1"
    path: str = "/"
    tls: TlsConfig | None = None
    allow: tuple[str, ...] = ()
    connections_max: int = 200
    body_bytes_max: int = 50_000_000
    request_timeout_seconds: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryListenerConfig:
    """A folder that is polled for files with one message or a batch each."""

    path: str
    pattern: str = "*.hl7"
    poll_seconds: float = 2.0
    settle_seconds: float = 1.0
    """A file is taken when its size has not changed for this long."""
    done: str = "done"
    """Sub-folder for files taken in."""
    failed: str = "failed"
    """Sub-folder for files refused."""
    file_bytes_max: int = 200_000_000


ListenerConfig = MllpListenerConfig | HttpListenerConfig | DirectoryListenerConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicatePolicy:
    """What happens to a control id seen before from the same sender (MSH-3, MSH-4)."""

    window_days: float = 7.0
    ids_max: int = 500_000
    """The newest control ids remembered."""
    different: str = "accept"
    """Same id, other bytes: accept (as new, flagged), reject (AR, 205) or hold (for a person)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodingConfig:
    """How bytes become text."""

    charset: str | None = None
    """Used in place of MSH-18."""
    default_charset: str = "utf-8"
    """Used when MSH-18 is empty and there is no BOM."""
    repair_cp1252: bool = False
    """Undecodable text is read as Windows-1252, with a diagnostic, instead of refused."""
    line_ends: str = "any"
    """strict: only CR ends a segment. any: LF and CRLF too, with a diagnostic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteConfig:
    """Which messages of a shared listener are this channel's: each field has one of its values."""

    fields: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(path in MSH such as `MSH-9.1`, allowed values); empty: the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformConfig:
    """Which map makes the output."""

    map: str = "auto"
    """A message map; `auto`: by message structure and event; `none`: passed on as received."""
    overlays: tuple[str, ...] = ()
    """Overlay folders, later ones win."""
    time_zone: str | None = None
    """IANA zone for times without an offset; without it such times are cut to a date."""
    authorities: tuple[tuple[str, str], ...] = ()
    """Assigning authority (HD.1 namespace) to system URI."""
    source_system: str = ""
    """URI of the sending facility, the root of ids derived from local identifiers."""
    validate: str = "compiled"
    """compiled: the R4 checker. strict: fhir.resources too. none."""
    parameters: tuple[tuple[str, str], ...] = ()
    updates: tuple[tuple[str, str], ...] = ()
    """Resource type to merge or replace; goes before what the maps say."""
    preprocess: tuple[str, ...] = ()
    """Edits of the message before it is mapped, as `channel.preprocess` reads them."""
    identifiers: tuple[str, ...] = ()
    """Types (table 0203) or systems of identifiers, best first; goes before the built-in order."""
    embedded_documents: str = "keep"
    """Documents inside messages (OBX-5). convert: their resources too. keep: as the maps say."""
    outcome: bool = False
    """A Provenance with an OperationOutcome of the conversion is part of the output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderConfig:
    """What differs for the messages of one sender, on top of the channel's transform."""

    when: str
    """A condition over the message."""
    name: str = ""
    overlays: tuple[str, ...] = ()
    time_zone: str | None = None
    source_system: str = ""
    authorities: tuple[tuple[str, str], ...] = ()
    updates: tuple[tuple[str, str], ...] = ()
    preprocess: tuple[str, ...] = ()
    identifiers: tuple[str, ...] = ()

    def on(self, own: TransformConfig) -> TransformConfig:
        """The channel's transform as it is for this sender."""
        return replace(
            own,
            overlays=(*own.overlays, *self.overlays),
            time_zone=self.time_zone or own.time_zone,
            source_system=self.source_system or own.source_system,
            authorities=tuple({**dict(own.authorities), **dict(self.authorities)}.items()),
            updates=tuple({**dict(own.updates), **dict(self.updates)}.items()),
            preprocess=(*own.preprocess, *self.preprocess),
            identifiers=self.identifiers or own.identifiers,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """When a failed attempt is tried again."""

    initial_seconds: float = 1.0
    factor: float = 2.0
    maximum_seconds: float = 300.0
    jitter: float = 0.2
    """Share of the delay, up or down."""
    attempts_max: int = 0
    """0: no limit, the age decides."""
    age_max_seconds: float = 3 * 86400.0
    on_error: str = "continue"
    """Permanent failure: `continue` with the lane's next message, or `block` it for a person."""
    breaker_failures: int = 5
    """Transient failures in a row that open the circuit for all lanes of the destination."""
    breaker_seconds: float = 30.0
    """How long it stays open before one probe attempt."""


MERGE = "merge"
REPLACE = "replace"
UPDATES = (MERGE, REPLACE)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoLive:
    """How far deliveries leave: of the environment in force, put in place by
    `channel.going_live`."""

    mode: Mode = Mode.LIVE
    release_first: int = 0
    """So many messages wait for a person's release."""
    environment: str = ""
    """Its name, where the first messages are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FhirDestinationConfig:
    """A FHIR R4 server."""

    name: str
    url: str
    """Base URL."""
    interaction: str = "transaction"
    """transaction, batch or single."""
    identity: str = "update"
    """update: PUT by derived id. conditional: PUT by identifier. create: POST, If-None-Exist."""
    bundle: str = "transaction"
    """document: a document is sent as a whole, as a Bundle of that type; messages stay requests."""
    merge: str = "read"
    """Resources a message says only a part of. read: read, merge, write with If-Match. create:
    written only where there is none. replace: written as they are."""
    merge_memory_seconds: float = 300.0
    """Staff, places, organisations and devices the server had are not read again so long."""
    capabilities: frozenset[str] = frozenset(
        {"transaction", "batch", "conditional-update", "conditional-create", "update-create"}
    )
    """What the server can do. Besides these, `conditional-reference`: links written as searches."""
    headers: tuple[tuple[str, str | SecretReference], ...] = ()
    bearer: SecretReference | None = None
    authorization: AuthorizationConfig | None = None
    """Tokens by client credentials, in place of `bearer`."""
    tls: TlsConfig | None = None
    timeout_seconds: float = 30.0
    concurrency_max: int = 16
    rate_per_second: float = 0.0
    """0: no limit."""
    response_bytes_max: int = 256_000
    when: str | None = None
    """A condition over the message: only those for which it holds are delivered here."""
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    go_live: GoLive = field(default_factory=GoLive)


@dataclass(frozen=True, slots=True, kw_only=True)
class MllpDestinationConfig:
    """Another HL7 v2 system: sends the message on as received."""

    name: str
    host: str
    port: int
    tls: TlsConfig | None = None
    timeout_seconds: float = 30.0
    connect_timeout_seconds: float = 10.0
    connections_max: int = 1
    lost_answer: str = "hold"
    """No acknowledgment came: `hold` for a person, or `resend` with the same control id."""
    concurrency_max: int = 1
    rate_per_second: float = 0.0
    response_bytes_max: int = 64_000
    when: str | None = None
    """A condition over the message: only those for which it holds are delivered here."""
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    go_live: GoLive = field(default_factory=GoLive)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDestinationConfig:
    """A folder: one file per message, written aside and renamed."""

    name: str
    path: str
    pattern: str = "{received:%Y%m%dT%H%M%S}-{message_id}.json"
    """Fields: received, message_id, channel, message_type, control_id_hash."""
    content: str = "bundle"
    """bundle (FHIR JSON), document (the same; of a document a Bundle of that type), or message (the
    bytes as received)."""
    concurrency_max: int = 4
    rate_per_second: float = 0.0
    when: str | None = None
    """A condition over the message: only those for which it holds are delivered here."""
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    go_live: GoLive = field(default_factory=GoLive)


@dataclass(frozen=True, slots=True, kw_only=True)
class MillenniumDestinationConfig:
    """One Oracle Health Millennium tenant: calls of Ignite FHIR R4 and the EHR API."""

    name: str
    tenant_name: str
    """As the environment in force names it."""
    call_names: tuple[str, ...]
    """Presets, such as `patient.register`."""
    contributor_source: str = ""
    """Whose local codes these are (code set 73): the folder of the alias tables."""
    accept_gaps: tuple[str, ...] = ()
    """Events (`A02`) or message types (`ORM`) of which it is accepted that Millennium cannot be
    told all, or anything."""
    unmapped: tuple[tuple[str, str], ...] = ()
    """(`Observation.code`, policy) where it differs from that of the resource's rules."""
    match: str = "standard"
    """How sure one must be of a patient found by number."""
    verify_seconds: float = 3600.0
    """What the ledger knows for longer is looked at again before it is used."""
    park_seconds: float = 86_400.0
    """So long a message waits beside its lane for the patient or visit it refers to."""
    timeout_seconds: float = 30.0
    concurrency_max: int = 16
    rate_per_second: float = 0.0
    response_bytes_max: int = 256_000
    when: str | None = None
    """A condition over the message: only those for which it holds are delivered here."""
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    mode: Mode = Mode.LIVE
    """Of the environment; put in place together with the tenant."""
    release_first: int = 0
    """So many messages wait for a person's release; of the environment too."""
    environment: str = ""
    """Its name."""
    tenant: TenantConfig | None = None
    """Put in place by `channel.millennium`; None where only the channels are read."""
    calls: tuple[CallPreset, ...] = ()
    """The presets of `call_names`, in that order; put in place together with the tenant."""
    gaps: tuple[Gap, ...] = ()
    """What cannot be told there."""
    finders: tuple[CallPreset, ...] = ()
    """Presets that find what the resources of those calls refer to."""


DestinationConfig = (
    FhirDestinationConfig
    | MllpDestinationConfig
    | FileDestinationConfig
    | MillenniumDestinationConfig
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelTest:
    """One entry of a channel's `tests:`: a message in, what must come of it."""

    name: str
    message: str | None = None
    """The message itself, segments on lines of their own."""
    file: str | None = None
    """Or the file it is in, relative to the project."""
    expect: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(`state`, `diagnostics`, a resource type for its count, or an element; expected texts)."""
    line: int = 0
    """Where it begins in the channel file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelConfig:
    """One channel."""

    name: str
    file: str = ""
    """The file it was read from."""
    description: str = ""
    enabled: bool = True
    listener: ListenerConfig
    route: RouteConfig = field(default_factory=RouteConfig)
    decoding: DecodingConfig = field(default_factory=DecodingConfig)
    duplicates: DuplicatePolicy = field(default_factory=DuplicatePolicy)
    acknowledge: Acknowledge = Acknowledge.STORED
    acknowledge_timeout_seconds: float = 25.0
    """For transformed and delivered: after it nothing is sent and the sender will resend."""
    filter: str | None = None
    """A condition of the mapping language over the message."""
    transform: TransformConfig = field(default_factory=TransformConfig)
    senders: tuple[SenderConfig, ...] = ()
    """The first whose condition holds applies."""
    lane: tuple[str, ...] = ()
    """Paths tried in order; empty: patient (PID-3 by priority), else the visit, else none."""
    search_keys: tuple[tuple[str, str], ...] = ()
    """(kind, path) added to the built-in mrn, visit, accession, order, control id."""
    destinations: tuple[DestinationConfig, ...] = ()
    tests: tuple[ChannelTest, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """All channels of an engine, checked together."""

    channels: tuple[ChannelConfig, ...]
    revision: str
    """SHA-256 over all channel and transform files and the environment in force, shortened to 12
    hex digits."""
    environment: EnvironmentConfig | None = None
    """The one in force."""

    def channel(self, name: str) -> ChannelConfig | None:
        """The channel of that name, or None."""
        for found in self.channels:
            if found.name == name:
                return found
        return None
