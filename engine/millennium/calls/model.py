"""Pure. A Millennium call as a value: one typed HTTP request that is data, not code.

A call is either plain (one request: create, update, patch, delete, operation, search, read) or a
`register`: find, create or change, each a plain call. Calls lie in `transforms/millennium/calls`
and in the `millennium` folder of a site's overlays; the form is the same for those that Oracle
documents (`contract: public`) and those that one site has (`contract: tenant-specific`). Grades are
those of the reference: what is documented by the vendor, captured live, reported from the field, or
inferred.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from engine.diagnostics import Place
from engine.millennium.capabilities import Capabilities
from engine.millennium.resources.rules import ResourceRules

IGNITE = "ignite-fhir-r4"
EHR_API = "ehr-api"
CUSTOM = "custom"
APIS = (IGNITE, EHR_API, CUSTOM)

PUBLIC = "public"
TENANT_SPECIFIC = "tenant-specific"
CONTRACTS = (PUBLIC, TENANT_SPECIFIC)


class Interaction(StrEnum):
    """What a call does."""

    CREATE = "create"
    UPDATE = "update"
    """PUT of the whole resource, made of the server's copy."""
    PATCH = "patch"
    """JSON Patch, made of the server's copy."""
    DELETE = "delete"
    OPERATION = "operation"
    SEARCH = "search"
    READ = "read"
    REGISTER = "register"
    """Find, else create; what is there is changed."""


class Body(StrEnum):
    """What is sent."""

    NONE = "none"
    RESOURCE = "resource"
    PATCH = "patch"
    PARAMETERS = "parameters"
    """A FHIR Parameters resource that holds the resource."""
    JSON = "json"


class AnswerClass(StrEnum):
    """What an answer means for the delivery; the class decides, never a text (report 3.3, 1.5)."""

    DONE = "done"
    CONFLICT = "conflict"
    """409: somebody changed it meanwhile. Read again, apply the intent again."""
    MISSING = "missing"
    """404 or 410 for one resource: resolve its identity again."""
    AUTHORIZATION = "authorization"
    """401: renew the token once."""
    CONFIGURATION = "configuration"
    """403, 405, 406, 412, 415 and the like: scope, tenant, privilege or a fault of ours."""
    REJECTED = "rejected"
    """400, 422, 424 and a 500 about a required element: the data; never again as it is."""
    RETRY = "retry"
    """408, 423, 425, 429, 5xx: later; it was not made."""
    UNKNOWN = "unknown"
    """A create that may have been made: a success without a Location, a 500, 502 or 504."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Concurrency:
    """How a change is kept from overwriting another."""

    if_match: bool = False
    """Sends the ETag of the copy it was made of."""
    rereads_max: int = 3
    """After a conflict: so often it is read and made again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a success looks like."""

    statuses: tuple[int, ...] = (200,)
    headers: tuple[str, ...] = ()
    """Must be there, in lower case, such as `location`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPreset:
    """One call. See docs/millennium.md for the keys."""

    name: str
    """Such as `patient.register`."""
    file: str = ""
    place: Place = field(default_factory=Place, compare=False)
    description: str = ""
    api: str
    """ignite-fhir-r4, ehr-api or custom."""
    contract: str
    """public or tenant-specific."""
    grade: str
    source: str
    """Where the vendor, or the site's document, says so."""
    resource: str = ""
    """FHIR type; empty for calls of other APIs."""
    interaction: Interaction
    method: str = ""
    path: str = ""
    """From the root, with `{names}`: `{fhir_root}/Patient/{id}`."""
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: Body = Body.NONE
    content: Any = None
    """Of `body: json`: what is sent, as `calls.templates` fills it."""
    parameters: tuple[str, ...] = ()
    """What the caller gives by name for path, query, headers and body."""
    required: tuple[str, ...] = ()
    """Of the parameters, those without which it is not made."""
    repeats: tuple[tuple[str, int], ...] = ()
    """Parameters that may have several values, and how many at most: their pair of the query is
    repeated for each."""
    scopes: tuple[str, ...] = ()
    """SMART v1, such as `system/Patient.write`."""
    scopes_v2: tuple[str, ...] = ()
    concurrency: Concurrency = field(default_factory=Concurrency)
    once: bool = False
    """Has no business key on the server: the ledger remembers that it was made."""
    probe: str = ""
    """How to find out whether a create whose answer was lost was made: a search, with `{names}` of
    elements of the resource."""
    expected: Expected = field(default_factory=Expected)
    capture: tuple[tuple[str, str], ...] = ()
    """Name to `location.id`, `header.NAME` or `body.PATH`."""
    classify: tuple[tuple[int, str], ...] = ()
    """Statuses whose class differs from the usual one."""
    prerequisites: tuple[str, ...] = ()
    """What a person must have set up, in words for preflight."""
    rules: ResourceRules | None = None
    """Of the resource; None where none is written."""
    find: "CallPreset | None" = None
    create: "CallPreset | None" = None
    change: "CallPreset | None" = None
    read: "CallPreset | None" = None
    """Reads the content of a document, which a change must say again."""

    @property
    def plain(self) -> tuple["CallPreset", ...]:
        """The requests it may make: itself, or the parts of a register."""
        if self.interaction is not Interaction.REGISTER:
            return (self,)
        parts = (self.find, self.create, self.change, self.read)
        return tuple(part for part in parts if part is not None)

    @property
    def writes(self) -> bool:
        """True when it may change something on the server."""
        readers = (Interaction.SEARCH, Interaction.READ)
        return any(part.interaction not in readers for part in self.plain)


@dataclass(frozen=True, slots=True, kw_only=True)
class Presets:
    """All calls by name, and the rules of resources by type."""

    calls: dict[str, CallPreset] = field(default_factory=dict)
    rules: dict[str, ResourceRules] = field(default_factory=dict)
    capabilities: Capabilities = field(default_factory=Capabilities)

    def finder(self, resource: str) -> CallPreset | None:
        """The public call that finds a resource of a type by its identifier."""
        found = self.calls.get(f"{resource[:1].lower()}{resource[1:]}.find")
        return found if found is not None and found.resource == resource else None
