"""Pure. Which rules and source fields the tests of a library exercised."""

from dataclasses import dataclass, field

from engine.mapping.compiler.compiler import Program
from engine.mapping.compiler.emit_code import RuleInfo
from engine.mapping.trace import Trace


@dataclass(slots=True)
class Coverage:
    """Traces of many conversions by one program, added up."""

    program: Program
    yielded: set[int] = field(default_factory=set)
    run: set[int] = field(default_factory=set)
    fields: set[tuple[str, int]] = field(default_factory=set)
    """(segment, field) read."""

    def add(self, trace: Trace) -> None:
        """Count what a conversion did."""
        self.yielded |= trace.rules_yielded
        self.run |= trace.rules_run
        if trace.message is not None:
            names = {segment.index: segment.name for segment in trace.message.segments}
            self.fields |= {
                (names[position[0]], position[1])
                for position in trace.reads
                if len(position) > 1 and position[0] in names
            }

    def rules(self) -> tuple[RuleInfo, ...]:
        """The rules that can be exercised: those with a target."""
        return tuple(rule for rule in self.program.traced().whole().rules if rule.target)

    def unexercised(self) -> tuple[RuleInfo, ...]:
        """The rules no test made write anything, in the order of the files."""
        return tuple(rule for rule in self.rules() if rule.number not in self.yielded)

    def share(self) -> float:
        """Share of rules that yielded, from 0 to 1."""
        rules = self.rules()
        if not rules:
            return 1.0
        return sum(rule.number in self.yielded for rule in rules) / len(rules)
