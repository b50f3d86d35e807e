"""Pure. What Millennium cannot be told over HTTP, as data: the honest capability table.

`transforms/millennium/capabilities.yaml` lists gaps by message type and event, each with what
cannot be said, what is sent all the same, and by which layer the rest goes: an `mllp` destination
into the site's Open Engine, a `patch` for the part that has one, or a `work-queue` for a person.
Reference 3.4.
"""

from dataclasses import dataclass, field

from engine.diagnostics import Diagnostic, Place
from engine.millennium.keys import Keys
from engine.yamltext import Mapping, Scalar, Sequence

KEYS = ("capabilities", "source", "gaps")
GAP_KEYS = ("name", "messages", "cannot", "sent", "instead", "grade")
MLLP, PATCH, WORK_QUEUE = "mllp", "patch", "work-queue"
GRADES = ("documented", "captured", "field report", "inferred")
"""How well something is known: said by the vendor, seen by a third party, told, or concluded."""
LAYERS = (MLLP, PATCH, WORK_QUEUE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """One thing that has no API."""

    name: str
    place: Place = field(default_factory=Place, compare=False)
    messages: tuple[tuple[str, str], ...]
    """(message type, event), such as (ADT, A02)."""
    cannot: str
    """In words, after `Millennium cannot`."""
    sent: str
    """What is said all the same."""
    instead: tuple[str, ...]
    """Layers for the rest, best first."""
    grade: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """The gaps of one API."""

    api: str = ""
    source: str = ""
    gaps: tuple[Gap, ...] = ()


def read_capabilities(root: Mapping, problems: list[Diagnostic]) -> Capabilities:
    """The table of a file whose first key is `capabilities`; problems are added to `problems`."""
    keys = Keys(root, "the capabilities", problems)
    keys.known(KEYS)
    listed = root.get("gaps")
    if listed is not None and not isinstance(listed, Sequence):
        keys.wrong(listed, "`gaps`", "a list")
        listed = None
    gaps: list[Gap] = []
    for item in listed or ():
        if isinstance(item, Mapping):
            gaps.append(_read_gap(item, problems))
        else:
            keys.wrong(item, "a gap", "a group of keys")
    return Capabilities(
        api=keys.text("capabilities", required=True),
        source=keys.text("source", required=True),
        gaps=tuple(gaps),
    )


def _read_gap(node: Mapping, problems: list[Diagnostic]) -> Gap:
    keys = Keys(node, "the gap", problems)
    keys.known(GAP_KEYS)
    messages = [
        (kind.text, event.text)
        for kind, events in keys.pairs("messages")
        for event in keys.items(events, f"`{kind.text}`")
    ]
    layers = keys.scalars("instead")
    return Gap(
        name=keys.text("name", required=True),
        place=node.place,
        messages=tuple(messages),
        cannot=keys.text("cannot", required=True),
        sent=keys.text("sent", required=True),
        instead=tuple(_layers(keys, layers)),
        grade=keys.word("grade", GRADES),
    )


def _layers(keys: Keys, layers: tuple[Scalar, ...]) -> list[str]:
    found = (keys.one_of(layer, "instead", layer.text, LAYERS) for layer in layers)
    return [layer for layer in found if layer]
