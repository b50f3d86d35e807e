"""Pure. What must hold between channels, and between a channel's transform and its destinations.

Channels share a listener when their listener blocks are equal and their routes tell every message
apart: two routes are disjoint when some MSH field has values in both and none in common. One
channel without a route takes the rest.
"""

import dataclasses
from dataclasses import dataclass
from itertools import combinations
from posixpath import normpath

from engine.channel import codes
from engine.channel.model import (
    ChannelConfig,
    DirectoryListenerConfig,
    FhirDestinationConfig,
    FileDestinationConfig,
    HttpListenerConfig,
    ListenerConfig,
    MillenniumDestinationConfig,
    MllpListenerConfig,
    RouteConfig,
)
from engine.channel.paths import first_component
from engine.channel.reading import Reading
from engine.diagnostics import Diagnostic, Place
from engine.yamltext import Scalar

_ALL_ADDRESSES = frozenset({"0.0.0.0", "::"})  # noqa: S104  compared with, not bound to


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadChannel:
    """One file as read: its channel as far as it could be made, and the places of its options."""

    config: ChannelConfig | None
    reading: Reading
    name: Scalar | None


def check_across(reads: list[ReadChannel]) -> list[Diagnostic]:
    """All problems between these channels, in no order.

    Args:
        reads: every channel file. Options with an error are not judged again.
    """
    found = _duplicate_names(reads)
    for read in reads:
        found.extend(_check_outputs(read))
    running = [read for read in reads if read.config is not None and read.config.enabled]
    for first, second in combinations(running, 2):
        found.extend(_check_pair(first, second))
    found.extend(_check_folders(running))
    return found


def routes_elsewhere(read: ReadChannel, reads: list[ReadChannel]) -> list[RouteConfig]:
    """Routes of other running channels on the listener of this one."""
    own = read.config
    return [
        other.config.route
        for other in reads
        if own is not None
        and other is not read
        and other.config is not None
        and other.config.enabled
        and other.config.route.fields
        and _same_door(own.listener, other.config.listener)
    ]


def _duplicate_names(reads: list[ReadChannel]) -> list[Diagnostic]:
    found = []
    seen: dict[str, Place] = {}
    for read in reads:
        if read.name is None or not read.name.text:
            continue
        text = read.name.text
        if text in seen:
            other = seen[text].file
            found.append(codes.DUPLICATE_CHANNEL(read.name.place, name=text, other=other))
        else:
            seen[text] = read.name.place
    return found


def _check_outputs(read: ReadChannel) -> list[Diagnostic]:
    """A destination that cannot take what the map makes."""
    if read.config is None or read.config.transform.map != "none":
        return []
    if not (read.reading.trusts("transform") and read.reading.trusts("destinations")):
        return []
    found = []
    for index, destination in enumerate(read.config.destinations):
        takes_bundle = isinstance(
            destination, FhirDestinationConfig | MillenniumDestinationConfig
        ) or (isinstance(destination, FileDestinationConfig) and destination.content != "message")
        if not takes_bundle:
            continue
        hint = "it needs a map: write `transform: {map: auto}`"
        if isinstance(destination, FileDestinationConfig):
            hint += ", or `content: message`"
        found.append(
            codes.CANNOT_TAKE(
                read.reading.place(f"destinations[{index}]"),
                destination=destination.name,
                made="a message that no map has turned into FHIR (`map: none`)",
                hint=hint,
            )
        )
    return found


def _check_pair(first: ReadChannel, second: ReadChannel) -> list[Diagnostic]:
    """Two running channels on the same port or folder; problems are placed in the second."""
    one, other = first.config, second.config
    if one is None or other is None or not _same_door(one.listener, other.listener):
        return []
    place = _listener_place(second)
    if type(one.listener) is not type(other.listener) or _address(one) != _address(other):
        port = getattr(other.listener, "port", 0)
        return [codes.PORT_CLASH(place, port=port, other=one.name, file=one.file)]
    difference = _difference(one.listener, other.listener)
    if difference and first.reading.trusts("listener") and second.reading.trusts("listener"):
        where = second.reading.place(f"{_listener_path(other)}.{difference}")
        return [codes.LISTENERS_DIFFER(where, other=one.name, file=one.file, option=difference)]
    if isinstance(one.listener, HttpListenerConfig) and _differs(one, other, "path"):
        return []
    if not (first.reading.trusts("route") and second.reading.trusts("route")):
        return []
    return _check_routes(first, second)


def _same_door(one: ListenerConfig, other: ListenerConfig) -> bool:
    """True when both would open the same port, or poll the same folder."""
    if isinstance(one, DirectoryListenerConfig) or isinstance(other, DirectoryListenerConfig):
        return (
            isinstance(one, DirectoryListenerConfig)
            and isinstance(other, DirectoryListenerConfig)
            and normpath(one.path) == normpath(other.path)
        )
    if one.port != other.port:
        return False
    return one.address == other.address or bool({one.address, other.address} & _ALL_ADDRESSES)


def _differs(one: ChannelConfig, other: ChannelConfig, attribute: str) -> bool:
    return bool(getattr(one.listener, attribute) != getattr(other.listener, attribute))


def _address(channel: ChannelConfig) -> str:
    listener = channel.listener
    return "" if isinstance(listener, DirectoryListenerConfig) else listener.address


def _difference(one: ListenerConfig, other: ListenerConfig) -> str | None:
    """The first option in which two listener blocks of one kind differ; the HTTP path may."""
    for attribute in dataclasses.fields(one):
        if attribute.name == "path":
            continue
        if getattr(one, attribute.name) != getattr(other, attribute.name):
            return attribute.name
    return None


def _check_routes(first: ReadChannel, second: ReadChannel) -> list[Diagnostic]:
    one, other = first.config, second.config
    if one is None or other is None:
        return []
    if not one.route.fields and other.route.fields:
        return []
    if one.route.fields and not other.route.fields:
        return []
    if _disjoint(one.route, other.route):
        return []
    place = second.reading.place("route")
    if "route" not in second.reading.places:
        place = _listener_place(second)
    if _contains(one.route, other.route):
        return [codes.UNREACHABLE(place, other=one.name, file=one.file)]
    if _contains(other.route, one.route):
        where = first.reading.place("route")
        return [codes.UNREACHABLE(where, other=other.name, file=other.file)]
    return [codes.ROUTES_OVERLAP(place, other=one.name, file=one.file)]


def _disjoint(one: RouteConfig, other: RouteConfig) -> bool:
    """True when no message matches both."""
    values = _by_component(other)
    return any(
        path in values and not texts & values[path] for path, texts in _by_component(one).items()
    )


def _contains(wide: RouteConfig, narrow: RouteConfig) -> bool:
    """True when every message of `narrow` also matches `wide`."""
    values = _by_component(narrow)
    return all(
        path in values and values[path] <= texts for path, texts in _by_component(wide).items()
    )


def _by_component(route: RouteConfig) -> dict[str, set[str]]:
    """The values by component: a field alone means its first one."""
    found: dict[str, set[str]] = {}
    for path, texts in route.fields:
        found.setdefault(first_component(path), set()).update(texts)
    return found


def _listener_path(channel: ChannelConfig) -> str:
    kinds: dict[type, str] = {MllpListenerConfig: "mllp", HttpListenerConfig: "http"}
    return f"listener.{kinds.get(type(channel.listener), 'directory')}"


def _listener_place(read: ReadChannel) -> Place:
    assert read.config is not None  # noqa: S101  only channels that were made are compared
    path = _listener_path(read.config)
    option = "path" if path.endswith("directory") else "port"
    return read.reading.place(f"{path}.{option}")


def _check_folders(reads: list[ReadChannel]) -> list[Diagnostic]:
    """A file destination that writes where a folder listener polls would feed the engine itself."""
    polled = {
        normpath(read.config.listener.path): read.config.name
        for read in reads
        if read.config and isinstance(read.config.listener, DirectoryListenerConfig)
    }
    found = []
    for read in reads:
        if read.config is None or not read.reading.trusts("destinations"):
            continue
        for index, destination in enumerate(read.config.destinations):
            if not isinstance(destination, FileDestinationConfig):
                continue
            other = polled.get(normpath(destination.path))
            if other is not None:
                where = read.reading.place(f"destinations[{index}].file.path")
                name = destination.name
                found.append(codes.SHARED_FOLDER(where, destination=name, other=other))
    return found
