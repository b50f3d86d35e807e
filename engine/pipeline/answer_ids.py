"""Pure. The ids in a destination's answer by which people ask for a message later.

A FHIR server names what it made in `Location` headers and in `Bundle.entry.response.location`; its
operators name an exchange by the request id it answered with. FHIR R4 http.html#create, RFC 9110
10.2.2; Oracle Health sends `X-Request-Id` and `opc-request-id`.
"""

IDS_MAX = 1_000
"""Ids of one answer."""
ID_CHARACTERS_MAX = 128

_REQUEST_IDS = frozenset(
    (b"x-request-id", b"opc-request-id", b"x-correlation-id", b"cerner-correlation-id")
)
_ENTRY_LOCATION = b'"location":'


def answer_ids(response: bytes, *, located: bool) -> tuple[str, ...]:
    """The request ids of an answer, and the ids of the resources it says it has made.

    Args:
        response: as an attempt keeps it: status, headers, an empty line, body.
        located: read locations too; needless where the server takes the ids we give.
    """
    head, _, body = response.partition(b"\n\n")
    found: list[bytes] = []
    for line in head.split(b"\n")[1:]:
        name, _, value = line.partition(b":")
        plain = name.lower()
        if plain in _REQUEST_IDS:
            found.append(value.strip())
        elif located and plain in (b"location", b"content-location"):
            found.append(_id_of(value.strip()))
    if located and body:
        found += [_id_in(part) for part in body.split(_ENTRY_LOCATION)[1 : IDS_MAX + 1]]
    texts = (one[:ID_CHARACTERS_MAX].decode("ascii", "replace") for one in found if one)
    return tuple(dict.fromkeys(texts))[:IDS_MAX]


def _id_in(text: bytes) -> bytes:
    """The id in the JSON string that a text begins with; empty when it begins with none."""
    before, quote, rest = text.partition(b'"')
    return _id_of(rest.partition(b'"')[0]) if quote and not before.strip() else b""


def _id_of(location: bytes) -> bytes:
    """`abc` of `https://server/r4/Patient/abc/_history/1`, and of `Patient/abc`."""
    parts = location.partition(b"/_history")[0].rsplit(b"/", 2)
    return parts[-1] if len(parts) > 1 else b""
