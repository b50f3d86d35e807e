"""Pure. One builder for what is sent to a FHIR server: transaction, batch, or single interactions.

Resources come with derived ids and refer to each other as `Type/id`. In a transaction every entry
gets the fullUrl `urn:uuid:ID` and references become that: they hold whatever ids the server gives.
Outside a transaction the server resolves nothing, so references stay `Type/id` where we decide the
id, and become conditional or logical references where the server does.

References are rewritten in the encoded bytes of each resource: a walk over the values took nine
times as long as encoding them. `"reference":"` cannot occur inside a JSON string, where quotes are
escaped.
FHIR R4 4.0.1, https://hl7.org/fhir/R4/http.html#transaction and bundle.html#references.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from engine.diagnostics import Diagnostic, Place
from engine.fhir import codes
from engine.fhir.forms import CONDITIONAL, CREATE_ONCE, UPDATE, Form, choose_form, identifier_query
from engine.fhir.merging import merge

TRANSACTION = "transaction"
BATCH = "batch"
CONDITIONAL_REFERENCE = "conditional-reference"

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_REFERENCE = re.compile(rb'"reference":"([A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64})"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One resource on its way to a server."""

    resource: dict[str, Any]
    """As JSON values, without id; references to other entries are `Type/id`. Never changed."""
    resource_id: str
    """Derived by `fhir.identity`, a UUID in its text form."""
    identifier: tuple[str, str] | None = None
    """(system, value) of the business identifier that conditional forms search by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedBundle:
    """A Bundle as bytes, and what has to be said about the way it was made."""

    body: bytes
    diagnostics: tuple[Diagnostic, ...]


@dataclass(slots=True, kw_only=True)
class _Plan:
    """The entries after merging, and how each is named and written."""

    entries: list[Entry]
    forms: list[Form]
    names: dict[bytes, bytes]
    """Encoded `Type/id` to the reference text that stands in its place, JSON-escaped."""
    logical: dict[str, tuple[str, str] | None]
    """`Type/id` to the identifier that stands in its place, None where there is none."""
    diagnostics: list[Diagnostic]
    dangling: bool = False


def build_bundle(
    entries: Sequence[Entry],
    *,
    interaction: str,
    identity: str,
    capabilities: frozenset[str],
    timestamp: str | None = None,
) -> dict[str, Any]:
    """The Bundle as values, for reading and tests; the arguments are those of `encode_bundle`."""
    encoded = encode_bundle(
        entries,
        interaction=interaction,
        identity=identity,
        capabilities=capabilities,
        timestamp=timestamp,
    )
    bundle: dict[str, Any] = msgspec.json.decode(encoded.body)
    return bundle


def encode_bundle(
    entries: Sequence[Entry],
    *,
    interaction: str,
    identity: str,
    capabilities: frozenset[str],
    timestamp: str | None = None,
) -> EncodedBundle:
    """The Bundle as the bytes to send: the same arguments give the same bytes.

    Entries of one type and id are merged into the first of them. For batch and single, an entry
    stands after those it refers to.

    Args:
        entries: the resources, in the order of the message.
        interaction: transaction, batch or single (the entries of a batch, to be sent one by one).
        identity: update, conditional or create.
        capabilities: what the server can do, as in `FhirDestinationConfig.capabilities`.
        timestamp: an instant for Bundle.timestamp.

    Returns:
        The body, with warnings for what the server lacks and errors for references to nothing.
    """
    plan = _plan(entries, identity, capabilities)
    kind = TRANSACTION if interaction == TRANSACTION else BATCH
    if kind == TRANSACTION and TRANSACTION not in capabilities:
        kind = BATCH
        plan.diagnostics.append(codes.TRANSACTION_MISSING())
    if kind == BATCH:
        _name_outside_transaction(plan, CONDITIONAL_REFERENCE in capabilities)
        _order_targets_first(plan)
    encoded = [
        _encode_entry(entry, form, plan)
        for entry, form in zip(plan.entries, plan.forms, strict=True)
    ]
    if plan.dangling:
        plan.diagnostics.extend(check_references(entries))
    stamp = b'"timestamp":%s,' % _ENCODER.encode(timestamp) if timestamp else b""
    listed = b',"entry":[%s]' % b",".join(encoded) if encoded else b""
    body = b'{"resourceType":"Bundle",%s"type":"%s"%s}' % (stamp, kind.encode(), listed)
    return EncodedBundle(body=body, diagnostics=tuple(plan.diagnostics))


def check_references(entries: Iterable[Entry]) -> tuple[Diagnostic, ...]:
    """One error for each `Type/id` reference that names no entry, with its path."""
    listed = list(entries)
    known = {_name(entry) for entry in listed}
    found: list[Diagnostic] = []
    for entry in listed:
        for path, reference in _references(entry.resource, entry.resource["resourceType"]):
            if reference not in known and _is_local(reference):
                found.append(codes.DANGLING(Place(path=path), type=reference.partition("/")[0]))
    return tuple(found)


def _name(entry: Entry) -> str:
    return f"{entry.resource['resourceType']}/{entry.resource_id}"


def _is_local(reference: str) -> bool:
    return _REFERENCE.fullmatch(b'"reference":"%s"' % reference.encode()) is not None


def _references(value: Any, path: str) -> Iterable[tuple[str, str]]:
    """(path, text) of every `reference` below a value."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "reference" and isinstance(item, str):
                yield f"{path}.reference", item
            else:
                yield from _references(item, f"{path}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _references(item, f"{path}[{index}]")


def _plan(entries: Sequence[Entry], identity: str, capabilities: frozenset[str]) -> _Plan:
    """Merge what is one resource, choose each form, name each by its fullUrl."""
    merged: dict[str, Entry] = {}
    aliases: dict[str, str] = {}
    searched: dict[tuple[str, tuple[str, str]], str] = {}
    for entry in entries:
        name = _name(entry)
        if identity != UPDATE and entry.identifier is not None:
            # Two entries with one search would meet in one resource, which a transaction refuses.
            key = (entry.resource["resourceType"], entry.identifier)
            aliases[name] = searched.setdefault(key, aliases.get(name, name))
        name = aliases.get(name, name)
        first = merged.get(name)
        merged[name] = entry if first is None else _joined(first, entry)
    plan = _Plan(entries=list(merged.values()), forms=[], names={}, logical={}, diagnostics=[])
    for entry in plan.entries:
        form = choose_form(identity, capabilities, entry.identifier is not None)
        plan.forms.append(form)
        plan.names[_name(entry).encode()] = b"urn:uuid:" + entry.resource_id.encode()
        if form.lacking is not None:
            place = Place(path=entry.resource["resourceType"])
            plan.diagnostics.append(form.lacking(place, instead=form.instead))
    for alias, name in aliases.items():
        plan.names[alias.encode()] = plan.names[name.encode()]
    return plan


def _joined(first: Entry, second: Entry) -> Entry:
    return Entry(
        resource=merge(first.resource, second.resource),
        resource_id=first.resource_id,
        identifier=first.identifier or second.identifier,
    )


def _name_outside_transaction(plan: _Plan, conditional_reference: bool) -> None:
    """Name each entry so that a reference to it holds in a request of its own."""
    by_url = {plan.names[_name(entry).encode()]: entry for entry in plan.entries}
    form_of = {id(entry): form for entry, form in zip(plan.entries, plan.forms, strict=True)}
    for alias, url in list(plan.names.items()):
        entry = by_url[url]
        resource_type = entry.resource["resourceType"]
        if form_of[id(entry)].kind == UPDATE:
            plan.names[alias] = _name(entry).encode()
        elif entry.identifier is not None and conditional_reference:
            query = identifier_query(entry.identifier)
            plan.names[alias] = f"{resource_type}?{query}".encode()
        else:
            plan.logical[alias.decode()] = entry.identifier


def _order_targets_first(plan: _Plan) -> None:
    """Stable order in which an entry comes after those it refers to; circles keep their order."""
    places = {_name(entry): index for index, entry in enumerate(plan.entries)}
    targets = [
        [places[text] for _, text in _references(entry.resource, "") if text in places]
        for entry in plan.entries
    ]
    order: list[int] = []
    entered: set[int] = set()
    for start in range(len(plan.entries)):
        stack = [(start, False)]
        while stack:
            index, done = stack.pop()
            if done:
                order.append(index)
            elif index not in entered:
                entered.add(index)
                stack.append((index, True))
                stack.extend((target, False) for target in reversed(targets[index]))
    plan.entries = [plan.entries[index] for index in order]
    plan.forms = [plan.forms[index] for index in order]


def _encode_entry(entry: Entry, form: Form, plan: _Plan) -> bytes:
    """The JSON of one Bundle.entry."""
    resource = entry.resource
    resource_type = resource["resourceType"]
    if plan.logical:
        resource = _with_logical_references(resource, resource_type, plan)
    if form.kind == UPDATE:
        head = {"resourceType": resource_type, "id": entry.resource_id}
        request = b'"method":"PUT","url":"%s"' % _name(entry).encode()
    else:
        head = {"resourceType": resource_type}
        request = _conditional_request(entry, form).encode()
    body = _REFERENCE.sub(lambda found: _rename(found, plan), _ENCODER.encode(head | resource))
    return b'{"fullUrl":"urn:uuid:%s","resource":%s,"request":{%s}}' % (
        entry.resource_id.encode(),
        body,
        request,
    )


def _conditional_request(entry: Entry, form: Form) -> str:
    """Bundle.entry.request of all forms but the plain update; the parts need no JSON escapes."""
    resource_type = entry.resource["resourceType"]
    if entry.identifier is not None:
        query = identifier_query(entry.identifier)
        if form.kind == CONDITIONAL:
            return f'"method":"PUT","url":"{resource_type}?{query}"'
        if form.kind == CREATE_ONCE:
            return f'"method":"POST","url":"{resource_type}","ifNoneExist":"{query}"'
    return f'"method":"POST","url":"{resource_type}"'


def _rename(found: re.Match[bytes], plan: _Plan) -> bytes:
    name = plan.names.get(found[1])
    if name is None:
        plan.dangling = True
        return found[0]
    return b'"reference":"%s"' % name


def _with_logical_references(value: Any, path: str, plan: _Plan) -> Any:
    """A copy whose references to entries without a known id carry their identifier instead."""
    if isinstance(value, list):
        return [
            _with_logical_references(item, f"{path}[{index}]", plan)
            for index, item in enumerate(value)
        ]
    if not isinstance(value, dict):
        return value
    copy: dict[str, Any] = {}
    for key, item in value.items():
        if key != "reference" or item not in plan.logical:
            copy[key] = _with_logical_references(item, f"{path}.{key}", plan)
            continue
        identifier = plan.logical[item]
        place = Place(path=f"{path}.reference")
        if identifier is None:
            plan.diagnostics.append(codes.UNRESOLVABLE(place))
            copy[key] = item
            continue
        plan.diagnostics.append(codes.LOGICAL_REFERENCE(place))
        copy["type"] = item.partition("/")[0]
        copy["identifier"] = {"system": identifier[0], "value": identifier[1]}
    return copy
