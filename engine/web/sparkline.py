"""Rim. Bars of counts as the outline of an SVG path: one path a kind, however many bars."""

from collections.abc import Sequence

HEIGHT = 24
STEP = 3
BAR = 2
"""Width of a bar, out of `STEP`."""


def bars(counts: Sequence[int], highest: int) -> str:
    """The `d` of a path with a bar for each count.

    Args:
        counts: the oldest first; 0 has no bar.
        highest: the count that is as high as the picture.
    """
    if not any(counts):
        return ""
    unit = HEIGHT / max(highest, 1)
    heights = [
        (index * STEP, round(unit * count) or 1) for index, count in enumerate(counts) if count
    ]
    return "".join([f"M{x} {HEIGHT}v-{height}h{BAR}v{height}z" for x, height in heights])


def most(*series: Sequence[int]) -> int:
    """The highest count of some series."""
    return max(max(counts, default=0) for counts in series)


def width(counts: Sequence[int]) -> int:
    """How wide the picture is."""
    return len(counts) * STEP
