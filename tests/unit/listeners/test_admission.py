"""Who may connect."""

import pytest

from engine.listeners.admission import Admission


@pytest.mark.parametrize(
    ("host", "refusal"),
    [
        ("10.20.0.1", None),
        ("10.20.255.255", None),
        ("::ffff:10.20.0.1", None),
        ("fe80::1%eth0", None),
        ("10.21.0.1", "not-allowed"),
        ("::1", "not-allowed"),
        ("", "not-allowed"),
        ("not an address", "not-allowed"),
    ],
)
def test_only_addresses_of_the_networks_may_connect(host: str, refusal: str | None) -> None:
    admission = Admission(("10.20.0.0/16", "fe80::/10"), 10)
    assert admission.refusal(host, 0) == refusal


def test_a_network_may_be_written_with_host_bits() -> None:
    assert Admission(("10.20.3.4/16",), 10).refusal("10.20.9.9", 0) is None


def test_without_networks_everybody_may_connect_up_to_the_limit() -> None:
    admission = Admission((), 2)
    assert admission.refusal("192.0.2.1", 1) is None
    assert admission.refusal("192.0.2.1", 2) == "too-many"
