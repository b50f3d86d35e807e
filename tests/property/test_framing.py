"""Framing holds for any slicing of any stream."""

from hypothesis import given
from hypothesis import strategies as st

from engine.mllp import Frame, FrameDecoder, encode_frame

PAYLOAD = st.binary(min_size=1, max_size=60).map(
    lambda data: data.replace(b"\x0b", b".").replace(b"\x1c", b".")
)
LIMITS = st.sampled_from([5, 40, 1000])


def received(parts, **options):
    """Everything a decoder gives for these parts, ending with the disconnect."""
    decoder = FrameDecoder(frame_bytes_max=options.pop("frame_bytes_max", 1000), **options)
    found = []
    for part in parts:
        found += decoder.feed(part)
    return found + decoder.close()


def sliced(data, raw):
    """The stream in drawn slices."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=8)))
    return [raw[start:end] for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True)]


@given(st.lists(PAYLOAD, max_size=5))
def test_every_split_of_a_framed_stream_yields_the_same_frames(payloads):
    raw = b"".join(encode_frame(payload) for payload in payloads)
    whole = [Frame(payload) for payload in payloads]
    assert received([raw]) == whole
    for cut in range(len(raw) + 1):
        assert received([raw[:cut], raw[cut:]]) == whole
    assert received([raw[at : at + 1] for at in range(len(raw))]) == whole


@given(st.data(), st.binary(max_size=200), LIMITS, st.booleans(), st.booleans())
def test_any_bytes_in_any_slices_give_the_same_frames_and_codes(
    data, raw, limit, final_cr_required, junk_between_frames
):
    options = {
        "frame_bytes_max": limit,
        "final_cr_required": final_cr_required,
        "junk_between_frames": junk_between_frames,
    }
    dense = raw.translate(bytes(b"\x0b\x1c\r\nabcdefgh"[byte % 12] for byte in range(256)))

    def outline(parts):
        return [
            each.payload if isinstance(each, Frame) else each.code
            for each in received(parts, **options)
        ]

    for stream in (raw, dense):
        whole = outline([stream])
        assert outline(sliced(data, stream)) == whole
        assert outline([stream[at : at + 1] for at in range(len(stream))]) == whole


@given(st.binary(max_size=300))
def test_what_is_given_back_never_exceeds_what_came(raw):
    found = received([raw], junk_between_frames=True, final_cr_required=False)
    size = sum(len(each.payload if isinstance(each, Frame) else each.data) for each in found)
    assert size <= len(raw)


@given(PAYLOAD, st.binary(min_size=1, max_size=30))
def test_frames_survive_junk_between_them(payload, junk):
    junk = junk.replace(b"\x0b", b".") + b"x"
    raw = encode_frame(payload) + junk + encode_frame(payload)
    found = received([raw], junk_between_frames=True)
    assert [each for each in found if isinstance(each, Frame)] == [Frame(payload)] * 2
