"""Pure. A cursor over one line of the mapping language, with places for what goes wrong.

The grammar is small, so the text is matched piece by piece with regular expressions; there is no
list of tokens, because `-` and `.` mean different things inside a path and outside it.
"""

import re
from dataclasses import dataclass

from engine.diagnostics import Diagnostic, Place
from engine.mapping.codes import EXPRESSION
from engine.yamltext import Scalar

_SPACE = re.compile(r"\s*")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

TEXT_MAX = 20_000
"""Characters of one rule; a rule is a line, and the parser recurses on brackets."""
DEPTH_MAX = 12
"""Brackets in brackets; generated Python nests with them, and its compiler stops at 100 levels."""


class SyntaxFault(Exception):  # noqa: N818  a fault of the text, not of the program
    """The text cannot be read from `offset` on; turned into a diagnostic by `Cursor.attempt`."""

    def __init__(self, offset: int, problem: str, hint: str | None = None, width: int = 1) -> None:
        super().__init__(problem)
        self.offset = offset
        self.problem = problem
        self.hint = hint
        self.width = width


@dataclass(slots=True)
class Cursor:
    """Where reading stands in `text`; `scalar` is the YAML scalar the text is in."""

    text: str
    scalar: Scalar
    at: int = 0
    base: int = 0
    """Offset of `text` inside the scalar."""
    depth: int = 0

    def skip(self) -> None:
        """Go past white space."""
        text, at = self.text, self.at
        if at < len(text) and text[at].isspace():
            match = _SPACE.match(text, at)
            self.at = match.end() if match else at

    def place(self, start: int | None = None) -> Place:
        """The place from `start` (default: here) to here."""
        begin = self.at if start is None else start
        width = max(1, len(self.text[begin : self.at].rstrip()))
        return self.scalar.at(self.base + begin, width)

    def ended(self) -> bool:
        """True when only white space is left."""
        self.skip()
        return self.at >= len(self.text)

    def take(self, pattern: "re.Pattern[str]") -> "re.Match[str] | None":
        """Match after white space, and go past it."""
        self.skip()
        match = pattern.match(self.text, self.at)
        if match:
            self.at = match.end()
        return match

    def symbol(self, symbol: str) -> bool:
        """Go past `symbol` when it is next."""
        self.skip()
        if self.text.startswith(symbol, self.at):
            self.at += len(symbol)
            return True
        return False

    def expect(self, symbol: str, after: str) -> None:
        """Go past `symbol`; a fault when it is not next."""
        if not self.symbol(symbol):
            raise self.fault(f'expected "{symbol}" after {after}')

    def peek_word(self) -> str:
        """The next word, or an empty text."""
        self.skip()
        match = _WORD.match(self.text, self.at)
        return match.group() if match else ""

    def word(self, *words: str) -> bool:
        """Go past the next word when it is one of `words`, in either case."""
        found = self.peek_word()
        if found and (found in words or (found.isupper() and found.lower() in words)):
            self.at += len(found)
            return True
        return False

    def name(self, what: str) -> str:
        """Go past a name; a fault when there is none."""
        found = self.peek_word()
        if not found:
            raise self.fault(f"expected {what}")
        self.at += len(found)
        return found

    def fault(self, problem: str, hint: str | None = None, start: int | None = None) -> SyntaxFault:
        """A fault here, or from `start` to here."""
        begin = self.at if start is None else start
        return SyntaxFault(begin, problem, hint, max(1, self.at - begin))

    def left_over(self) -> SyntaxFault:
        """The fault of text that is left after a complete expression."""
        self.skip()
        rest = self.text[self.at :]
        shown = rest if len(rest) <= 30 else rest[:27] + "..."
        return SyntaxFault(self.at, f'"{shown}" is not understood here', None, len(rest))

    def diagnostic(self, fault: SyntaxFault) -> Diagnostic:
        """The fault as a diagnostic."""
        place = self.scalar.at(self.base + fault.offset, fault.width)
        return EXPRESSION(place, problem=fault.problem, hint=fault.hint)
