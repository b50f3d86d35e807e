"""Rim. The two tables of the package: what is served of each resource type, and which fields and
patch operations its writes accept. Reports 1.3 and 1.4.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceType:
    """What is served of one type."""

    name: str
    does: frozenset[str] = frozenset()
    """read, search, create, update, patch, delete."""
    scope: str = ""
    """Letters of the system scope; empty: none is needed."""
    search: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    """A search names at least one of these."""
    page: int | None = None
    """Entries of a page; None: not paged."""
    page_max: int = 0
    operations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A field, or a part of one, that a write accepts."""

    required: bool = False
    closed: bool = False
    """Nothing but the parts listed."""
    parts: dict[str, "Part"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchRule:
    """An operation on a path; `{i}` stands for an index."""

    op: str
    path: tuple[str, ...]
    tested: bool
    """The id of the element is to be tested earlier in the same patch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRules:
    """What the writes of one type accept."""

    create: Part | None = None
    update: Part | None = None
    patch: tuple[PatchRule, ...] = ()


@cache
def resource_types() -> Mapping[str, ResourceType]:
    """All types served, by name."""
    table: dict[str, dict[str, str]] = _read("resources.yaml")
    return {name: _resource_type(name, row or {}) for name, row in table.items()}


@cache
def write_rules() -> Mapping[str, WriteRules]:
    """The types that can be written, by name."""
    table: dict[str, dict[str, Any]] = _read("rules.yaml")
    return {
        name: WriteRules(
            create=_fields(row["create"]) if "create" in row else None,
            update=_fields(row["update"]) if "update" in row else None,
            patch=tuple(_patch_rule(text) for text in row.get("patch", ())),
        )
        for name, row in table.items()
    }


def _read(name: str) -> Any:
    return yaml.safe_load((DATA / name).read_text(encoding="utf-8"))


def _resource_type(name: str, row: Mapping[str, str]) -> ResourceType:
    page, _, page_max = row.get("page", "").partition(" ")
    return ResourceType(
        name=name,
        does=frozenset(row.get("does", "").split()),
        scope=row.get("scope", ""),
        search=tuple(row.get("search", "").split()),
        needs=tuple(row.get("needs", "").split()),
        page=int(page) if page else None,
        page_max=int(page_max or 0),
        operations=tuple(row.get("operations", "").split()),
    )


def _fields(text: str) -> Part:
    root = Part(closed=True)
    for token in text.split():
        closed, required = "{}" in token, "!" in token
        *above, last = token.replace("{}", "").replace("!", "").split(".")
        place = root
        for name in above:
            place = place.parts[name]
        place.parts[last] = Part(required=required, closed=closed)
    return root


def _patch_rule(text: str) -> PatchRule:
    op, path, *tested = text.split()
    return PatchRule(op=op, path=tuple(path.strip("/").split("/")), tested=bool(tested))
