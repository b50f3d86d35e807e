"""Pure. The keys of a map of a document that say which elements it takes and what it owes them.

`negation`, `required` and `null` are mandatory where a map is found by template: what a negated or
an empty statement means is decided by the map, never by chance.
"""

from engine.diagnostics import Diagnostic
from engine.mapping.codes import WRONG_SHAPE
from engine.mapping.expression import parse_target
from engine.mapping.rules import read_rules
from engine.mapping.syntax import TemplateMatch, Treatment
from engine.yamltext import Mapping, Node, Scalar, Sequence

MATCH_KEYS = (
    "template", "codes", "otherwise", "under", "over", "negation", "required", "null",
)  # fmt: skip
MANDATORY = ("negation", "required", "null")

DATA_ABSENT = "data-absent-reason"
NEGATION_WORDS = ("refused", "read")
_NONE = {"required": "none", "null": "omit"}


def read_match(root: Mapping, problems: list[Diagnostic]) -> TemplateMatch | None:
    """The matching keys of a map file; None when it has none of them.

    Args:
        root: the file.
        problems: what is wrong is added.
    """
    given = [key for key in MATCH_KEYS if root.get(key) is not None]
    if not given:
        return None
    word, negation = "", root.get("negation")
    if isinstance(negation, Scalar):
        word = negation.text
        if word not in NEGATION_WORDS:
            shape = f"{' or '.join(NEGATION_WORDS)}, or elements with what they become"
            problems.append(WRONG_SHAPE(negation.place, what="`negation`", shape=shape))
    otherwise = root.get("otherwise")
    return TemplateMatch(
        templates=_words(root, "template", problems),
        codes=_words(root, "codes", problems),
        otherwise=isinstance(otherwise, Scalar) and otherwise.text in ("yes", "true"),
        under=_words(root, "under", problems),
        over=_words(root, "over", problems),
        negation=() if word else _treatments(negation, "negation", problems),
        negation_word=word,
        required=_treatments(root.get("required"), "required", problems),
        null=_treatments(root.get("null"), "null", problems),
        said=frozenset(given),
    )


def _words(root: Mapping, key: str, problems: list[Diagnostic]) -> tuple[str, ...]:
    node = root.get(key)
    items = node.items if isinstance(node, Sequence) else () if node is None else (node,)
    found: list[str] = []
    for item in items:
        if isinstance(item, Scalar):
            found.append(item.text)
        else:
            hint = "brackets need a list with dashes, one item a line"
            shape = "a list of texts"
            problems.append(WRONG_SHAPE(item.place, what=f"`{key}`", shape=shape, hint=hint))
    return tuple(found)


def _treatments(node: Node | None, key: str, problems: list[Diagnostic]) -> tuple[Treatment, ...]:
    if node is None or (isinstance(node, Scalar) and node.text == _NONE.get(key)):
        return ()
    if not isinstance(node, Mapping):
        word = f"`{_NONE[key]}` or " if key in _NONE else ""
        shape = f"{word}elements with what is written there"
        problems.append(WRONG_SHAPE(node.place, what=f"`{key}`", shape=shape))
        return ()
    found: list[Treatment] = []
    for name, value in node:
        if isinstance(value, Scalar) and value.text == DATA_ABSENT:
            target, faults = parse_target(name.text, name)
            problems.extend(faults)
            if target is not None:
                found.append(Treatment(target=target, rule=None, place=name.place))
            continue
        found.extend(
            Treatment(target=rule.target, rule=rule, place=name.place)
            for rule in read_rules(Mapping(((name, value),), node.place), problems)
        )
    return tuple(found)
