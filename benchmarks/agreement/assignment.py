"""Pure. The best pairing of two lists of things by how alike they are."""

from collections.abc import Sequence

EXACT_MAX = 40_000
"""Cells of the matrix above which pairs are chosen greedily: the exact way takes cubic time."""


def assign(likeness: Sequence[Sequence[float]]) -> list[tuple[int, int]]:
    """Pairs (row, column) with the greatest sum of likeness; pairs that are not alike are left out.

    Args:
        likeness: a matrix, none of its values below 0. Exact up to EXACT_MAX cells.
    """
    rows = len(likeness)
    columns = len(likeness[0]) if rows else 0
    if not rows or not columns:
        return []
    if rows * columns > EXACT_MAX:
        pairs = _greedy(likeness)
    elif rows <= columns:
        pairs = _hungarian(likeness, columns)
    else:
        turned = [[likeness[row][column] for row in range(rows)] for column in range(columns)]
        pairs = [(row, column) for column, row in _hungarian(turned, rows)]
    return sorted((row, column) for row, column in pairs if likeness[row][column] > 0)


def _greedy(likeness: Sequence[Sequence[float]]) -> list[tuple[int, int]]:
    cells = sorted(
        (-value, row, column)
        for row, values in enumerate(likeness)
        for column, value in enumerate(values)
        if value > 0
    )
    taken_rows: set[int] = set()
    taken_columns: set[int] = set()
    pairs: list[tuple[int, int]] = []
    for _, row, column in cells:
        if row not in taken_rows and column not in taken_columns:
            taken_rows.add(row)
            taken_columns.add(column)
            pairs.append((row, column))
    return pairs


def _hungarian(likeness: Sequence[Sequence[float]], columns: int) -> list[tuple[int, int]]:
    """The Hungarian method with potentials, for no more rows than columns.

    Row and column 0 are not used: the method adds one row at a time and follows the cheapest
    alternating path from it to a free column.
    """
    infinity = float("inf")
    row_potential = [0.0] * (len(likeness) + 1)
    column_potential = [0.0] * (columns + 1)
    owner = [0] * (columns + 1)  # row that holds the column
    for row in range(1, len(likeness) + 1):
        owner[0] = row
        at = 0
        least = [infinity] * (columns + 1)
        came_from = [0] * (columns + 1)
        used = [False] * (columns + 1)
        while owner[at]:
            used[at] = True
            current, step, nearest = owner[at], infinity, 0
            values, base = likeness[current - 1], row_potential[current]
            for column in range(1, columns + 1):
                if used[column]:
                    continue
                cost = -values[column - 1] - base - column_potential[column]
                if cost < least[column]:
                    least[column], came_from[column] = cost, at
                if least[column] < step:
                    step, nearest = least[column], column
            for column in range(columns + 1):
                if used[column]:
                    row_potential[owner[column]] += step
                    column_potential[column] -= step
                else:
                    least[column] -= step
            at = nearest
        while at:
            owner[at] = owner[came_from[at]]
            at = came_from[at]
    return [(owner[column] - 1, column - 1) for column in range(1, columns + 1) if owner[column]]
