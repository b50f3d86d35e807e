"""Rim. What the rules of a type are given, and the form they have."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.simulator.millennium.answers import Resource
from engine.simulator.millennium.chart import Chart
from engine.simulator.millennium.code_values import CodeTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The tenant a write happens in."""

    chart: Chart
    codes: CodeTable
    instant: str
    """Now, as FHIR writes it."""


def _as_given(_scene: Scene, resource: Resource) -> Resource:
    return resource


def _as_new(_scene: Scene, _before: Resource, after: Resource) -> Resource:
    """What a PUT leaves out is gone."""
    return after


def _unchecked(_scene: Scene, _after: Resource, _operations: list[dict[str, Any]]) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeRules:
    """The rules of one type; each raises RuleBrokenError for what it does not allow."""

    create: Callable[[Scene, Resource], Resource] = _as_given
    """What is sent -> what is kept."""
    update: Callable[[Scene, Resource, Resource], Resource] = _as_new
    """What is there, what is sent -> what is kept."""
    patch: Callable[[Scene, Resource, list[dict[str, Any]]], None] = _unchecked
    """What the patch makes, and its operations; may complete the resource."""
    listed: frozenset[str] = frozenset()
    """Lists that a patch may give one value of."""
