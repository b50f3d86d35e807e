"""Pure. Channel files -> checked configuration, or every problem at once with its place.

`read_channel` checks one file; `check_configuration` all of them and what holds between them.
"""

import dataclasses
import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from engine.channel import codes
from engine.channel.channel_fields import CHANNEL
from engine.channel.crosscheck import ReadChannel, check_across, routes_elsewhere
from engine.channel.documents import (
    check_condition_on_documents,
    check_preprocess_on_documents,
    takes_documents_alone,
)
from engine.channel.filter import compile_filter
from engine.channel.millennium import KnownCalls, resolve_destinations
from engine.channel.model import ChannelConfig, Configuration
from engine.channel.paths import check_lane_path, check_route, check_search_path
from engine.channel.preprocess import check_rule
from engine.channel.reading import Reading, read_component
from engine.diagnostics import Diagnostic, Place, did_you_mean, has_errors, sort_key
from engine.yamltext import Mapping as MappingNode
from engine.yamltext import Node, Scalar, Sequence, parse_yaml

KnownMaps = Collection[str] | Callable[[tuple[str, ...]], Collection[str]]
"""Names of the message maps, or what gives them for a channel's overlays, which may add some."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What channels may refer to. None: not known here, so not checked."""

    maps: KnownMaps | None = None
    """Names of the message maps."""
    overlays: Collection[str] | None = None
    """Overlay folders, such as `overlays/north`."""
    calls: KnownCalls | None = None
    """Calls and tenants of Millennium destinations."""


def read_channel(
    text: str, file: str, environment: Mapping[str, str]
) -> tuple[ChannelConfig | None, list[Diagnostic]]:
    """Read and check one channel file.

    Args:
        text: the whole file.
        file: its name, for places.
        environment: variable name to value, for `${env:NAME}`.

    Returns:
        The channel (None when there is an error) and all problems, in file order.
    """
    read = _read(text, file, environment)
    problems = sorted(read.reading.problems, key=sort_key)
    return (None if has_errors(problems) else read.config), problems


def check_configuration(
    files: Mapping[str, str],
    environment: Mapping[str, str],
    known_maps: KnownMaps | None = None,
    known_overlays: Collection[str] | None = None,
    known_calls: KnownCalls | None = None,
) -> tuple[Configuration | None, list[Diagnostic]]:
    """Check all channel files together.

    Args:
        files: file name to text of every channel file.
        environment: variable name to value.
        known_maps: names of the message maps there are, or a function that gives them for the
            overlays of a channel (called once for each channel); None: not checked.
        known_overlays: overlay folders there are; None: not checked.
        known_calls: calls and tenants that Millennium destinations may name; None: neither checked
            nor put in place.

    Returns:
        The configuration (None when any file has an error) and all problems, by file and line. Its
        revision covers the channel files; whoever loads maps too adds them with `revision_of`.
    """
    reads = [_read(text, file, environment) for file, text in sorted(files.items())]
    problems = [problem for read in reads for problem in read.reading.problems]
    problems.extend(check_across(reads))
    known = Known(maps=known_maps, overlays=known_overlays, calls=known_calls)
    configs: list[ChannelConfig] = []
    for read in reads:
        found = _check_references(read, known)
        if read.config is not None:
            config, more = read.config, list[Diagnostic]()
            if known.calls is not None and not found:
                elsewhere = routes_elsewhere(read, reads)
                config, more = resolve_destinations(config, read.reading, known.calls, elsewhere)
            configs.append(config)
            found += more
        problems.extend(found)
    if not reads:
        problems.append(codes.NO_CHANNEL())
    problems.sort(key=sort_key)
    if has_errors(problems):
        return None, problems
    return Configuration(channels=tuple(configs), revision=revision_of(files)), problems


def revision_of(files: Mapping[str, str]) -> str:
    """The revision of a set of files: SHA-256 over names and texts, 12 hex digits."""
    digest = hashlib.sha256()
    for name, text in sorted(files.items()):
        for part in (name, text):
            encoded = part.encode()
            digest.update(len(encoded).to_bytes(8, "big"))
            digest.update(encoded)
    return digest.hexdigest()[:12]


def _read(text: str, file: str, environment: Mapping[str, str]) -> ReadChannel:
    root, problems = parse_yaml(text, file)
    reading = Reading(environment=environment, problems=problems)
    reading.places[""] = Place(file=file, line=1, column=1)
    if root is None:
        if not problems:
            reading.report(
                "",
                codes.MISSING_OPTION(
                    Place(file=file, line=1, column=1), owner="the channel", option="channel"
                ),
            )
        return ReadChannel(config=None, reading=reading, name=None)
    config = read_component(root, CHANNEL, "", reading)
    if isinstance(root, MappingNode):
        _check_texts(root, reading)
        _check_destination_names(root, reading)
    name = root.get("channel") if isinstance(root, MappingNode) else None
    if isinstance(config, ChannelConfig):
        config = _with_lines(dataclasses.replace(config, file=file), reading)
    return ReadChannel(
        config=config, reading=reading, name=name if isinstance(name, Scalar) else None
    )


def _with_lines(config: ChannelConfig, reading: Reading) -> ChannelConfig:
    """Give each test the line it begins on."""
    if not config.tests or not reading.trusts("tests"):
        return config
    tests = tuple(
        dataclasses.replace(test, line=reading.place(f"tests[{index}]").line or 0)
        for index, test in enumerate(config.tests)
    )
    return dataclasses.replace(config, tests=tests)


def _check_texts(root: MappingNode, reading: Reading) -> None:
    """Route, lane, search keys and filter: texts with a grammar of their own."""
    route = root.get("route")
    if isinstance(route, MappingNode):
        for key, value in route:
            for problem in check_route(key, _scalars(value)):
                reading.report(f"route.{key.text}", problem)
    for scalar in _scalars(root.get("lane")):
        for problem in check_lane_path(scalar):
            reading.report("lane", problem)
    searches = root.get("search_keys")
    if isinstance(searches, MappingNode):
        for key, value in searches:
            for scalar in _scalars(value):
                for problem in check_search_path(scalar):
                    reading.report(f"search_keys.{key.text}", problem)
    of_documents = isinstance(route, MappingNode) and takes_documents_alone(
        (key, _scalars(value)) for key, value in route
    )
    _check_condition(root.get("filter"), "filter", reading, of_documents=of_documents)
    _check_preprocess(root.get("transform"), "transform", reading, of_documents=of_documents)
    _check_conditions(root.get("destinations"), reading)
    senders = root.get("senders")
    for index, sender in enumerate(senders if isinstance(senders, Sequence) else ()):
        path = f"senders[{index}]"
        _check_preprocess(sender, path, reading, of_documents=of_documents)
        condition = sender.get("when") if isinstance(sender, MappingNode) else None
        _check_condition(condition, f"{path}.when", reading, of_documents=of_documents)


def _check_condition(
    condition: Node | None, path: str, reading: Reading, *, of_documents: bool
) -> None:
    if not isinstance(condition, Scalar) or not condition.text.strip():
        return
    problems = list(compile_filter(condition).problems)
    if of_documents and not problems:
        problems = list(check_condition_on_documents(condition))
    for problem in problems:
        reading.report(path, problem)


def _check_conditions(destinations: Node | None, reading: Reading) -> None:
    """`when` of every destination."""
    for index, item in enumerate(destinations if isinstance(destinations, Sequence) else ()):
        for kind, options in item if isinstance(item, MappingNode) else ():
            condition = options.get("when") if isinstance(options, MappingNode) else None
            if isinstance(condition, Scalar) and condition.text.strip():
                for problem in compile_filter(condition).problems:
                    reading.report(f"destinations[{index}].{kind.text}.when", problem)


def _check_preprocess(
    owner: Node | None, path: str, reading: Reading, *, of_documents: bool
) -> None:
    rules = _scalars(owner.get("preprocess")) if isinstance(owner, MappingNode) else ()
    problems = [problem for scalar in rules for problem in check_rule(scalar)]
    if of_documents:
        problems += check_preprocess_on_documents(rules)
    for problem in problems:
        reading.report(f"{path}.preprocess", problem)


def _check_destination_names(root: MappingNode, reading: Reading) -> None:
    names: set[str] = set()
    destinations = root.get("destinations")
    for item in destinations if isinstance(destinations, Sequence) else ():
        for _, options in item if isinstance(item, MappingNode) else ():
            name = options.get("name") if isinstance(options, MappingNode) else None
            if isinstance(name, Scalar) and name.text:
                if name.text in names:
                    problem = codes.DUPLICATE_DESTINATION(name.place, name=name.text)
                    reading.report("destinations", problem)
                names.add(name.text)


def _scalars(node: Node | None) -> tuple[Scalar, ...]:
    if isinstance(node, Scalar):
        return (node,) if node.text else ()
    if isinstance(node, Sequence):
        return tuple(item for item in node if isinstance(item, Scalar) and item.text)
    return ()


def _check_references(read: ReadChannel, known: Known) -> list[Diagnostic]:
    """The map and the overlays a channel names."""
    if read.config is None:
        return []
    found: list[Diagnostic] = []
    name = read.config.transform.map
    maps = known.maps(read.config.transform.overlays) if callable(known.maps) else known.maps
    if maps is not None and name not in ("auto", "none", *maps):
        hint = did_you_mean(name, (*maps, "auto", "none"))
        place = read.reading.place("transform.map")
        found.append(codes.UNKNOWN_MAP(place, name=name, hint=hint))
    if known.overlays is not None:
        folders = {"transform": read.config.transform.overlays}
        for index, sender in enumerate(read.config.senders):
            folders[f"senders[{index}]"] = sender.overlays
        for path, listed in folders.items():
            found.extend(_unknown_overlays(path, listed, read, known.overlays))
    for sender in read.config.senders:
        overlays = sender.on(read.config.transform).overlays
        if callable(known.maps) and not found:
            known.maps(overlays)
    return found


def _unknown_overlays(
    path: str, folders: tuple[str, ...], read: ReadChannel, known: Collection[str]
) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    for index, folder in enumerate(folders):
        if folder.rstrip("/") not in known:
            place = read.reading.place(f"{path}.overlays[{index}]")
            hint = did_you_mean(folder, known)
            found.append(codes.UNKNOWN_OVERLAY(place, name=folder, hint=hint))
    return found
