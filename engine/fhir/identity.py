"""Pure. Ids derived from business keys, so that the same message always makes the same resources.

UUID version 5 (RFC 9562 section 5.5): the namespace is made of the URI of the source system and the
resource type, the name of the parts of the key. Each part is written with its length, so that
("a", "b|c") and ("a|b", "c") cannot meet.
"""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha1
from typing import Any
from uuid import NAMESPACE_URL, uuid5


def resource_id(namespace_uri: str, resource_type: str, parts: Sequence[str]) -> str:
    """The id of a resource, as 36 lower-case characters.

    Args:
        namespace_uri: URI of the source system; two systems never share an id.
        resource_type: such as `Patient`; two types never share an id.
        parts: the business key, such as (assigner URI, identifier value).
    """
    digest = _started(namespace_uri, resource_type).copy()
    name = ""
    for part in parts:
        name += f"{len(part)}:{part}"
    digest.update(name.encode("utf-8", "surrogatepass"))
    text = digest.hexdigest()
    variant = _VARIANT[text[16]]
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"


_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
"""Two bits of a UUID say that it is one of RFC 4122."""


@lru_cache(maxsize=4096)
def _started(namespace_uri: str, resource_type: str) -> Any:
    """A digest of hashlib that has taken in the namespace, to be copied."""
    namespace = uuid5(uuid5(NAMESPACE_URL, namespace_uri), resource_type)
    return sha1(namespace.bytes, usedforsecurity=False)
