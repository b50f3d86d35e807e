"""Pure. The option tables of docs/channels.md and docs/environments.md, made from the fields."""

from collections.abc import Iterator

from engine.channel.channel_fields import CHANNEL
from engine.channel.fields import ComponentSpec, FieldSpec, Kind, default_text

BEGIN = "<!-- generated from engine/channel/*_fields.py: do not edit by hand -->"
END = "<!-- end of the generated part -->"


def option_tables(root: ComponentSpec = CHANNEL) -> str:
    """Markdown: one section with a table for each group of options, the outermost first."""
    return "\n".join(_section(spec, path) for spec, path in components(root))


def replace_generated(page: str, root: ComponentSpec = CHANNEL) -> str:
    """`page` with what stands between the two markers made anew from the options of `root`.

    Raises:
        ValueError: a marker is missing.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page lacks the markers of its generated part")
    return f"{before}{BEGIN}\n\n{option_tables(root)}\n{END}{after}"


def components(root: ComponentSpec = CHANNEL) -> Iterator[tuple[ComponentSpec, str]]:
    """Every group of options once, with the path it stands at: `listener: mllp: tls:`."""
    seen: set[int] = set()
    waiting = [(root, "")]
    while waiting:
        spec, path = waiting.pop(0)
        if id(spec) in seen:
            continue
        seen.add(id(spec))
        yield spec, path
        for field in spec.fields:
            waiting.extend(_inside(field, f"{path} {field.name}:".strip()))


def _inside(field: FieldSpec, path: str) -> Iterator[tuple[ComponentSpec, str]]:
    if field.component is not None:
        yield field.component, path
    for variant in field.variants:
        yield variant, f"{path} {variant.key}:"
    if field.item is not None:
        yield from _inside(field.item, path)


def _section(spec: ComponentSpec, path: str) -> str:
    title = f"`{path}`" if path else spec.title[0].upper() + spec.title[1:]
    lines = [
        f"### {title}",
        "",
        spec.summary,
        "",
        "| option | value | default | meaning |",
        "|---|---|---|---|",
    ]
    lines.extend(_row(spec, field) for field in spec.fields)
    return "\n".join([*lines, ""])


def _row(spec: ComponentSpec, field: FieldSpec) -> str:
    default = default_text(spec, field)
    shown = f"`{default}`" if default else ("required" if field.required else "")
    meaning = field.description
    if field.example:
        meaning += f" Example: `{field.example}`."
    cells = (f"`{field.name}`", _kind(field), shown, meaning)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _kind(field: FieldSpec) -> str:
    text = field.kind.value
    if field.kind is Kind.CHOICE:
        text = ", ".join(f"`{choice}`" for choice in field.choices)
    elif field.kind is Kind.ONE_OF:
        text = "one of " + ", ".join(f"`{variant.key}`" for variant in field.variants)
    elif field.kind is Kind.LIST and field.item is not None:
        text = _list_kind(field.item)
    elif field.form_name:
        text = field.form_name
    if field.kind in (Kind.INTEGER, Kind.NUMBER) and field.maximum is not None:
        text += f", {_number(field.minimum or 0)} to {_number(field.maximum)}"
    if field.environment or (field.item is not None and field.item.environment):
        text += "; takes `${env:..}`"
    return text


def _number(value: float) -> str:
    return f"{int(value):,}" if value == int(value) else f"{value:g}"


def _list_kind(item: FieldSpec) -> str:
    if item.kind is Kind.CHOICE:
        return "a list of " + ", ".join(f"`{choice}`" for choice in item.choices)
    if item.kind is Kind.ONE_OF:
        return "a list, each one of " + ", ".join(f"`{variant.key}`" for variant in item.variants)
    return "a list" if item.kind is Kind.OBJECT else "one, or a list"
