"""Pure. Which clinical statements of a document were read, and which nobody took.

A statement is accounted for when a map was given it, when a rule of the map around it reads it or
what is in it, or when that map names it in `ignore:`. All others are reported: nothing is lost in
silence.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from lxml import etree

from engine.cda.definitions import template
from engine.cda.document import (
    CDA,
    NAMESPACES,
    STATEMENTS,
    TEMPLATE_ID,
    Document,
    Node,
    local_name,
    place_of,
)
from engine.mapping.accounts import IGNORED, MAPPED, UNMAPPED, LeafAccount
from engine.mapping.documents.node_paths import as_node_path, xpath_of
from engine.mapping.expression import parse_path
from engine.mapping.library import Library
from engine.mapping.sources import condition_paths, paths_of
from engine.mapping.syntax import Ignore, MapFile, NodeStep, Path, Rule
from engine.yamltext import Scalar

_SECTION = f"{{{CDA}}}section"
_CODE = f"{{{CDA}}}code"
_CODE_TEXT = re.compile(r"[0-9]{1,7}-[0-9]")
_NAMES = frozenset(name.rpartition("}")[2] for name in STATEMENTS)


@dataclass(slots=True)
class StatementReads:
    """The statements that the maps of a library read, by map; made when first asked for."""

    library: Library
    _paths: dict[str, tuple[etree.XPath, ...]] = field(default_factory=dict)

    def unread(
        self,
        document: Document,
        taken: set[Node],
        reported: set[Node],
        applied: list[tuple[str, Node]],
    ) -> list[Node]:
        """The statements that nobody took, in order; those inside one that is listed are not.

        Args:
            document: what was converted.
            taken: elements that a map was given.
            reported: elements that are reported already; what is in them need not be.
            applied: (map, element) of every map that ran on a statement, section or document.
        """
        left = [one for one in document.statements() if one not in taken and one not in reported]
        maps_of: dict[Node, list[str]] = {}
        for map_name, node in applied if left else ():
            maps_of.setdefault(node, []).append(map_name)
        read: set[Node] = set()
        asked: set[Node] = set()
        found: list[Node] = []
        missing = set(reported)
        for node in left:
            # paths lead downwards, so only the maps of what stands around it can have read it
            around = [one for one in node.iterancestors() if one in maps_of and one not in asked]
            asked.update(around)
            for one in around:
                for path in (path for name in maps_of[one] for path in self._of(name)):
                    read.update(_elements(path(one)))
            if node in read:
                continue
            missing.add(node)
            if not any(one in missing for one in node.iterancestors(*STATEMENTS)):
                found.append(node)
        return found

    def accounts(
        self,
        document: Document,
        taken: set[Node],
        reported: set[Node],
        applied: list[tuple[str, Node]],
    ) -> list[LeafAccount]:
        """What became of every statement of a document, in order; the arguments are as above."""
        lost = {*self.unread(document, taken, reported, applied), *reported}
        ignored: dict[Node, str] = {}
        for map_name, node in applied:
            for path, reason in self._ignored(map_name):
                ignored.update((one, reason) for one in _elements(path(node)))
        found: list[LeafAccount] = []
        for node in document.statements():
            if node in lost or any(one in lost for one in node.iterancestors(*STATEMENTS)):
                state, reason = UNMAPPED, ""
            elif node not in taken and node in ignored:
                state, reason = IGNORED, ignored[node]
            else:
                state, reason = MAPPED, ""
            found.append(
                LeafAccount(path=place_of(node), state=state, reason=reason, group=_group(node))
            )
        return found

    def _ignored(self, map_name: str) -> list[tuple[etree.XPath, str]]:
        found = []
        for ignore, path in _ignored_paths(self.library.maps[map_name]):
            text = xpath_of(path.nodes)
            found.append((etree.XPath(text, namespaces=NAMESPACES), ignore.reason))
        return found

    def _of(self, map_name: str) -> tuple[etree.XPath, ...]:
        paths = self._paths.get(map_name)
        if paths is None:
            texts = dict.fromkeys(_statement_paths(self.library.maps[map_name]))
            paths = tuple(etree.XPath(text, namespaces=NAMESPACES) for text in texts)
            self._paths[map_name] = paths
        return paths


def _elements(found: object) -> list[Node]:
    """The elements of an XPath's result, which is a list of them for every path of ours."""
    return [one for one in found if isinstance(one, Node)] if isinstance(found, list) else []


def _statement_paths(map_file: MapFile) -> Iterator[str]:
    """XPaths to the statements on the way of every path of a map."""
    variables: dict[str, tuple[NodeStep, ...]] = {}
    for path in paths_of_map(map_file, variables):
        steps = path.nodes
        if path.variable is not None:
            steps = (*variables.get(path.variable, ()), *steps)
        if path.from_root or any(step.axis in ("parent", "ancestor") for step in steps):
            continue
        for number, step in enumerate(steps, 1):
            if step.axis == "child" and (step.name in _NAMES or step.name == "*"):
                yield xpath_of(steps[:number])


def paths_of_map(map_file: MapFile, variables: dict[str, tuple[NodeStep, ...]]) -> Iterator[Path]:
    """Every path of a map; `variables` is filled with the steps of those that loops name."""
    for rule in (*map_file.rules, *map_file.value, *map_file.all_values):
        yield from _paths_of_rule(rule, variables)
    match = map_file.match
    for one in (*match.negation, *match.required, *match.null) if match is not None else ():
        if one.rule is not None:
            yield from _paths_of_rule(one.rule, variables)
    for _, path in _ignored_paths(map_file):
        yield path


def _ignored_paths(map_file: MapFile) -> Iterator[tuple[Ignore, Path]]:
    """The paths of `ignore:`; one that stops above a statement means all that stand there."""
    for ignore in map_file.ignore:
        path, _ = parse_path(ignore.path, Scalar(ignore.path, ignore.place))
        if path is not None and not path.nodes and path.text.isalpha():
            path = as_node_path(path)
        if path is not None and path.nodes:
            last = path.nodes[-1]
            whole = () if last.name in _NAMES else (NodeStep(name="*"),)
            yield ignore, replace(path, nodes=(*path.nodes, *whole))


def _group(node: Node) -> tuple[str, str]:
    """The code of the section a statement stands in, and its template by name."""
    section = next(node.iterancestors(_SECTION), None)
    code = section.find(_CODE) if section is not None else None
    known = (template(one.get("root", "")) for one in node.iterchildren(TEMPLATE_ID))
    name = next((one.name for one in known if one is not None), local_name(str(node.tag)))
    text = code.get("code", "") if code is not None else ""
    return (text if _CODE_TEXT.fullmatch(text) else "other", name)


def _paths_of_rule(rule: Rule, variables: dict[str, tuple[NodeStep, ...]]) -> Iterator[Path]:
    if rule.loop is not None:
        source = rule.loop.source
        variables[rule.loop.variable] = (*variables.get(source.variable or "", ()), *source.nodes)
        yield source
    if rule.when is not None:
        yield from condition_paths(rule.when)
    if rule.expression is not None:
        yield from paths_of(rule.expression)
    for inner in (*(rule.block or ()), *(rule.alternatives or ())):
        yield from _paths_of_rule(inner, variables)
