"""Rim. Who may connect, and how many at the same time."""

from collections.abc import Sequence
from ipaddress import ip_address, ip_network


class Admission:
    """An allow list of CIDR networks and a limit on open connections.

    Args:
        allow: networks such as `10.20.0.0/16`; none: all may connect.
        connections_max: more than this many at the same time are turned away.
    """

    def __init__(self, allow: Sequence[str], connections_max: int) -> None:
        self._networks = tuple(ip_network(text, strict=False) for text in allow)
        self._connections_max = connections_max

    def refusal(self, host: str, open_connections: int) -> str | None:
        """Why the peer may not connect (`not-allowed`, `too-many`), or None when it may.

        An IPv4 peer that arrives over an IPv6 socket (`::ffff:10.1.2.3`) counts as IPv4.
        """
        if open_connections >= self._connections_max:
            return "too-many"
        if not self._networks:
            return None
        try:
            address = ip_address(host.split("%", 1)[0])
        except ValueError:
            return "not-allowed"
        mapped = getattr(address, "ipv4_mapped", None)
        chosen = mapped if mapped is not None else address
        return None if any(chosen in network for network in self._networks) else "not-allowed"
