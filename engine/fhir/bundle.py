"""Pure. One builder for what is sent to a FHIR server: transaction, batch, or single interactions.

Resources come with derived ids and refer to each other as `Type/id`. In a transaction every entry
gets the fullUrl `urn:uuid:ID` and references become that: they hold whatever ids the server gives.
Outside a transaction the server resolves nothing: see `fhir.standalone`.

References are rewritten in the encoded bytes: a walk over the values took nine times as long as
encoding them. `"reference":"` cannot occur inside a JSON string, where quotes are escaped.

A conditional form puts the business identifier into a URL inside the Bundle (or, for single
interactions, into the URL of the request): that is how FHIR does it. It is the server's URL, and
none of ours. FHIR R4 4.0.1, https://hl7.org/fhir/R4/http.html#transaction and
bundle.html#references.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import orjson

from engine.diagnostics import Diagnostic, Place
from engine.fhir import codes, standalone
from engine.fhir.bundle_body import BundleBody
from engine.fhir.entries import EncodedBundle, Entry, entry_name, references_of
from engine.fhir.forms import CONDITIONAL, CREATE_ONCE, UPDATE, Form, choose_form, identifier_query
from engine.fhir.marks import Mark
from engine.fhir.merging import merge
from engine.fhir.references import ReferenceForm, read_reference

__all__ = [
    "EncodedBundle",
    "Entry",
    "build_bundle",
    "check_references",
    "encode_bundle",
    "encode_document",
    "unique_entries",
]

TRANSACTION = "transaction"
BATCH = "batch"
COMPOSITION = "Composition"

LARGE_BYTES = 1_000_000
"""An entry above this holds an attachment."""
COPIED_CHARACTERS_MAX = 8_000_000
"""Of an attachment that is encoded with its entry; a larger one is written in its place by itself,
which takes a look at every character."""
_MARK = b'"reference":"'
_DATA = b'"data":""'


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
    bundle: dict[str, Any] = orjson.loads(encoded.body)
    return bundle


def encode_bundle(
    entries: Sequence[Entry],
    *,
    interaction: str,
    identity: str,
    capabilities: frozenset[str],
    timestamp: str | None = None,
    merging: bool = False,
) -> EncodedBundle:
    """The Bundle as the bytes to send: the same arguments give the same bytes.

    Entries of one type and id are merged into the first of them. For batch and single, an entry
    stands after those it refers to.

    Args:
        entries: the resources, in the order of the message.
        interaction: transaction, batch or single (a batch whose entries are sent one by one).
        identity: update, conditional or create.
        capabilities: what the server can do, as in `FhirDestinationConfig.capabilities`.
        timestamp: an instant for Bundle.timestamp.
        merging: mark the entries that are only a part of their resource.

    Returns:
        The body, with warnings for what the server lacks and errors for references to nothing.
    """
    diagnostics: list[Diagnostic] = []
    if not (merging and identity == UPDATE and "update-create" in capabilities):
        entries = [entry for entry in entries if not entry.only_merged]
    merged, aliases = _merge_entries(entries, identity)
    forms = _forms(merged.values(), identity, capabilities, diagnostics)
    kind = TRANSACTION if interaction == TRANSACTION else BATCH
    if kind == TRANSACTION and TRANSACTION not in capabilities:
        kind = BATCH
        diagnostics.append(codes.TRANSACTION_MISSING())
    if kind == TRANSACTION:
        listed = list(zip(merged.values(), forms, strict=True))
        names = {
            name.encode(): _transaction_name(name, entry, form)
            for (name, entry), form in zip(merged.items(), forms, strict=True)
        }
    else:
        listed, others = standalone.arrange(merged, forms, aliases, capabilities, diagnostics)
        names = {name.encode(): new.encode() for name, new in others.items()}
    for alias, name in aliases.items():
        names[alias.encode()] = names[name.encode()]
    listed = [(entry, form) for entry, form in listed if not _is_left_there(entry, form)]
    start: dict[str, Any] = {"resourceType": "Bundle", "type": kind}
    if timestamp:
        start["timestamp"] = timestamp
    body = BundleBody(orjson.dumps(start))
    keep = kind == TRANSACTION and not aliases and len(listed) == len(merged)
    dangling = _encode(listed, names, body, keep=keep)
    marks = _marks(listed, body.places) if merging else ()
    if dangling:
        diagnostics.extend(check_references(entries))
    return EncodedBundle(body=body.whole(), diagnostics=tuple(diagnostics), marks=marks)


def _is_left_there(entry: Entry, form: Form) -> bool:
    """True for what the server has and can be referred to by its id or identifier."""
    return entry.referred and (form.kind == UPDATE or entry.identifier is not None)


def _transaction_name(name: str, entry: Entry, form: Form) -> bytes:
    """How the entries of a transaction refer to one: by its fullUrl, where it is an entry."""
    if not _is_left_there(entry, form):
        return b"urn:uuid:%s" % entry.resource_id.encode()
    if form.kind == UPDATE or entry.identifier is None:
        return name.encode()
    return f"{entry.resource['resourceType']}?{identifier_query(entry.identifier)}".encode()


def encode_document(entries: Sequence[Entry], *, timestamp: str) -> EncodedBundle:
    """A Bundle of type document as bytes: an attested whole, not a set of requests.

    It holds the Composition first, all it leads to, and Provenance; what only changes other
    resources of a server is no part of a document (R4, documents.html).

    Args:
        entries: the resources of one document, with one Composition.
        timestamp: when the Bundle was put together, an instant.

    Raises:
        ValueError: there is no Composition.
    """
    merged, _ = _merge_entries([one for one in entries if not one.only_merged], UPDATE)
    listed = sorted(merged.values(), key=lambda one: one.resource["resourceType"] != COMPOSITION)
    if not listed or listed[0].resource["resourceType"] != COMPOSITION:
        raise ValueError("a document has a Composition")
    names = {
        name.encode(): b"urn:uuid:%s" % entry.resource_id.encode() for name, entry in merged.items()
    }
    start = {
        "resourceType": "Bundle",
        "identifier": _document_identifier(listed[0]),
        "type": "document",
        "timestamp": timestamp,
    }
    body = BundleBody(orjson.dumps(start))
    dangling = False
    for entry in listed:
        lean, data = _without_data(entry)
        held = {"fullUrl": f"urn:uuid:{entry.resource_id}", "resource": _with_id(lean)}
        encoded, lacks = _rename(orjson.dumps(held, default=_encode_decimal), names)
        body.append(*(_with_data(encoded, data) if data else encoded))
        dangling = dangling or lacks
    problems = check_references(listed) if dangling else ()
    return EncodedBundle(body=body.whole(), diagnostics=problems)


def _document_identifier(composition: Entry) -> dict[str, str]:
    """The document's own, else one made of the Composition's id: a document has one (bdl-9)."""
    known = composition.resource.get("identifier", {})
    if known.get("system") and known.get("value"):
        return {"system": known["system"], "value": known["value"]}
    return {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{composition.resource_id}"}


def _with_id(entry: Entry) -> dict[str, Any]:
    kind = entry.resource["resourceType"]
    return {"resourceType": kind, "id": entry.resource_id, **entry.resource}


def _marks(
    listed: Iterable[tuple[Entry, Form]], places: Sequence[tuple[int, int]]
) -> tuple[Mark, ...]:
    """The entries that update a resource of which the message says only a part."""
    return tuple(
        Mark(start, size, entry.deletes)
        for (entry, form), (start, size) in zip(listed, places, strict=True)
        if entry.merges and form.kind in (UPDATE, CONDITIONAL)
    )


def check_references(entries: Iterable[Entry]) -> tuple[Diagnostic, ...]:
    """One error for each `Type/id` reference that names no entry, with its path."""
    listed = list(entries)
    known = {entry_name(entry) for entry in listed}
    found: list[Diagnostic] = []
    for entry in listed:
        for path, reference in references_of(entry.resource, entry.resource["resourceType"]):
            if reference not in known and _is_local(reference):
                found.append(codes.DANGLING(Place(path=path), type=reference.partition("/")[0]))
    return tuple(found)


def _is_local(reference: str) -> bool:
    return read_reference(reference)[0] is ReferenceForm.RELATIVE


def _merge_entries(
    entries: Sequence[Entry], identity: str
) -> tuple[dict[str, Entry], dict[str, str]]:
    """Entries by name, each resource once; and names that now stand for another.

    Where the server searches, two entries with one identifier would meet in one resource, which R4
    forbids in a transaction: they are one entry, and the second name is an alias of the first.
    """
    merged: dict[str, Entry] = {}
    aliases: dict[str, str] = {}
    searched: dict[tuple[str, tuple[str, str]], str] = {}
    for entry in entries:
        name = entry_name(entry)
        if identity != UPDATE and entry.identifier is not None:
            key = (entry.resource["resourceType"], entry.identifier)
            first_name = searched.setdefault(key, aliases.get(name, name))
            if first_name != name:
                aliases[name] = name = first_name
        merged[name] = _joined(merged[name], entry) if name in merged else entry
    return merged, aliases


def unique_entries(entries: Sequence[Entry]) -> dict[str, Entry]:
    """The entries by name, `Type/id`: those of one type and id merged into the first of them."""
    return _merge_entries(entries, UPDATE)[0]


def _joined(first: Entry, second: Entry) -> Entry:
    if first.referred or second.referred:
        return second if first.referred else first
    return Entry(
        resource=merge(first.resource, second.resource),
        resource_id=first.resource_id,
        identifier=first.identifier or second.identifier,
        merges=first.merges and second.merges,
        deletes=tuple(one for one in first.deletes if one in second.deletes),
        only_merged=first.only_merged and second.only_merged,
    )


def _forms(
    entries: Iterable[Entry],
    identity: str,
    capabilities: frozenset[str],
    diagnostics: list[Diagnostic],
) -> list[Form]:
    """The form of each entry; one word for each whose form is not the one asked for."""
    known = choose_form(identity, capabilities, True)
    unknown = choose_form(identity, capabilities, False)
    found: list[Form] = []
    for entry in entries:
        form = unknown if entry.identifier is None else known
        if form.lacking is not None:
            place = Place(path=entry.resource["resourceType"])
            diagnostics.append(form.lacking(place, instead=form.instead))
        found.append(form)
    return found


def _entry(entry: Entry, form: Form) -> dict[str, Any]:
    """One Bundle.entry; the resource has its id only where the id is ours to give."""
    resource = entry.resource
    resource_type = resource["resourceType"]
    identity = entry.resource_id
    full_url = f"urn:uuid:{identity}"
    if form.kind == UPDATE:
        return {
            "fullUrl": full_url,
            "resource": {"resourceType": resource_type, "id": identity, **resource},
            "request": {"method": "PUT", "url": f"{resource_type}/{identity}"},
        }
    request = {"method": "POST", "url": resource_type}
    if entry.identifier is not None and form.kind == CONDITIONAL:
        url = f"{resource_type}?{identifier_query(entry.identifier)}"
        request = {"method": "PUT", "url": url}
    elif entry.identifier is not None and form.kind == CREATE_ONCE:
        request["ifNoneExist"] = identifier_query(entry.identifier)
    return {"fullUrl": full_url, "resource": resource, "request": request}


def _encode_decimal(value: object) -> orjson.Fragment:
    """A decimal as a number with the digits it has: `1.50` stays `1.50`."""
    if not isinstance(value, Decimal):
        raise TypeError(type(value).__name__)
    return orjson.Fragment(str(value))


def _encode(
    listed: Iterable[tuple[Entry, Form]], names: dict[bytes, bytes], body: BundleBody, *, keep: bool
) -> bool:
    """Append each Bundle.entry with its references renamed; True when one has no new name.

    With `keep`, names depend on the ids alone: a resource that comes again in other messages is
    written once, and its bytes hold wherever all it refers to is in the Bundle.
    """
    dangling = False
    for entry, form in listed:
        recurring = entry.recurring if keep and form.kind == UPDATE else None
        if recurring is not None and recurring.encoded and names.keys() >= recurring.references:
            body.append(recurring.encoded)
            continue
        lean, data = _without_data(entry)
        plain = orjson.dumps(_entry(lean, form), default=_encode_decimal)
        encoded, lacks = _rename(plain, names)
        body.append(*(_with_data(encoded, data) if data else encoded))
        dangling = dangling or lacks
        if recurring is not None and not recurring.encoded and not lacks:
            recurring.encoded = b"".join(encoded)
            recurring.references = frozenset(_targets(plain) & names.keys())
    return dangling


def _without_data(entry: Entry) -> tuple[Entry, str]:
    """An entry without the data of its large attachment, and that data: it is copied once.

    The original of a document is the first content of its DocumentReference.
    """
    content = entry.resource.get("content")
    if not isinstance(content, list) or entry.recurring is not None:
        return entry, ""
    attachment = content[0].get("attachment", {})
    data = attachment.get("data", "")
    if len(data) <= COPIED_CHARACTERS_MAX or not _is_plain(data):
        return entry, ""
    first = {**content[0], "attachment": {**attachment, "data": ""}}
    return replace(entry, resource={**entry.resource, "content": [first, *content[1:]]}), data


def _is_plain(data: str) -> bool:
    """True for what JSON writes as it is."""
    return data.isascii() and data.isprintable() and '"' not in data and "\\" not in data


def _with_data(encoded: Sequence[bytes | memoryview], data: str) -> Iterator[bytes | str]:
    start, mark, end = b"".join(encoded).partition(_DATA)
    yield start + mark[:-1]
    yield data
    yield mark[-1:] + end


def _targets(encoded: bytes) -> set[bytes]:
    """Every reference of an encoded resource."""
    return {piece.partition(b'"')[0] for piece in encoded.split(_MARK)[1:]}


def _rename(body: bytes, names: dict[bytes, bytes]) -> tuple[Sequence[bytes | memoryview], bool]:
    """Put the new name in place of each `Type/id`; True when one has none.

    Returns:
        The bytes in pieces: those of an entry with an attachment are written without another copy.
    """
    if len(body) > LARGE_BYTES:
        return _rename_large(body, names)
    pieces = body.split(_MARK)
    dangling = False
    for index in range(1, len(pieces)):
        name, _, rest = pieces[index].partition(b'"')
        new = names.get(name)
        if new is not None:
            pieces[index] = b'%s"%s' % (new, rest)
        elif _is_local(name.decode()):
            dangling = True
    return (_MARK.join(pieces),), dangling


def _rename_large(
    body: bytes, names: dict[bytes, bytes]
) -> tuple[Sequence[bytes | memoryview], bool]:
    view = memoryview(body)
    pieces: list[bytes | memoryview] = []
    dangling = False
    done = 0
    at = body.find(_MARK)
    while at >= 0:
        start = at + len(_MARK)
        end = body.index(b'"', start)
        new = names.get(body[start:end])
        if new is not None:
            pieces += (view[done:start], new)
            done = end
        elif _is_local(body[start:end].decode()):
            dangling = True
        at = body.find(_MARK, end)
    return (*pieces, view[done:]), dangling
