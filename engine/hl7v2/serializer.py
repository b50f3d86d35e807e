"""Pure. A message back to bytes.

What was parsed from well-formed bytes gives the same bytes back. Segments built or changed by a
program are written from their text.
"""

from collections.abc import Iterable

from engine.hl7v2.message import Message, Segment


def serialize(message: Message) -> bytes:
    """The message in its own codec, every segment ended by CR, without a byte order mark.

    Raises UnicodeEncodeError when the text was changed to hold what the codec cannot.
    """
    return message.text.encode(message.codec)


def serialize_segments(segments: Iterable[Segment | str], codec: str = "utf-8") -> bytes:
    """Segments, or their texts, as a message in `codec`, every one ended by CR.

    Raises UnicodeEncodeError when the codec cannot hold the text.
    """
    texts = [part.text if isinstance(part, Segment) else part for part in segments]
    return "".join(text + "\r" for text in texts).encode(codec)
