"""Pure. Ids derived from business keys, so that the same message always makes the same resources.

UUID version 5 (RFC 9562 section 5.5): the namespace is made of the URI of the source system and the
resource type, the name of the parts of the key. Each part is written with its length, so that
("a", "b|c") and ("a|b", "c") cannot meet.
"""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha1
from uuid import NAMESPACE_URL, UUID, uuid5


def resource_id(namespace_uri: str, resource_type: str, parts: Sequence[str]) -> str:
    """The id of a resource, as 36 lower-case characters.

    Args:
        namespace_uri: URI of the source system; two systems never share an id.
        resource_type: such as `Patient`; two types never share an id.
        parts: the business key, such as (assigner URI, identifier value).
    """
    name = "".join([f"{len(part)}:{part}" for part in parts])
    prefix = _namespace(namespace_uri, resource_type).bytes
    digest = sha1(prefix + name.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()
    variant = "89ab"[int(digest[16], 16) & 3]
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"


@lru_cache(maxsize=4096)
def _namespace(namespace_uri: str, resource_type: str) -> UUID:
    return uuid5(uuid5(NAMESPACE_URL, namespace_uri), resource_type)
