"""Stored bodies."""

import random

import pytest

from engine.store.compression import PLAIN, WORTH_TRYING_BYTES, ZSTANDARD, Compression


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x",
        b"x" * (WORTH_TRYING_BYTES - 1),
        b"x" * WORTH_TRYING_BYTES,
        bytes(range(256)) * 50,
        random.Random(1).randbytes(5000),
    ],
)
def test_what_is_packed_comes_back(data):
    compression = Compression()
    assert compression.unpack(compression.pack(data)) == data


def test_what_repeats_becomes_smaller():
    packed = Compression().pack(b'{"resourceType":"Patient"}' * 300)
    assert packed[:1] == ZSTANDARD
    assert len(packed) < 200


def test_noise_and_short_bodies_are_kept_plain():
    assert Compression().pack(b"short")[:1] == PLAIN
    noise = random.Random(2).randbytes(5000)
    assert Compression().pack(noise) == PLAIN + noise


def test_a_damaged_body_is_a_value_error_that_names_no_content():
    packed = Compression().pack(b"SMITH^JOHN" * 100)
    with pytest.raises(ValueError, match="does not unpack"):
        Compression().unpack(packed[:5] + b"?" + packed[6:-4])
