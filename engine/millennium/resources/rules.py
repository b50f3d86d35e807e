"""Pure. What Millennium takes of one FHIR resource type, as data (reference 1.4).

Files are `transforms/millennium/resources/TYPE.yaml`. A path is written with JSON names and dots,
lists without brackets: `name.given`. A path whose parts below are listed too keeps only those; one
without keeps all below it.
"""

import re
from dataclasses import dataclass, field

from engine.codevalues.targets import Target, parse_target
from engine.diagnostics import Place

TARGET_CHARACTERS_MAX = 120
REJECT, HOLD, TEXT, PASS, FIXED = "reject", "hold", "text", "pass", "fixed"
POLICIES = (REJECT, HOLD, TEXT, PASS)
"""Beside these: `fixed` and what is sent, see `read_fixed`."""
_FIXED = re.compile(
    rf"{FIXED} (?:(?P<system>[a-z][^\s|]{{1,200}})\|)?(?P<code>[A-Za-z0-9.-]{{1,40}})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """What is sent for every unmapped code of a field."""

    code: str = ""
    """A code value of the tenant, or with `system` a code of a standard."""
    system: str = ""
    target: Target | None = None
    """A portable name of a code value, good in every tenant; in place of `code`."""


def read_fixed(policy: str) -> Fixed | None:
    """What a policy `fixed ...` sends; None for another policy, or what cannot be read.

    Args:
        policy: `fixed 3319000` (a code value), `fixed meaning:INPATIENT` or another portable target
            (see `codevalues.targets`), `fixed http://snomed.info/sct|419199007` (a standard code).
    """
    match = _FIXED.fullmatch(policy)
    if match is not None:
        return Fixed(code=match["code"], system=match["system"] or "")
    word, _, rest = policy.partition(" ")
    target = parse_target(rest) if word == FIXED and len(rest) <= TARGET_CHARACTERS_MAX else None
    return Fixed(target=target) if target is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeField:
    """An element whose code Millennium has its own value for."""

    path: str
    """Such as `code` or `component.code`."""
    code_set: int = 0
    """0: Millennium has no code set there, only standard systems."""
    accepts: tuple[str, ...] = ()
    """URIs of standard systems that may be sent in its place; never both (reference 0.4)."""
    unmapped: str = TEXT
    """What happens to a code without a value: a policy."""
    alias_meaning: str = ""
    """Qualifier of the alias (`alias_type_meaning`)."""
    text: bool = True
    """The element may be sent as text alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchPair:
    """One documented pair of a JSON Patch: what may be done where."""

    operation: str
    path: str
    """With `{index}` for the place in a list."""
    tested: bool = False
    """The id of the element must be tested first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRules:
    """The rules of one type."""

    resource: str
    file: str = ""
    place: Place = field(default_factory=Place, compare=False)
    source: str = ""
    fields: tuple[str, ...] = ()
    """What a create takes."""
    required: tuple[str, ...] = ()
    """Of a create; inside a list: of each of its items, and an item without is left out."""
    values: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Path to the codes it may have."""
    change_values: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Path to codes it may have in a change alone, such as a document entered in error."""
    counts: tuple[tuple[str, int], ...] = ()
    """Path of a list to how many of its items are taken."""
    one_of: tuple[tuple[str, ...], ...] = ()
    """Of each group one only, the first that is there."""
    extensions: tuple[str, ...] = ()
    """URLs of the extensions it takes; others are left out."""
    systems: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Path of a coded element to the systems it takes; codings of others are left out."""
    by_name: tuple[str, ...] = ()
    """References that may be a name alone."""
    codes: tuple[CodeField, ...] = ()
    times: tuple[str, ...] = ()
    """Must have a time of day with an offset; without it they are left out."""
    unseen: tuple[str, ...] = ()
    """The server does not give it back as it was written, so it cannot be compared."""
    immutable: tuple[str, ...] = ()
    """Cannot be changed by an update."""
    update_values: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    """Path to what an update says in place of a value: an amended result is no longer final."""
    create_only: tuple[str, ...] = ()
    """Said when it is created; what is there is not compared with it afterwards."""
    patch: tuple[PatchPair, ...] = ()

    def code_field(self, path: str) -> CodeField | None:
        """The code field of that path, or None."""
        return next((found for found in self.codes if found.path == path), None)
