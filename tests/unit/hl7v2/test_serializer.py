"""The serializer: well-formed bytes come back as they were."""

import pytest

from engine.hl7v2.parser import parse
from engine.hl7v2.serializer import serialize, serialize_segments

MSH = "MSH|^~\\&|A|B|C|D|2024||ADT^A01|1|P|2.5"


@pytest.mark.parametrize(
    ("charset", "codec", "name"),
    [("", "utf-8", "Müller"), ("8859/1", "iso8859_1", "Müller"), ("GB18030", "gb18030", "张伟")],
)
def test_a_parsed_message_comes_back_byte_for_byte(charset, codec, name):
    raw = f"{MSH}||||||{charset}\rPID|1||7||{name}\r".encode(codec)
    assert serialize(parse(raw).message) == raw


def test_segments_and_texts_are_written_in_order():
    message = parse(f"{MSH}\rPID|1\r".encode()).message
    raw = serialize_segments([message.header_segment, "NTE|1||ü"], "iso8859_1")
    assert raw == f"{MSH}\rNTE|1||ü\r".encode("iso8859_1")


def test_text_that_the_codec_cannot_hold_is_an_error():
    with pytest.raises(UnicodeEncodeError):
        serialize_segments(["NTE|1||山"], "iso8859_1")
