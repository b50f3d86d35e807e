"""Pure. All files of a site below `codevalues/`, read together.

The rim lists the files; this gives one `CodeValueFiles`, from which each tenant gets its
`CodeValues`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.codevalues import aliases, snapshot
from engine.codevalues.aliases import AliasTable, read_aliases
from engine.codevalues.codes import FILE_PLACE
from engine.codevalues.concept_map import read_concept_map
from engine.codevalues.registry import FILE as REGISTRY
from engine.codevalues.registry import KnownSystem, Registry, read_registry
from engine.codevalues.resolve import CodeValues, Missing
from engine.codevalues.snapshot import Snapshot, read_snapshot
from engine.codevalues.standard import StandardTable, read_standard
from engine.diagnostics import Diagnostic, Place

FOLDER = "codevalues"
SUFFIXES = (".yaml", ".csv", ".json")
_STANDARD = f"{FOLDER}/standard/"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeValueFiles:
    """What a site has written and taken."""

    registry: Registry = field(default_factory=Registry)
    aliases: Mapping[tuple[str, int], AliasTable] = field(default_factory=dict)
    """By contributor source and code set."""
    standards: tuple[StandardTable, ...] = ()
    snapshots: Mapping[str, Snapshot] = field(default_factory=dict)
    """By file: `codevalues/snapshots/sandbox.csv`."""
    noted: list[Missing] | None = None
    """Where the code values of every tenant note codes without a value."""

    def for_tenant(self, tenant: str, *, region: str = "us", snapshot: str = "") -> CodeValues:
        """The code values of one tenant.

        Args:
            tenant: the path segment of its service root.
            region: us, ca or au.
            snapshot: the file of its snapshot, as the environment names it; without one every
                mapped code is UNBOUND.
        """
        taken = self.snapshots.get(snapshot)
        if taken is not None:
            taken.prepare()
        return CodeValues(
            tenant=tenant,
            region=region,
            registry=self.registry,
            aliases=self.aliases,
            standards=self.standards,
            snapshot=taken,
            noted=self.noted,
        )


def read_code_value_files(
    files: Mapping[str, str], known: KnownSystem | None = None
) -> tuple[CodeValueFiles, list[Diagnostic]]:
    """Read them.

    Args:
        files: name, from `codevalues/` on, to text.
        known: URIs of coding systems that a site need not name.

    Returns:
        Everything that could be read, and all problems.
    """
    text = files.get(REGISTRY, "")
    registry, problems = read_registry(text, known=known) if known else read_registry(text)
    tables: dict[tuple[str, int], AliasTable] = {}
    standards: list[StandardTable] = []
    snapshots: dict[str, Snapshot] = {}
    for file in sorted(files):
        found: list[Diagnostic] = []
        if file == REGISTRY:
            continue
        if aliases.FILE.fullmatch(file):
            table, found = read_aliases(files[file], file, registry)
            if table is not None:
                tables[(table.contributor_source, table.code_set)] = table
        elif snapshot.FILE.fullmatch(file):
            taken, found = read_snapshot(files[file], file)
            if taken is not None:
                snapshots[file] = taken
        elif file.startswith(_STANDARD) and file.endswith(".csv"):
            standard, found = read_standard(files[file], file, registry)
            standards.append(standard)
        elif file.startswith(_STANDARD) and file.endswith(".json"):
            made, found = read_concept_map(files[file], file)
            standards += [made] if made is not None else []
        else:
            found = [_misplaced(file)]
        problems += found
    whole = CodeValueFiles(
        registry=registry, aliases=tables, standards=tuple(standards), snapshots=snapshots
    )
    return whole, problems


def _misplaced(file: str) -> Diagnostic:
    if file.startswith(f"{FOLDER}/aliases/"):
        problem = "a table of aliases is aliases/CONTRIBUTOR_SOURCE/CODE_SET.csv"
    elif file.startswith(f"{FOLDER}/snapshots/"):
        problem = "a snapshot is snapshots/NAME.csv"
    else:
        problem = "only registry.yaml, aliases/, snapshots/ and standard/ are read"
    return FILE_PLACE(Place(file=file, line=1), problem=problem)
