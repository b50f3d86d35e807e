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
    parts = []
    for index, count in enumerate(counts):
        if count > 0:
            height = max(1, round(HEIGHT * count / max(highest, 1)))
            parts.append(f"M{index * STEP} {HEIGHT}v-{height}h{BAR}v{height}z")
    return "".join(parts)


def width(counts: Sequence[int]) -> int:
    """How wide the picture is."""
    return len(counts) * STEP
