"""Pure. A Bundle as resources, and a resource as a multiset of (path, value)."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.agreement.canonical import canonical_scalar, canonical_system, canonical_telecom

TELECOM_SYSTEMS = frozenset({"phone", "fax", "email", "pager", "url", "sms", "other"})
PUBLIC = ("http://hl7.org/fhir", "https://hl7.org/fhir", "http://terminology.hl7.org")
"""Beginnings of the URLs of extensions that are not private to one converter."""

SHARED = frozenset({"Organization", "Location", "Practitioner", "PractitionerRole", "Device"})
"""Types that stand for something a message mentions again and again: equal ones are one."""

Leaf = tuple[str, str]
"""A path without list indices, and a canonical value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A leaf that points to a resource."""

    path: str
    target: str
    """As it stands: `Patient/1`, `urn:uuid:...`, `#1`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource of a Bundle, taken apart."""

    resource_type: str
    leaves: Counter[Leaf]
    references: tuple[Reference, ...]
    names: tuple[str, ...]
    """What it can be known by: its identifiers, else its name or code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """All resources, and which one each reference in use points to."""

    resources: tuple[Resource, ...]
    targets: Mapping[str, int]

    def target(self, reference: str) -> int | None:
        """Index of the resource referred to; None when it is not in the Bundle."""
        return self.targets.get(reference, self.targets.get(reference.partition("/_history")[0]))


def read_bundle(document: Any) -> Bundle:
    """Take apart a Bundle, or a plain list of resources. One id that comes twice is one resource.

    Args:
        document: parsed JSON.
    """
    resources: list[Resource] = []
    targets: dict[str, int] = {}
    for url, body in _bodies(document):
        kind, own = str(body["resourceType"]), body.get("id")
        known = targets.get(f"{kind}/{own}") if own is not None else None
        taken = _take_apart(body)
        if known is None:
            known = len(resources)
            resources.append(taken)
        elif taken.leaves != resources[known].leaves:
            resources[known] = _joined(resources[known], taken)
        for name in (f"{kind}/{own}" if own is not None else None, url):
            if name:
                targets[name] = known
    return _without_copies(Bundle(resources=tuple(resources), targets=targets))


def _without_copies(bundle: Bundle) -> Bundle:
    """Some converters write a practitioner once for each field; equal ones count once here.

    What refers to copies (a role) may be a copy itself, so it is looked at again until none is new.
    """
    while True:
        first_of: dict[tuple[object, ...], int] = {}
        kept: list[Resource] = []
        place: list[int] = []
        for one in bundle.resources:
            references = tuple(
                (found.path, bundle.target(found.target), found.target)
                if bundle.target(found.target) is None
                else (found.path, bundle.target(found.target))
                for found in one.references
            )
            content = (one.resource_type, frozenset(one.leaves.items()), references)
            known = first_of.get(content) if one.resource_type in SHARED else None
            if known is None:
                known = first_of[content] = len(kept)
                kept.append(one)
            place.append(known)
        if len(kept) == len(bundle.resources):
            return bundle
        targets = {name: place[at] for name, at in bundle.targets.items()}
        bundle = Bundle(resources=tuple(kept), targets=targets)


def _bodies(document: Any) -> Iterator[tuple[str | None, dict[str, Any]]]:
    """(fullUrl, resource) of every entry, and of what resources contain."""
    if isinstance(document, list):
        entries: Sequence[Any] = [{"resource": one} for one in document]
    else:
        entries = document.get("entry", [])
    for entry in entries:
        body = entry.get("resource")
        if not isinstance(body, dict) or "resourceType" not in body:
            continue
        yield entry.get("fullUrl"), body
        for inner in body.get("contained", ()):
            yield f"#{inner.get('id')}", {**inner, "id": f"#{inner.get('id')}"}


def _take_apart(body: dict[str, Any]) -> Resource:
    own = {
        key: value
        for key, value in body.items()
        if key not in ("resourceType", "id", "meta", "text", "contained", "implicitRules")
    }
    found = list(_leaves(own, ""))
    leaves = Counter(leaf for leaf in found if isinstance(leaf, tuple))
    references = tuple(leaf for leaf in found if isinstance(leaf, Reference))
    return Resource(
        resource_type=str(body["resourceType"]),
        leaves=leaves,
        references=references,
        names=_names(leaves),
    )


def _joined(first: Resource, second: Resource) -> Resource:
    leaves = first.leaves | second.leaves
    return Resource(
        resource_type=first.resource_type,
        leaves=leaves,
        references=tuple(dict.fromkeys((*first.references, *second.references))),
        names=_names(leaves),
    )


def _names(leaves: Counter[Leaf]) -> tuple[str, ...]:
    for paths in (
        ("identifier.value",),
        ("name", "name.family", "name.given", "name.text"),
        ("code.coding.code", "code.text", "deviceName.name"),
    ):
        found = sorted(value for path, value in leaves if path in paths)
        if found:
            return tuple(found)
    return ()


def _leaves(value: Any, path: str) -> Iterator[Leaf | Reference]:
    if isinstance(value, list):
        for item in value:
            yield from _leaves(item, path)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _member(key, item, path)
    elif value is not None and value != "":
        yield path, canonical_scalar(value)


def _member(key: str, item: Any, path: str) -> Iterator[Leaf | Reference]:
    below = f"{path}.{key.removeprefix('_')}" if path else key.removeprefix("_")
    if key == "id":
        return
    if key in ("extension", "modifierExtension") and isinstance(item, list):
        for one in item:
            yield from _extension(one, below)
    elif key == "reference" and isinstance(item, str):
        yield Reference(path=path, target=item)
    elif key == "system" and isinstance(item, str) and item not in TELECOM_SYSTEMS:
        system = canonical_system(item)
        if system is not None:
            yield below, system
    elif key == "value" and path.endswith("telecom") and isinstance(item, str):
        yield below, canonical_telecom(item)
    elif key in ("display", "text") and isinstance(item, str):
        yield below, canonical_scalar(item).lower()
    else:
        yield from _leaves(item, below)


def _extension(one: Any, path: str) -> Iterator[Leaf | Reference]:
    """Private extensions of the top level are left out, with all they hold."""
    if not isinstance(one, dict) or not isinstance(one.get("url"), str):
        return
    url = one["url"]
    if "://" in url and not url.startswith(PUBLIC):
        return
    name = url.rpartition("/")[2].removesuffix(".html").removeprefix("extension-")
    inner = {key: value for key, value in one.items() if key != "url"}
    yield from _leaves(inner, f"{path}({name})")
