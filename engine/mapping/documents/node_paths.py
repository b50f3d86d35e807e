"""Pure. Paths in documents (`entryRelationship/observation[code/@code="33999-4"]/value`) from text.

They are XPath 1.0 location paths with CDA's namespace left out: a name without a prefix is CDA's,
`sdtc:` and `xsi:` stand for HL7's extensions and XML Schema. W3C XPath 1.0, chapter 2.
"""

import re

from engine.mapping.scanner import Cursor
from engine.mapping.syntax import NodeStep, Path

_NAME = r"(?:(?:sdtc|xsi|v3):)?(?:[A-Za-z_][A-Za-z0-9_]*|\*)"
_STEP = re.compile(rf"\.\.|\.(?!\d)|@{_NAME}|(?:[a-z]+(?:-[a-z]+)*::)?{_NAME}")
_BEGINS = re.compile(rf"/|\.|@|[a-z]+(?:-[a-z]+)*::|{_NAME}/|(?:sdtc|xsi):|[a-z][A-Za-z0-9_]*\[|\*")
_VARIABLE = re.compile(r"[a-z_][a-z0-9_]*\Z")
_TOKEN = re.compile(
    r"""("[^"]*"|'[^']*')|([a-z]+(?:-[a-z]+)*::)|(@?(?:[A-Za-z_][\w.-]*:)?[A-Za-z_][\w.-]*)(\s*\()?"""
)
_WORDS = frozenset({"and", "or", "div", "mod", "not"})

AXES = frozenset(
    {
        "ancestor",
        "ancestor-or-self",
        "child",
        "descendant",
        "descendant-or-self",
        "following-sibling",
        "parent",
        "preceding-sibling",
        "self",
    }
)
STEPS_MAX = 30
CONDITION_MAX = 1_000
"""Characters in one pair of brackets."""


def begins_node_path(cursor: Cursor) -> bool:
    """True when what comes can only be a path in a document: it has `/`, `@`, `..` or `name[`."""
    cursor.skip()
    return _BEGINS.match(cursor.text, cursor.at) is not None


def read_node_path(cursor: Cursor) -> Path:
    """Read a path at the cursor.

    Raises:
        SyntaxFault: it is not a path.
    """
    cursor.skip()
    start = cursor.at
    from_root = cursor.text.startswith("/", cursor.at)
    if from_root:
        cursor.at += 1
    steps: list[NodeStep] = []
    while True:
        if cursor.text.startswith("/", cursor.at) and (steps or from_root):
            cursor.at += 1
            steps.append(NodeStep(name="*", axis="descendant-or-self"))
        match = _STEP.match(cursor.text, cursor.at)
        if match is None:
            if from_root and not steps:
                break
            raise cursor.fault("a step of the path is missing", "write effectiveTime/low", start)
        cursor.at = match.end()
        steps.append(_step(cursor, match.group(), start))
        if not cursor.text.startswith("/", cursor.at):
            break
        cursor.at += 1
    if len(steps) > STEPS_MAX:
        raise cursor.fault(f"a path has at most {STEPS_MAX} steps", start=start)
    return Path(
        text=cursor.text[start : cursor.at],
        place=cursor.place(start),
        nodes=tuple(steps),
        from_root=from_root,
    )


def _step(cursor: Cursor, text: str, start: int) -> NodeStep:
    conditions: list[str] = []
    while cursor.text.startswith("[", cursor.at):
        conditions.append(_condition(cursor, start))
    if text == "..":
        return NodeStep(name="..", axis="parent", conditions=tuple(conditions))
    if text == ".":
        return NodeStep(name=".", axis="self", conditions=tuple(conditions))
    if text.startswith("@"):
        if conditions:
            raise cursor.fault("an attribute takes no condition", start=start)
        return NodeStep(name=text[1:], axis="attribute")
    axis, mark, name = text.rpartition("::")
    if mark and axis not in AXES:
        raise cursor.fault(f'"{axis}" is no axis', f"known: {', '.join(sorted(AXES))}", start)
    return NodeStep(name=name, axis=axis or "child", conditions=tuple(conditions))


def _condition(cursor: Cursor, start: int) -> str:
    """The text in brackets at the cursor."""
    text, begin, depth, quote = cursor.text, cursor.at + 1, 0, ""
    for at in range(cursor.at, min(len(text), cursor.at + CONDITION_MAX)):
        letter = text[at]
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter == "[":
            depth += 1
        elif letter == "]":
            depth -= 1
            if depth == 0:
                cursor.at = at + 1
                return text[begin:at].strip()
    if len(text) - cursor.at > CONDITION_MAX:
        raise cursor.fault(f"a condition has at most {CONDITION_MAX} characters", start=start)
    raise cursor.fault("the bracket is not closed", start=start)


def as_node_path(path: Path) -> Path:
    """A bare name of a map from a document (`code`) as the child it means."""
    return Path(text=path.text, place=path.place, nodes=(NodeStep(name=path.text),))


def with_variable(path: Path) -> Path:
    """`problem/value` where `problem` is a name in scope: what stands below it."""
    return Path(text=path.text, place=path.place, variable=path.nodes[0].name, nodes=path.nodes[1:])


def may_be_variable(path: Path) -> bool:
    """True when the first step could be the name of something in scope."""
    if not path.nodes or path.from_root:
        return False
    first = path.nodes[0]
    return (
        first.axis == "child" and not first.conditions and _VARIABLE.match(first.name) is not None
    )


def xpath_of(steps: tuple[NodeStep, ...]) -> str:
    """The steps as XPath 1.0 with prefixes."""
    return "/".join(_xpath_step(step) for step in steps)


def _xpath_step(step: NodeStep) -> str:
    conditions = "".join(f"[{xpath_condition(one)}]" for one in step.conditions)
    if step.name in (".", ".."):
        return f"{'self' if step.name == '.' else 'parent'}::node(){conditions}"
    if step.axis == "attribute":
        return f"@{step.name}"
    return f"{step.axis}::{_prefixed(step.name)}{conditions}"


def _prefixed(name: str) -> str:
    return name if name == "*" or ":" in name else f"v3:{name}"


def xpath_condition(text: str) -> str:
    """A condition with CDA's prefix before every name of an element."""

    def put(match: "re.Match[str]") -> str:
        quoted, axis, name, call = match.groups()
        if quoted or axis:
            return match.group()
        if call or name.startswith("@") or name in _WORDS:
            return match.group()
        return _prefixed(name)

    return _TOKEN.sub(put, text)
