"""Pure. A Millennium destination is refused messages that no API takes, unless somebody takes them.

For each gap of the capability table: which of its messages may come to the destination, by the
channel's route and filter and the destination's `when`. They are in order when another destination
of the channel takes them for certain (an `mllp` one, or a folder of messages where a work queue
will do), or when `accept_gaps` says that what is lost is accepted.
"""

from collections.abc import Iterator, Sequence

from engine.channel.message_kinds import Kind, condition_holds, route_holds
from engine.channel.model import (
    ChannelConfig,
    DestinationConfig,
    FileDestinationConfig,
    MillenniumDestinationConfig,
    MllpDestinationConfig,
    RouteConfig,
)
from engine.channel.reading import Reading
from engine.diagnostics import Diagnostic, did_you_mean
from engine.millennium import codes
from engine.millennium.capabilities import MLLP, PATCH, WORK_QUEUE, Capabilities, Gap


def check_gaps(
    config: ChannelConfig,
    reading: Reading,
    capabilities: Capabilities,
    elsewhere: Sequence[RouteConfig] = (),
) -> Iterator[Diagnostic]:
    """The gaps that messages of this channel would fall into.

    Args:
        config: the channel.
        reading: for the places of its options.
        capabilities: the table.
        elsewhere: routes of other channels on the same listener, where this one takes the rest.
    """
    for index, one in enumerate(config.destinations):
        if not isinstance(one, MillenniumDestinationConfig):
            continue
        path = f"destinations[{index}].millennium"
        yield from _check_accepted(one, path, reading, capabilities)
        others = [other for other in config.destinations if other is not one]
        for gap in capabilities.gaps:
            lost = [
                kind
                for kind in gap.messages
                if _comes(config, one, kind, elsewhere)
                and not _is_accepted(one, kind)
                and not any(_takes(other, gap, kind) for other in others)
            ]
            if lost:
                yield _refusal(one, gap, lost, path, reading)


def _comes(
    config: ChannelConfig,
    destination: MillenniumDestinationConfig,
    kind: Kind,
    elsewhere: Sequence[RouteConfig],
) -> bool:
    """True when such a message may come to the destination."""
    if route_holds(config.route, kind) is False:
        return False
    if not config.route.fields and any(route_holds(one, kind) for one in elsewhere):
        return False
    conditions = (config.filter, destination.when)
    return all(condition_holds(text, kind) is not False for text in conditions)


def _takes(other: DestinationConfig, gap: Gap, kind: Kind) -> bool:
    """True when another destination takes such a message for certain."""
    fits = (isinstance(other, MllpDestinationConfig) and MLLP in gap.instead) or (
        isinstance(other, FileDestinationConfig)
        and other.content == "message"
        and WORK_QUEUE in gap.instead
    )
    return fits and condition_holds(other.when, kind) is True


def _is_accepted(destination: MillenniumDestinationConfig, kind: Kind) -> bool:
    return bool({*kind, "^".join(kind)} & set(destination.accept_gaps))


def _refusal(
    destination: MillenniumDestinationConfig,
    gap: Gap,
    lost: list[Kind],
    path: str,
    reading: Reading,
) -> Diagnostic:
    messages = ", ".join("^".join(kind) for kind in lost)
    events = ", ".join(f'"{event}"' for _, event in lost)
    hints: list[str] = []
    if MLLP in gap.instead:
        hints.append(
            f"add an `mllp` destination into Open Engine with `when: MSH-9.2 in ({events})`"
        )
    if WORK_QUEUE in gap.instead:
        hints.append("write them to a folder for a person (`file`, `content: message`)")
    words = ", ".join(event for _, event in lost)
    sent = f"`accept_gaps: [{words}]` (sent is: {gap.sent})"
    hints.append(
        f"let the patch do what it can by {sent}" if PATCH in gap.instead else f"or {sent}"
    )
    return codes.GAP(
        reading.place(f"{path}.name"),
        messages=messages,
        destination=destination.name,
        cannot=gap.cannot,
        hint="; ".join(hints),
    )


def _check_accepted(
    destination: MillenniumDestinationConfig,
    path: str,
    reading: Reading,
    capabilities: Capabilities,
) -> Iterator[Diagnostic]:
    known = {
        word
        for gap in capabilities.gaps
        for kind in gap.messages
        for word in (*kind, "^".join(kind))
    }
    for index, word in enumerate(destination.accept_gaps):
        if word not in known:
            place = reading.place(f"{path}.accept_gaps[{index}]")
            yield codes.NO_SUCH_GAP(place, word=word, hint=did_you_mean(word, known))
