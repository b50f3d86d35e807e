"""Pure. A parsed message: its text and its segments. Fields are split when first read."""

from engine.hl7v2.delimiters import Delimiters


class Segment:
    """One segment. Everything below it is text, still escaped.

    `index` is 0-based in the message; `start` is the offset of `text` in `Message.text`.
    """

    __slots__ = ("_fields", "index", "name", "separator", "start", "text")

    def __init__(self, name: str, text: str, index: int, start: int, separator: str) -> None:
        self.name = name
        self.text = text
        self.index = index
        self.start = start
        self.separator = separator
        self._fields: list[str] | None = None

    @property
    def fields(self) -> list[str]:
        """Index n is field n, 0 the name; of MSH, 1 is the separator and 2 the other delimiters."""
        fields = self._fields
        if fields is None:
            fields = self.text.split(self.separator)
            if self.name in _HEADERS:
                fields.insert(1, self.separator)
            self._fields = fields
        return fields

    def field(self, number: int) -> str:
        """Field `number` as it stands, `""` when absent."""
        fields = self._fields
        if fields is None:
            fields = self.fields
        return fields[number] if number < len(fields) else ""

    def field_start(self, number: int) -> int:
        """The offset of field `number` in `Message.text`."""
        fields = self.fields
        if self.name in _HEADERS:
            if number == 0:
                return self.start
            if number == 1:
                return self.start + len(fields[0])
            before = fields[0:1] + fields[2:number]
        else:
            before = fields[:number]
        return self.start + sum(len(text) + 1 for text in before)

    def __repr__(self) -> str:
        """The place only: values are patient data."""
        return f"<Segment {self.name} at {self.index}>"


_HEADERS = frozenset({"MSH", "BHS", "FHS"})
"""Segments whose field 1 is the field separator itself."""


class Message:
    """One message as text.

    `text` has every segment ended by CR. `raw` is what was received. `structure` is the message
    structure, such as `ADT_A01`, by MSH-9.3 or the event table, empty when unknown; `version` is a
    known version.
    """

    __slots__ = (
        "_by_name",
        "codec",
        "delimiters",
        "raw",
        "segments",
        "structure",
        "text",
        "version",
    )

    def __init__(
        self,
        *,
        text: str,
        segments: list[Segment],
        delimiters: Delimiters,
        codec: str,
        raw: bytes,
        structure: str,
        version: str,
    ) -> None:
        self.text = text
        self.segments = segments
        self.delimiters = delimiters
        self.codec = codec
        self.raw = raw
        self.structure = structure
        self.version = version
        self._by_name: dict[str, list[Segment]] | None = None

    @property
    def header_segment(self) -> Segment:
        """MSH."""
        return self.segments[0]

    @property
    def message_type(self) -> str:
        """MSH-9.1 and MSH-9.2, such as `ADT^A01`, with `^` whatever the delimiters are."""
        text = self.header_segment.field(9).split(self.delimiters.repetition, 1)[0]
        return "^".join(text.split(self.delimiters.component)[:2])

    def segment_list(self, name: str) -> list[Segment]:
        """Every segment of that name, in order; an empty list for none."""
        by_name = self._by_name
        if by_name is None:
            by_name = {}
            for segment in self.segments:
                found = by_name.get(segment.name)
                if found is None:
                    by_name[segment.name] = [segment]
                else:
                    found.append(segment)
            self._by_name = by_name
        return by_name.get(name, _NONE)

    def __repr__(self) -> str:
        """The shape only: values are patient data."""
        return f"<Message {self.structure or '?'} {self.version}, {len(self.segments)} segments>"


_NONE: list[Segment] = []
