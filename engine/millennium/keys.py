"""Pure. The keys of one YAML mapping as texts, words and pairs; every problem with its place."""

from collections.abc import Iterable, Iterator

from engine.diagnostics import Diagnostic, Place, did_you_mean
from engine.millennium import codes
from engine.yamltext import Mapping, Node, Scalar, Sequence


class Keys:
    """A mapping that is being read.

    Args:
        node: the mapping.
        owner: in words, for messages: `the call`.
        problems: collects what is wrong.
    """

    def __init__(self, node: Mapping, owner: str, problems: list[Diagnostic]) -> None:
        self.node = node
        self.owner = owner
        self.problems = problems

    def known(self, names: Iterable[str]) -> None:
        """Report every key that is none of these."""
        listed = list(names)
        for key, _ in self.node:
            if key.text not in listed:
                hint = did_you_mean(key.text, listed) or f"the keys are {', '.join(listed)}"
                self.problems.append(
                    codes.UNKNOWN_KEY(key.place, owner=self.owner, key=key.text, hint=hint)
                )

    def place(self, key: str) -> Place:
        """Where the value of a key stands, else the mapping."""
        found = self.node.get(key)
        return found.place if found is not None else self.node.place

    def text(self, key: str, *, required: bool = False) -> str:
        """A text; empty when there is none."""
        node = self.node.get(key)
        if isinstance(node, Scalar) and (node.text or node.quoted):
            return node.text
        if node is not None and not (isinstance(node, Scalar) and not required):
            self.wrong(node, f"`{key}`", "a text")
        elif node is None and required:
            self.problems.append(codes.MISSING_KEY(self.node.place, owner=self.owner, key=key))
        return ""

    def word(self, key: str, known: Iterable[str], *, default: str = "") -> str:
        """One of the known words; without a default it must be there."""
        text = self.text(key, required=not default)
        if not text:
            return default
        return self.one_of(self.node.get(key), key, text, known) or default

    def one_of(self, node: Node | None, key: str, text: str, known: Iterable[str]) -> str:
        """The text when it is a known word, else nothing, and it is reported."""
        listed = list(known)
        if text in listed:
            return text
        hint = did_you_mean(text, listed) or f"the words are {', '.join(listed)}"
        place = node.place if node is not None else self.node.place
        self.problems.append(codes.NOT_A_WORD(place, key=key, value=text, hint=hint))
        return ""

    def number(self, key: str, default: int) -> int:
        """A whole number."""
        node = self.node.get(key)
        if node is None:
            return default
        found = self.whole(node, f"`{key}`")
        return default if found is None else found

    def whole(self, node: Node, what: str) -> int | None:
        """A scalar as a whole number; None when it is none, which is reported."""
        if isinstance(node, Scalar) and node.text.isascii() and node.text.isdigit():
            return int(node.text[:9])
        self.wrong(node, what, "a whole number")
        return None

    def flag(self, key: str) -> bool:
        """true or false; false when it is not written."""
        return self.word(key, ("true", "false"), default="false") == "true"

    def scalars(self, key: str) -> tuple[Scalar, ...]:
        """The items of a list of texts; one text is a list of one."""
        node = self.node.get(key)
        if node is None:
            return ()
        return tuple(self.items(node, f"`{key}`"))

    def items(self, node: Node, what: str) -> Iterator[Scalar]:
        """The texts of a list, or the one text there is."""
        for item in node.items if isinstance(node, Sequence) else (node,):
            if isinstance(item, Scalar) and item.text:
                yield item
            else:
                self.wrong(item, what, "a list of texts")

    def words(self, key: str) -> tuple[str, ...]:
        """The texts of `scalars`."""
        return tuple(item.text for item in self.scalars(key))

    def pairs(self, key: str) -> tuple[tuple[Scalar, Node], ...]:
        """Names and what stands behind them."""
        node = self.node.get(key)
        if node is None:
            return ()
        if not isinstance(node, Mapping):
            self.wrong(node, f"`{key}`", "names with values behind them")
            return ()
        return node.entries

    def texts(self, key: str) -> tuple[tuple[str, str], ...]:
        """Names and texts."""
        found: list[tuple[str, str]] = []
        for name, node in self.pairs(key):
            if isinstance(node, Scalar):
                found.append((name.text, node.text))
            else:
                self.wrong(node, f"`{name.text}`", "a text")
        return tuple(found)

    def inside(self, key: str, known: Iterable[str]) -> "Keys":
        """The keys of a mapping within; empty ones when it is not written."""
        node = self.node.get(key)
        if node is not None and not isinstance(node, Mapping):
            self.wrong(node, f"`{key}`", "a group of keys")
            node = None
        found = Keys(node or Mapping((), self.node.place), f"`{key}`", self.problems)
        found.known(known)
        return found

    def wrong(self, node: Node, what: str, shape: str) -> None:
        """Report a value of the wrong shape."""
        self.problems.append(codes.WRONG_SHAPE(node.place, what=what, shape=shape))
