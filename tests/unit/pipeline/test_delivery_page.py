"""docs/delivery.md names every failure code there is."""

import re
from pathlib import Path

from engine.destinations.authorization.failures import FAILURE_CODES
from engine.pipeline import response, retry
from engine.runtime.worker import configured_outlets, delivery

PAGE = (Path(__file__).parents[3] / "docs" / "delivery.md").read_text(encoding="utf-8")


def test_every_failure_code_is_in_the_page() -> None:
    codes = {fault.value for fault in response.Fault}
    codes |= {f"ack-{code}" for code in response.ACKNOWLEDGMENT_CODES}
    codes |= {f"http-{status}" for status in response.HTTP_STATUSES}
    codes |= {retry.EXHAUSTED_AGE, retry.EXHAUSTED_ATTEMPTS, configured_outlets.DESTINATION_GONE}
    codes |= set(FAILURE_CODES)
    for module in (response, delivery):
        codes |= {
            value.code
            for value in vars(module).values()
            if isinstance(value, response.Classification)
        }
    named = set(re.findall(r"`([a-z0-9A-Z-]+)`", PAGE))
    assert sorted(codes - named) == []
