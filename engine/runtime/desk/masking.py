"""Rim. Which values of patients a masked viewer sees, in messages and FHIR (documents: see
`document_masking`).

It fails closed: only what is listed is shown, and what is listed carries no identity: types, codes,
statuses, set ids. Everything else becomes `***`, free text and segments nobody listed among it,
also the words of acknowledgments and outcomes: receivers say in them what they were sent. A site
adds fields to either side in `console.yaml`.

An element of a resource inherits the mask of the fields it was made of, by the trace; where there
is no trace, by its name.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.hl7v2.message import Message
    from engine.mapping.trace import Trace

HIDDEN = "***"

SHOWN_SEGMENTS = frozenset({"MSH", "FHS", "BHS", "BTS", "FTS"})
"""Shown whole."""

SHOWN_FIELDS: Mapping[str, frozenset[int]] = {
    "EVN": frozenset({1, 2, 4}),
    "MSA": frozenset({1, 2, 4}),
    "ERR": frozenset({1, 2, 3, 4, 5}),
    "PID": frozenset({1, 8}),
    "PV1": frozenset({1, 2, 4, 10, 14, 18, 36, 39}),
    "PV2": frozenset({2}),
    "ORC": frozenset({1, 5}),
    "OBR": frozenset({1, 4, 24, 25}),
    "OBX": frozenset({1, 2, 3, 6, 11}),
    "AL1": frozenset({1, 2}),
    "DG1": frozenset({1, 2, 6}),
    "PR1": frozenset({1}),
    "NK1": frozenset({1, 3}),
    "GT1": frozenset({1}),
    "IN1": frozenset({1}),
    "SPM": frozenset({1, 4}),
    "NTE": frozenset({1, 2}),
    "RXA": frozenset({1, 2, 20, 21}),
    "SCH": frozenset({25}),
    "RGS": frozenset({1, 2}),
    "AIS": frozenset({1, 2, 10}),
    "AIL": frozenset({1, 2}),
    "AIP": frozenset({1, 2}),
    "AIG": frozenset({1, 2}),
    "TXA": frozenset({1, 2, 17, 19}),
    "PD1": frozenset(),
    "MRG": frozenset(),
}
"""Fields shown of other segments; a segment that is not listed is hidden but for its name."""

SHOWN_ELEMENTS = frozenset(
    {
        "resourceType", "type", "status", "system", "code", "class", "use", "active", "gender",
        "intent", "method", "fullUrl", "mode", "rank", "unit", "clinicalStatus",
        "verificationStatus", "category", "eventCoding", "severity",
        "profile", "lastUpdated",
    }
)  # fmt: skip
"""FHIR elements whose texts are shown; of codes those of a code system, not the sender's own."""

_FIELD = re.compile(r"([A-Z][A-Z0-9]{2})(?:\[[0-9]+\])?(?:-([0-9]{1,3}))?(?![0-9])")
_PLAIN_PATH = re.compile(r"[A-Z][A-Za-z]*(?:\.[A-Za-z]+(?:\[[0-9]+\])?)+")
"""An `expression` of an outcome that names a place and compares nothing."""


class _Verdict(Enum):
    """What the trace says about an element."""

    SHOWN = auto()
    HIDDEN = auto()
    BY_NAME = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskingPolicy:
    """What is shown. The shipped policy is `MaskingPolicy()`."""

    whole: frozenset[str] = SHOWN_SEGMENTS
    """Segments shown whole."""
    fields: Mapping[str, frozenset[int]] = field(default_factory=lambda: SHOWN_FIELDS)
    """Fields shown of the others."""
    elements: frozenset[str] = SHOWN_ELEMENTS
    """FHIR elements shown where no trace says what they were made of."""

    def changed(self, show: Iterable[str] = (), hide: Iterable[str] = ()) -> "MaskingPolicy":
        """This policy with fields such as `PV1-3` shown or hidden. Hiding wins.

        Args:
            show: fields to show in addition.
            hide: fields to hide, also of segments shown whole.
        """
        fields = dict(self.fields)
        whole = set(self.whole)
        for name, number in map(field_of, show):
            fields[name] = fields.get(name, frozenset()) | {number}
        for name, number in map(field_of, hide):
            if name in whole:
                whole.discard(name)
                fields[name] = frozenset(range(1, 100))
            fields[name] = fields.get(name, frozenset()) - {number}
        return replace(self, whole=frozenset(whole), fields=fields)

    def shows(self, path: str) -> bool:
        """True when what stands at a path of a message is shown.

        Args:
            path: `PID-8`, `OBX[3]-3[1].1`, `MSH`; anything else is hidden.
        """
        match = _FIELD.match(path)
        if match is None:
            return False
        name, number = match.groups()
        if name in self.whole:
            return True
        return number is not None and int(number) in self.fields.get(name, frozenset())

    def segment(self, text: str, separator: str) -> str:
        """One segment's text with hidden fields replaced; name and separators stay."""
        parts = text.split(separator)
        name = parts[0]
        if name in self.whole:
            return text
        shown = self.fields.get(name, frozenset())
        # what stands at index n is field n, but in MSH, whose first field is the separator
        ahead = 1 if name in ("MSH", "FHS", "BHS") else 0
        return separator.join(
            value if number == 0 or number + ahead in shown or not value else HIDDEN
            for number, value in enumerate(parts)
        )

    def message(self, message: "Message") -> list[str]:
        """The segments of a message, masked."""
        separator = message.delimiters.field
        return [self.segment(one.text, separator) for one in message.segments]

    def resource(self, value: Any, element: str = "") -> Any:
        """A FHIR value with every text hidden unless its element is listed."""
        if isinstance(value, dict):
            own = value.keys().isdisjoint(("system", "severity"))
            return {
                key: HIDDEN
                if own and key == "code" and isinstance(item, str)
                else self.resource(item, key)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [self.resource(item, element) for item in value]
        if isinstance(value, bool) or value is None or element in self.elements:
            return value
        if element == "expression" and isinstance(value, str) and _PLAIN_PATH.fullmatch(value):
            return value
        return HIDDEN

    def traced(self, resource: Mapping[str, Any], resource_id: str, trace: "Trace") -> Any:
        """A resource whose elements are shown when all fields they were made of are.

        Elements that were made of no field, or of which the trace does not know, are shown by
        their names. Of a document, which has no fields, all are.
        """
        from engine.mapping.run import segment_paths
        from engine.mapping.trace import position_path

        if trace.message is None:
            return self.resource(resource)
        names = segment_paths(trace.message.segments)
        known: dict[str, _Verdict] = {}
        for record in trace.records:
            if record.resource_id != resource_id:
                continue
            shown = all(self.shows(position_path(one, names)) for one in record.sources)
            verdict = _Verdict.SHOWN if shown else _Verdict.HIDDEN
            if not record.sources:
                verdict = _Verdict.BY_NAME  # a constant of the map
            if known.get(record.path) is not _Verdict.HIDDEN:
                known[record.path] = verdict
        path = str(resource.get("resourceType", ""))
        return self._traced(resource, path, "", known, _Verdict.BY_NAME)

    def _traced(
        self, value: Any, path: str, element: str, known: Mapping[str, "_Verdict"],
        around: "_Verdict",
    ) -> Any:  # fmt: skip
        verdict = known.get(path, around)
        if isinstance(value, Mapping):
            own = value.keys().isdisjoint(("system", "severity"))
            return {
                key: self._traced(
                    item, f"{path}.{key}", "" if own and key == "code" else key, known, verdict
                )
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [
                self._traced(item, f"{path}[{index}]", element, known, verdict)
                for index, item in enumerate(value)
            ]
        if verdict is _Verdict.BY_NAME:
            return self.resource(value, element)
        return value if verdict is _Verdict.SHOWN or value is None else HIDDEN

    def source(self, text: str) -> str:
        """Where a message came from; of a file only the folder: senders name files by patients."""
        if not text.startswith("directory "):
            return text
        folder, slash, name = text.rpartition("/")
        return f"{folder}{slash}{HIDDEN}" if name else text


SHIPPED = MaskingPolicy()


def field_of(text: str) -> tuple[str, int]:
    """`PV1-3` as its segment and number. Raises ValueError."""
    match = re.fullmatch(r"([A-Z][A-Z0-9]{2})-([1-9][0-9]?)", text)
    if match is None:
        raise ValueError("a field is written as PV1-3: its segment, a dash and its number")
    return match[1], int(match[2])
