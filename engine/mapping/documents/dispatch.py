"""Pure. Which maps take the elements that a map of a document hands on by template.

An element is never looked for in the whole library: only maps that stand `under:` the one at hand
are asked, so that a status inside a problem is not taken for a problem.
"""

from engine.mapping.library import Library
from engine.mapping.syntax import MapFile


def candidates(library: Library, parent: str) -> list[MapFile]:
    """The maps that stand under a map, those that go before others first."""
    found = [
        one for one in library.maps.values() if one.match is not None and parent in one.match.under
    ]
    ordered: list[MapFile] = []
    while found:
        names = {one.name for one in found}
        beaten = {name for one in found if one.match for name in one.match.over if name in names}
        free = [one for one in found if one.name not in beaten] or found[:1]
        ordered.extend(free)
        found = [one for one in found if one not in free]
    return ordered
