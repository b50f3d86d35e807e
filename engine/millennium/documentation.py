"""Pure. The tables of docs/millennium.md, made from the calls, rules and gaps that ship."""

from collections.abc import Iterator

from engine.millennium.calls.model import CallPreset, Interaction, Presets

BEGIN = "<!-- generated from transforms/millennium: do not edit by hand -->"
END = "<!-- end of the generated part -->"


def replace_generated(page: str, presets: Presets) -> str:
    """`page` with what stands between the two markers made anew.

    Raises:
        ValueError: a marker is missing.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page lacks the markers of its generated part")
    return f"{before}{BEGIN}\n\n{tables(presets)}\n{END}{after}"


def tables(presets: Presets) -> str:
    """Markdown: what a channel names, the plain calls, code fields, and gaps."""
    calls = sorted(presets.calls.values(), key=lambda call: call.name)
    registers = [call for call in calls if call.interaction is Interaction.REGISTER]
    plain = [call for call in calls if call.interaction is not Interaction.REGISTER]
    parts = (_registers(registers), _plain(plain), _codes(presets), _gaps(presets))
    return "\n".join(line for part in parts for line in part)


def _registers(calls: list[CallPreset]) -> Iterator[str]:
    yield "### Calls that a channel names"
    yield ""
    yield from _table("call", "writes", "made of", "what it does")
    for call in calls:
        made = ", ".join(f"`{part.name}`" for part in call.plain)
        yield _row(f"`{call.name}`", call.resource, made, call.description)
    yield ""


def _plain(calls: list[CallPreset]) -> Iterator[str]:
    yield "### Plain calls"
    yield ""
    yield from _table("call", "request", "scopes (SMART v1)", "grade", "what it does")
    for call in calls:
        request = f"`{call.method} {call.path}`"
        scopes = ", ".join(f"`{scope}`" for scope in call.scopes)
        yield _row(f"`{call.name}`", request, scopes, call.grade, call.description)
    yield ""


def _codes(presets: Presets) -> Iterator[str]:
    yield "### Fields with code values"
    yield ""
    yield from _table("field", "code set", "standard systems taken in its place", "unmapped")
    for kind, rules in sorted(presets.rules.items()):
        for one in rules.codes:
            code_set = str(one.code_set) if one.code_set else "none"
            yield _row(f"`{kind}.{one.path}`", code_set, ", ".join(one.accepts), one.unmapped)
    yield ""


def _gaps(presets: Presets) -> Iterator[str]:
    yield "### What Millennium cannot be told"
    yield ""
    yield from _table("gap", "messages", "Millennium cannot", "what is sent", "instead", "grade")
    for gap in presets.capabilities.gaps:
        messages = ", ".join("^".join(kind) for kind in gap.messages)
        instead = ", ".join(gap.instead)
        yield _row(gap.name, messages, gap.cannot, gap.sent, instead, gap.grade)
    yield ""


def _table(*titles: str) -> Iterator[str]:
    yield _row(*titles)
    yield f"|{'---|' * len(titles)}"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
