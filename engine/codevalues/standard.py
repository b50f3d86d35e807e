"""Pure. The standard map: a sender's code, or that of a code set, to LOINC, SNOMED CT and others.

`codevalues/standard/<name>.csv` has a row for each pair; `<name>.json` is a ConceptMap of FHIR R4,
read by `concept_map`, which can also say what a pair depends on, what else it makes and what
becomes of all other codes. The code of a code set is named portably, under the system `codeSet/72`:
code values differ per tenant. Report section 4, layer 4; http://hl7.org/fhir/R4/conceptmap.html.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from engine.codevalues.codes import UNKNOWN_EQUIVALENCE
from engine.codevalues.registry import Registry
from engine.codevalues.rows import Row, read_rows
from engine.diagnostics import Diagnostic, did_you_mean

COLUMNS = (
    "source_code", "source_system", "source_display", "target_code", "target_system",
    "target_display", "equivalence", "comment",
)  # fmt: skip
REQUIRED = frozenset({"source_code", "target_code", "target_system"})

EQUIVALENCES = (
    "relatedto", "equivalent", "equal", "wider", "subsumes", "narrower", "specializes", "inexact",
    "unmatched", "disjoint",
)  # fmt: skip
"""ConceptMap.group.element.target.equivalence, http://hl7.org/fhir/R4/valueset-concept-map-equivalence.html."""
USABLE = frozenset({"equivalent", "equal", "wider", "subsumes"})
"""Those whose target says no more than the source did: only they may stand for it unseen."""
CODE_SET = "codeSet/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """A condition of a pair (`dependsOn`), or something it makes besides (`product`)."""

    property: str
    value: str
    system: str = ""
    display: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One source code and one target."""

    code: str
    system: str
    """URI; `codeSet/72` for a portable name of a code value; empty for a local code."""
    display: str
    target: str
    """Empty where a concept is known to have none (`unmatched`)."""
    target_system: str
    target_display: str
    equivalence: str = "equivalent"
    depends_on: tuple[Dependency, ...] = ()
    product: tuple[Dependency, ...] = ()
    comment: str = ""
    where: str
    """`codevalues/standard/lab.csv:14`, for evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Otherwise:
    """`group.unmapped`: what becomes of codes that have no pair."""

    system: str
    target_system: str
    mode: str
    """provided, fixed or other-map."""
    code: str = ""
    display: str = ""
    url: str = ""
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardTable:
    """A concept map by name."""

    name: str
    file: str
    url: str = ""
    """Canonical URL of a ConceptMap; other maps name it in `unmapped`."""
    version: str = ""
    pairs: tuple[Pair, ...]
    otherwise: tuple[Otherwise, ...] = ()
    by_code: dict[tuple[str, str], tuple[Pair, ...]] = field(repr=False, compare=False)

    def find(
        self, code: str, system: str, target_system: str, properties: Mapping[str, str]
    ) -> list[Pair]:
        """The pairs of a code whose conditions hold.

        Args:
            code: case as sent.
            system: canonical.
            target_system: canonical; empty for any.
            properties: what is known of the source, by the property's name.
        """
        return [
            pair
            for pair in self.by_code.get((system, code), ())
            if (not target_system or pair.target_system in ("", target_system))
            and all(properties.get(one.property) == one.value for one in pair.depends_on)
        ]


def make_standard(
    name: str,
    file: str,
    pairs: Iterable[Pair],
    otherwise: tuple[Otherwise, ...] = (),
    url: str = "",
    version: str = "",
) -> StandardTable:
    """A table of these pairs."""
    kept = tuple(pairs)
    by_code: dict[tuple[str, str], list[Pair]] = {}
    for pair in kept:
        by_code.setdefault((pair.system, pair.code), []).append(pair)
    return StandardTable(
        name=name,
        file=file,
        url=url,
        version=version,
        pairs=kept,
        otherwise=otherwise,
        by_code={key: tuple(found) for key, found in by_code.items()},
    )


def read_standard(
    text: str, file: str, registry: Registry
) -> tuple[StandardTable, list[Diagnostic]]:
    """Read one CSV table.

    Args:
        text: the whole file.
        file: its name; the table is called after it.
        registry: for the names of coding systems.

    Returns:
        The table of all good rows, and all problems.
    """
    found, problems = read_rows(text, file, columns=COLUMNS, required=REQUIRED)
    pairs: list[Pair] = []
    for row in found.rows:
        word = row.get("equivalence") or "equivalent"
        if word not in EQUIVALENCES:
            place = found.place(row, "equivalence")
            hint = did_you_mean(word, EQUIVALENCES)
            problems.append(UNKNOWN_EQUIVALENCE(place, word=word, hint=hint))
            continue
        pairs.append(_pair(row, word, file, registry))
    name = file.rpartition("/")[2].removesuffix(".csv")
    return make_standard(name, file, pairs), problems


def _pair(row: Row, equivalence: str, file: str, registry: Registry) -> Pair:
    return Pair(
        code=row.get("source_code"),
        system=canonical_source(row.get("source_system"), registry),
        display=row.get("source_display"),
        target=row.get("target_code"),
        target_system=registry.canonical(row.get("target_system")),
        target_display=row.get("target_display"),
        equivalence=equivalence,
        comment=row.get("comment"),
        where=f"{file}:{row.line}",
    )


def canonical_source(system: str, registry: Registry) -> str:
    """The source system of a pair; `codeSet/72` stays as it is."""
    return system if system.startswith(CODE_SET) else registry.canonical(system)
