"""Pure. One YAML file of a map or an overlay to its syntax tree, all problems at once.

Only the shape is checked here; names and types are the checker's business (`mapping.scope` and
`mapping.checker`). The keys are listed in docs/mapping-language.md.
"""

import re
from collections.abc import Callable, Iterator
from typing import TypeVar

from engine.diagnostics import Diagnostic, Place, did_you_mean
from engine.fhir.definitions import resource_types
from engine.mapping.codes import (
    LIMIT,
    MISSING_KEY,
    NOT_A_MAP,
    UNKNOWN_KEY,
    WRONG_SHAPE,
)
from engine.mapping.documents.matching import MATCH_KEYS, read_match
from engine.mapping.expression import attempt
from engine.mapping.local_segments import LocalSegment, read_segment
from engine.mapping.rules import read_rules, read_value
from engine.mapping.scanner import Cursor
from engine.mapping.statements import read_body_key, read_key_item, read_step_line
from engine.mapping.syntax import (
    UPDATES,
    Differs,
    Each,
    Expression,
    Ignore,
    MapFile,
    MapTest,
    MessageStep,
    OverlayFile,
    PartFile,
    Rule,
    When,
)
from engine.yamltext import Mapping, Node, Scalar, Sequence, parse_yaml

MAP_KEYS = (
    "map", "from", "also", "to", "description", "for", "parameters", "key", "updates", "needs",
    "rules", "value", "ignore", "differs", "guide", "tests",
)  # fmt: skip
DOCUMENT_KEYS = (
    "map", "class", "to", "description", "parameters", "key", "needs", *MATCH_KEYS,
    "rules", "value", "all", "ignore", "differs", "guide", "tests",
)  # fmt: skip
PART_KEYS = ("part", "description", "rules", "ignore")
OVERLAY_KEYS = ("overlay", "reason", "rules", "remove", "ignore")

RULES_MAX = 2_000
"""Rules or steps of one file; the largest map of HL7's guide has 86."""
STEPS_DEPTH_MAX = 7
"""`each` and `when` inside one another; Python allows 20 loops inside one another."""

_SOURCE_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
_CLASS_NAME = re.compile(r"[A-Z][A-Za-z0-9_.]*")
_TYPE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9.]*(?:-[A-Za-z0-9][A-Za-z0-9 -]*)?")
_PARAMETER_NAME = re.compile(r"[a-z][a-zA-Z0-9_]*")

Read = TypeVar("Read")


def read_map_file(
    text: str, file: str
) -> tuple[MapFile | OverlayFile | PartFile | LocalSegment | None, list[Diagnostic]]:
    """Read one file.

    Args:
        text: the whole file.
        file: its name, for places.

    Returns:
        The map, part, overlay or segment of the site (None when it cannot be used at all), and
        every problem found. What could be read is returned even when parts are wrong.
    """
    root, problems = parse_yaml(text, file)
    if root is None:
        return None, problems or [NOT_A_MAP(Place(file=file, line=1), problem="it is empty")]
    if not isinstance(root, Mapping):
        return None, [*problems, NOT_A_MAP(root.place, problem="it is no mapping")]
    reader = _FileReader(root, file, problems)
    if root.get("overlay") is not None:
        return reader.overlay(), problems
    if root.get("segment") is not None:
        return read_segment(root, file, problems), problems
    if root.get("part") is not None:
        return reader.part(), problems
    if root.get("map") is None:
        return None, [*problems, NOT_A_MAP(root.place, problem="the key `map` is missing")]
    return reader.map(), problems


class _FileReader:
    """The keys of one file; problems are collected on the way."""

    def __init__(self, root: Mapping, file: str, problems: list[Diagnostic]) -> None:
        self.root = root
        self.file = file
        self.problems = problems

    def map(self) -> MapFile:
        of_document = self.root.get("class") is not None
        self.check_keys(DOCUMENT_KEYS if of_document else MAP_KEYS)
        name = self.text("map")
        if of_document:
            source = self.named("class", _CLASS_NAME)
        else:
            source = self.named("from", _SOURCE_NAME)
        target = self.named("to", _TYPE_NAME)
        steps: tuple[MessageStep, ...] = ()
        rules: tuple[Rule, ...] = ()
        node = self.root.get("rules")
        if isinstance(node, Sequence):
            steps = self.steps(node)
        elif node is not None:
            rules = read_rules(node, self.problems)
        value, every = self.root.get("value"), self.root.get("all")
        if node is None and value is None and every is None:
            key = "value" if target[:1].islower() else "rules"
            self.problems.append(MISSING_KEY(self.root.place, key=key))
        return MapFile(
            name=name,
            file=self.file,
            place=(self.root.key("map") or self.root).place,
            from_name=source,
            to_name=target,
            also=self.words("also"),
            events=self.words("for"),
            parameters=self.pairs("parameters"),
            key=self.key(),
            updates=self.updates(),
            needs=self.words("needs"),
            rules=rules,
            value=read_value(value, self.problems) if value is not None else (),
            all_values=read_value(every, self.problems) if every is not None else (),
            of_document=of_document,
            match=read_match(self.root, self.problems) if of_document else None,
            steps=steps,
            ignore=self.ignored(),
            differs=self.differing(),
            guide=self.words("guide"),
            tests=self.tests(),
            description=self.text("description", required=False),
        )

    def part(self) -> PartFile:
        self.check_keys(PART_KEYS)
        node = self.root.get("rules")
        if not isinstance(node, Sequence):
            place = self.root.place if node is None else node.place
            self.problems.append(WRONG_SHAPE(place, what="`rules`", shape="a list of steps"))
        return PartFile(
            name=self.named("part", _PARAMETER_NAME),
            file=self.file,
            place=(self.root.key("part") or self.root).place,
            steps=self.steps(node) if isinstance(node, Sequence) else (),
            ignore=self.ignored(),
            description=self.text("description", required=False),
        )

    def overlay(self) -> OverlayFile:
        self.check_keys(OVERLAY_KEYS)
        node = self.root.get("rules")
        rules: tuple[Rule, ...] = ()
        steps: tuple[MessageStep, ...] = ()
        if isinstance(node, Sequence):
            steps = self.steps(node)
        elif node is not None:
            rules = read_rules(node, self.problems)
        return OverlayFile(
            map_name=self.text("overlay"),
            file=self.file,
            place=(self.root.key("overlay") or self.root).place,
            reason=self.text("reason"),
            rules=rules,
            steps=steps,
            remove=self.words("remove"),
            ignore=self.ignored(),
        )

    def check_keys(self, known: tuple[str, ...]) -> None:
        for key, _ in self.root:
            if key.text not in known:
                hint = did_you_mean(key.text, known) or f"the keys are {', '.join(known)}"
                self.problems.append(UNKNOWN_KEY(key.place, key=key.text, hint=hint))

    def text(self, key: str, *, required: bool = True) -> str:
        node = self.root.get(key)
        if isinstance(node, Scalar) and node.text:
            return node.text
        if node is not None:
            self.problems.append(WRONG_SHAPE(node.place, what=f"`{key}`", shape="a text"))
        elif required:
            self.problems.append(MISSING_KEY(self.root.place, key=key))
        return ""

    def named(self, key: str, pattern: "re.Pattern[str]") -> str:
        text = self.text(key)
        if text and pattern.fullmatch(text) is None:
            node = self.root.get(key) or self.root
            self.problems.append(WRONG_SHAPE(node.place, what=f"`{key}`", shape="a name"))
            return ""
        return text

    def words(self, key: str) -> tuple[str, ...]:
        node = self.root.get(key)
        if node is None:
            return ()
        items = node.items if isinstance(node, Sequence) else (node,)
        found: list[str] = []
        for item in items:
            if isinstance(item, Scalar):
                found.append(item.text)
            else:
                hint = "brackets need a list with dashes, one item a line"
                self.problems.append(
                    WRONG_SHAPE(item.place, what=f"`{key}`", shape="a list of texts", hint=hint)
                )
        return tuple(found)

    def pairs(self, key: str) -> tuple[tuple[str, str], ...]:
        node = self.root.get(key)
        if node is None:
            return ()
        if not isinstance(node, Mapping):
            self.problems.append(WRONG_SHAPE(node.place, what=f"`{key}`", shape="names and types"))
            return ()
        found: list[tuple[str, str]] = []
        for name, item in node:
            if isinstance(item, Scalar) and _PARAMETER_NAME.fullmatch(name.text):
                found.append((name.text, item.text))
            else:
                shape = "a name in small letters and its type"
                self.problems.append(WRONG_SHAPE(name.place, what=f"`{name.text}`", shape=shape))
        return tuple(found)

    def updates(self) -> tuple[tuple[str, str], ...]:
        node = self.root.get("updates")
        found: list[tuple[str, str]] = []
        for name, item in node if isinstance(node, Mapping) else ():
            if isinstance(item, Scalar) and item.text in UPDATES and name.text in resource_types():
                found.append((name.text, item.text))
            else:
                shape = f"a resource type and {' or '.join(UPDATES)}"
                self.problems.append(WRONG_SHAPE(name.place, what=f"`{name.text}`", shape=shape))
        if node is not None and not isinstance(node, Mapping):
            shape = "resource types, each with merge or replace"
            self.problems.append(WRONG_SHAPE(node.place, what="`updates`", shape=shape))
        return tuple(found)

    def key(self) -> tuple[Expression, ...] | None:
        node = self.root.get("key")
        if node is None:
            return None
        items = node.items if isinstance(node, Sequence) else (node,)
        found: list[Expression] = []
        for item in items:
            if isinstance(item, Scalar):
                found.extend(self.parse(item, read_key_item) or ())
            else:
                self.problems.append(WRONG_SHAPE(item.place, what="`key`", shape="expressions"))
        return tuple(found)

    def ignored(self) -> tuple[Ignore, ...]:
        return tuple(
            Ignore(path=path, reason=reason, place=place)
            for path, reason, place in self.reasons("ignore")
        )

    def differing(self) -> tuple[Differs, ...]:
        found: list[Differs] = []
        for text, reason, place in self.reasons("differs"):
            path, _, element = text.partition("->")
            found.append(
                Differs(path=path.strip(), element=element.strip(), reason=reason, place=place)
            )
        return tuple(found)

    def reasons(self, key: str) -> Iterator[tuple[str, str, Place]]:
        """(path, reason, place) of `PID-1, PID-2: reason`."""
        node = self.root.get(key)
        if node is None:
            return
        if not isinstance(node, Mapping):
            shape = "paths with the reason after the colon"
            self.problems.append(WRONG_SHAPE(node.place, what=f"`{key}`", shape=shape))
            return
        for paths, reason in node:
            if isinstance(reason, Scalar) and reason.text:
                for one in paths.text.split(","):
                    yield one.strip(), reason.text, paths.place
            else:
                shape = "a reason after the colon"
                self.problems.append(WRONG_SHAPE(paths.place, what=f"`{paths.text}`", shape=shape))

    def tests(self) -> tuple[MapTest, ...]:
        node = self.root.get("tests")
        if node is None:
            return ()
        if not isinstance(node, Sequence):
            self.problems.append(WRONG_SHAPE(node.place, what="`tests`", shape="a list"))
            return ()
        return tuple(found for item in node if (found := self.test(item)) is not None)

    def test(self, node: Node) -> MapTest | None:
        shape = "a mapping with `name`, `in` and `expect`"
        if not isinstance(node, Mapping):
            self.problems.append(WRONG_SHAPE(node.place, what="a test", shape=shape))
            return None
        name, message, expect = (node.get(key) for key in ("name", "in", "expect"))
        for key, _ in node:
            if key.text not in ("name", "in", "expect"):
                self.problems.append(UNKNOWN_KEY(key.place, key=key.text, hint=shape))
        if not (isinstance(message, Scalar) and isinstance(expect, Mapping)):
            self.problems.append(WRONG_SHAPE(node.place, what="a test", shape=shape))
            return None
        wanted: list[tuple[str, str]] = []
        for path, value in expect:
            if isinstance(value, Scalar):
                wanted.append((path.text, value.text))
            else:
                self.problems.append(WRONG_SHAPE(value.place, what=path.text, shape="one value"))
        return MapTest(
            name=name.text if isinstance(name, Scalar) else "",
            message=message.text,
            expect=tuple(wanted),
            place=node.place,
        )

    def steps(self, node: Sequence, depth: int = 1) -> tuple[MessageStep, ...]:
        if depth > STEPS_DEPTH_MAX:
            what = "levels of steps"
            self.problems.append(LIMIT(node.place, limit=STEPS_DEPTH_MAX, what=what))
            return ()
        if len(node) > RULES_MAX:
            self.problems.append(LIMIT(node.place, limit=RULES_MAX, what="steps"))
        found = (self.step(item, depth) for item in node.items[:RULES_MAX])
        return tuple(step for step in found if step is not None)

    def step(self, node: Node, depth: int) -> MessageStep | None:
        if isinstance(node, Scalar):
            return self.parse(node, read_step_line)
        if not isinstance(node, Mapping) or len(node.entries) != 1:
            shape = "`SOURCE -> MAP`, `use PART`, `each ...:`, `when ...:` or `name.element = ...`"
            self.problems.append(WRONG_SHAPE(node.place, what="a step", shape=shape))
            return None
        head, body = node.entries[0]
        key = self.parse(head, read_body_key)
        if not isinstance(body, Sequence):
            self.problems.append(WRONG_SHAPE(body.place, what="the body", shape="a list of steps"))
            return None
        steps = self.steps(body, depth + 1)
        if key is None:
            return None
        if key.loop is not None:
            return Each(loop=key.loop, when=key.when, body=steps, place=key.place)
        if key.when is not None:
            return When(condition=key.when, body=steps, place=key.place)
        self.problems.append(WRONG_SHAPE(head.place, what="a body", shape="after each or when"))
        return None

    def parse(self, scalar: Scalar, read: Callable[[Cursor], Read]) -> Read | None:
        found, problems = attempt(scalar.text, scalar, read)
        self.problems.extend(problems)
        return found
