"""Pure. One file of resource rules to its value, all problems at once.

resource: Observation
source: ...
fields: [status, category, code, referenceRange.low]
required: [status, code]
values: {status: [final, amended]}
change_values: {status: [entered-in-error]}
counts: {category: 1}
one_of: [[serviceProvider, location]]
extensions: [http://...]
systems: {category: [http://...]}
by_name: [manufacturer]
codes:
  code: {code_set: 72, accepts: [http://loinc.org], unmapped: hold}
times: [effectiveDateTime]
unseen: [content]
immutable: [code, subject]
update_values: {status: {final: amended}}
create_only: [serviceProvider]
patch: [replace /period/end, "replace /name/{index}/family tested"]
"""

import re

from engine.diagnostics import Diagnostic, did_you_mean
from engine.fhir.definitions import element, resource_types
from engine.millennium import codes
from engine.millennium.keys import Keys
from engine.millennium.resources.rules import (
    POLICIES,
    TEXT,
    CodeField,
    PatchPair,
    ResourceRules,
    read_fixed,
)
from engine.yamltext import Mapping, Scalar, Sequence

KEYS = (
    "resource", "source", "fields", "required", "values", "change_values",
    "counts", "one_of", "extensions", "systems", "by_name", "codes", "times", "unseen", "immutable",
    "update_values", "create_only", "patch",
)  # fmt: skip
CODE_KEYS = ("code_set", "accepts", "unmapped", "alias_meaning", "text")
_PAIR = re.compile(r"(add|replace|remove|test) (/\S+)( tested)?")


def is_policy(text: str) -> bool:
    """True for `hold` and the like, and for `fixed` with what can be sent."""
    return text in POLICIES or read_fixed(text) is not None


def read_rules(root: Mapping, file: str, problems: list[Diagnostic]) -> ResourceRules:
    """The rules of a file whose first key is `resource`; what is wrong is added to `problems`."""
    keys = Keys(root, "the rules", problems)
    keys.known(KEYS)
    kind = keys.text("resource", required=True)
    if kind and kind not in resource_types():
        hint = did_you_mean(kind, resource_types())
        place = keys.place("resource")
        problems.append(codes.NOT_A_WORD(place, key="resource", value=kind, hint=hint))
        kind = ""
    reader = _Reader(keys, kind)
    return ResourceRules(
        resource=kind,
        file=file,
        place=keys.place("resource"),
        source=keys.text("source", required=True),
        fields=reader.paths("fields"),
        required=reader.paths("required"),
        values=reader.lists("values"),
        change_values=reader.lists("change_values"),
        counts=reader.counts(),
        one_of=reader.groups(),
        extensions=keys.words("extensions"),
        systems=reader.lists("systems"),
        by_name=reader.paths("by_name"),
        codes=reader.codes(),
        times=reader.paths("times"),
        unseen=reader.paths("unseen"),
        immutable=reader.paths("immutable"),
        update_values=reader.update_values(),
        create_only=reader.paths("create_only"),
        patch=reader.patch(),
    )


class _Reader:
    """The keys whose values name elements of the resource."""

    def __init__(self, keys: Keys, kind: str) -> None:
        self.keys = keys
        self.kind = kind

    def path(self, scalar: Scalar) -> str:
        """The path, when the resource has such an element; else it is reported."""
        if self.kind and element(self.kind, scalar.text) is None:
            self.keys.problems.append(
                codes.UNKNOWN_ELEMENT(scalar.place, resource=self.kind, path=scalar.text)
            )
        return scalar.text

    def paths(self, key: str) -> tuple[str, ...]:
        return tuple(self.path(item) for item in self.keys.scalars(key))

    def lists(self, key: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
        return tuple(
            (self.path(name), tuple(item.text for item in self.keys.items(node, f"`{name.text}`")))
            for name, node in self.keys.pairs(key)
        )

    def counts(self) -> tuple[tuple[str, int], ...]:
        found: list[tuple[str, int]] = []
        for name, node in self.keys.pairs("counts"):
            number = self.keys.whole(node, f"`{name.text}`")
            if number is not None:
                found.append((self.path(name), number))
        return tuple(found)

    def groups(self) -> tuple[tuple[str, ...], ...]:
        node = self.keys.node.get("one_of")
        if node is None:
            return ()
        if not isinstance(node, Sequence):
            self.keys.wrong(node, "`one_of`", "a list of lists")
            return ()
        return tuple(
            tuple(self.path(item) for item in self.keys.items(group, "`one_of`")) for group in node
        )

    def codes(self) -> tuple[CodeField, ...]:
        found: list[CodeField] = []
        for name, node in self.keys.pairs("codes"):
            if not isinstance(node, Mapping):
                self.keys.wrong(node, f"`{name.text}`", "a group of keys")
                continue
            inner = Keys(node, f"`{name.text}`", self.keys.problems)
            inner.known(CODE_KEYS)
            policy = inner.text("unmapped") or TEXT
            if not is_policy(policy):
                place = inner.place("unmapped")
                self.keys.problems.append(codes.NOT_A_POLICY(place, policy=policy))
                policy = TEXT
            found.append(
                CodeField(
                    path=self.path(name),
                    code_set=inner.number("code_set", 0),
                    accepts=inner.words("accepts"),
                    unmapped=policy,
                    alias_meaning=inner.text("alias_meaning"),
                    text=inner.word("text", ("true", "false"), default="true") == "true",
                )
            )
        return tuple(found)

    def update_values(self) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
        found: list[tuple[str, tuple[tuple[str, str], ...]]] = []
        for name, node in self.keys.pairs("update_values"):
            if isinstance(node, Mapping):
                said = [(key.text, one.text) for key, one in node if isinstance(one, Scalar)]
                found.append((self.path(name), tuple(said)))
            else:
                self.keys.wrong(node, f"`{name.text}`", "values with the values behind them")
        return tuple(found)

    def patch(self) -> tuple[PatchPair, ...]:
        found: list[PatchPair] = []
        for item in self.keys.scalars("patch"):
            match = _PAIR.fullmatch(item.text)
            if match is None:
                self.keys.wrong(item, "`patch`", "an operation and a path, such as replace /gender")
                continue
            found.append(PatchPair(operation=match[1], path=match[2], tested=match[3] is not None))
        return tuple(found)
