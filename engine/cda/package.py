"""Pure. Several documents that come as one: a zip archive, an XDM archive, or a form of HTTP.

Archives are hostile until proven otherwise: names are never used for anything but telling what is
no document, limits hold on entries, sizes and ratio before and while an entry is unpacked, and an
archive inside an archive is not opened. Each part is unpacked when its turn comes, so a large
archive takes the memory of one document. A part that cannot be read costs that part.

PKWARE APPNOTE 6.3 (4.3.16), IHE ITI TF-2 3.32 (XDM), RFC 7578, RFC 2046 5.1.
"""

import re
import struct
import zipfile
import zlib
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

from engine.cda import codes
from engine.cda.reader import is_document
from engine.diagnostics import Diagnostic

ENTRIES_MAX = 2_000
PART_BYTES_MAX = 50_000_000
"""Of one entry, unpacked: as much as a listener takes of one document by default."""
DIRECTORY_BYTES_MAX = 1_000_000
"""Of the list of entries at the end of an archive."""
UNPACKED_BYTES_MAX = 1_000_000_000
"""Of all entries together, by their own word; none may turn out larger than it says."""
RATIO_MAX = 250
"""Unpacked to packed size; documents of hospitals reach some 60."""
RATIO_FREE_BYTES = 1_000_000
"""Below this size the ratio does not matter."""
PARTS_MAX = 200
"""Of a form."""
PART_HEAD_BYTES_MAX = 8_192
KEPT_BYTES_MAX = 65_536
"""Of a part that is no document this much is kept."""

ZIP, FORM = "archive", "form"

_END = b"PK\x05\x06"
_ENTRY = b"PK\x03\x04"
_BOUNDARY = re.compile(rb"\A--([^\r\n]{1,70})\r\n(?=[A-Za-z-]{1,40}:)")
_ENCODING = re.compile(rb"^content-transfer-encoding:\s*base64\s*$", re.I | re.M)
_FILE_NAME = re.compile(rb";\s*filename\*?=", re.I)
_BESIDE = re.compile(
    r"(?:\A|/)(?:metadata\.xml|index\.html?|readme(?:\.[a-z]{2,4})?|thumbs\.db|desktop\.ini"
    r"|\.ds_store|\._[^/]*)\Z|(?:\A|/)__macosx/|\.(?:xslt?|css|js|dtd|xsd|html?)\Z",
    re.I,
)
"""What XDM and computers put beside documents: metadata, style sheets, indexes."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A part that is not taken in: why, and how it begins."""

    problem: Diagnostic
    data: bytes = b""


Part = Callable[[], bytes | Refused]
"""Gives the bytes of one part when its turn comes. Never raises."""


@dataclass(frozen=True, slots=True)
class Package:
    """The parts of what came as one."""

    parts: tuple[Part, ...]
    problem: Diagnostic | None = None
    """Why nothing of it can be taken."""


def is_package(raw: bytes) -> bool:
    """True for the bytes of an archive or a form; `open_package` says what is in it."""
    return raw[:4] in (_ENTRY, _END) or (raw[:2] == b"--" and _BOUNDARY.match(raw) is not None)


def open_package(raw: bytes) -> Package:
    """List what is in an archive or a form. Never raises, whatever the bytes are.

    Args:
        raw: bytes for which `is_package` holds.
    """
    if raw[:2] == b"--":
        return _open_form(raw)
    return _open_archive(raw)


def _open_archive(raw: bytes) -> Package:
    problem = _directory_problem(raw)
    if problem is not None:
        return Package((), problem)
    try:
        archive = zipfile.ZipFile(BytesIO(raw))
        entries = [one for one in archive.infolist() if not one.is_dir()]
    except (zipfile.BadZipFile, ValueError, OSError, RuntimeError, EOFError, struct.error):
        return Package((), codes.PACKAGE_BROKEN(kind=ZIP, problem="its list of entries is damaged"))
    if sum(one.file_size for one in entries) > UNPACKED_BYTES_MAX:
        return Package(
            (), codes.PACKAGE_TOO_LARGE(kind=ZIP, limit=UNPACKED_BYTES_MAX, unit="bytes")
        )
    parts: list[Part] = []
    for entry in entries:
        if not _BESIDE.search(entry.filename.replace("\\", "/")):
            parts.append(_entry_part(archive, entry, len(parts) + 1))
    if not parts:
        return Package((), codes.PACKAGE_EMPTY(kind=ZIP))
    return Package(tuple(parts))


def _directory_problem(raw: bytes) -> Diagnostic | None:
    """The limits on the list of entries, held before anything reads it."""
    at = raw.rfind(_END, max(0, len(raw) - 65_557))
    if at < 0 or len(raw) - at < 22:
        return codes.PACKAGE_BROKEN(kind=ZIP, problem="its end is missing")
    count = int.from_bytes(raw[at + 10 : at + 12], "little")
    size = int.from_bytes(raw[at + 12 : at + 16], "little")
    if count > ENTRIES_MAX or size > DIRECTORY_BYTES_MAX:
        return codes.PACKAGE_TOO_LARGE(kind=ZIP, limit=ENTRIES_MAX, unit="entries")
    return None


def _entry_part(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, number: int) -> Part:
    def read() -> bytes | Refused:
        if entry.flag_bits & 0x1:
            return Refused(codes.PART_BROKEN(number=number, problem="it is encrypted"))
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            return Refused(codes.PART_BROKEN(number=number, problem="its packing is not known"))
        if _is_bomb(entry):
            return Refused(codes.PART_TOO_LARGE(number=number, limit=PART_BYTES_MAX))
        try:
            with archive.open(entry) as opened:
                data = opened.read(PART_BYTES_MAX + 1)
        except (zipfile.BadZipFile, zlib.error, ValueError, OSError, EOFError, RuntimeError):
            return Refused(codes.PART_BROKEN(number=number, problem="its bytes are damaged"))
        if len(data) > PART_BYTES_MAX:
            return Refused(codes.PART_TOO_LARGE(number=number, limit=PART_BYTES_MAX))
        return _document_or_refused(data, number)

    return read


def _is_bomb(entry: zipfile.ZipInfo) -> bool:
    if entry.file_size > PART_BYTES_MAX:
        return True
    ratio = entry.file_size / max(entry.compress_size, 1)
    return entry.file_size > RATIO_FREE_BYTES and ratio > RATIO_MAX


def _document_or_refused(data: bytes, number: int) -> bytes | Refused:
    if is_document(data):
        return data
    kind = "another archive" if data[:4] in (_ENTRY, _END) else "a file of another kind"
    return Refused(codes.PART_NOT_TAKEN(number=number, kind=kind), data[:KEPT_BYTES_MAX])


def _open_form(raw: bytes) -> Package:
    sections, problem = _sections(raw)
    if problem is not None:
        return Package((), problem)
    parts: list[Part] = []
    for begin, end in sections:
        parts.extend(_form_parts(raw, begin, end, len(parts) + 1))
    if not parts:
        return Package((), codes.PACKAGE_EMPTY(kind=FORM))
    return Package(tuple(parts))


def _sections(raw: bytes) -> tuple[list[tuple[int, int]], Diagnostic | None]:
    """Where each part of a form begins and ends; nothing of it is copied."""
    match = _BOUNDARY.match(raw)
    if match is None:
        return [], codes.PACKAGE_BROKEN(kind=FORM, problem="its boundary is missing")
    mark = b"\r\n--" + match[1].rstrip()
    found: list[tuple[int, int]] = []
    begin = match.end()
    at = raw.find(mark, begin - 2)
    while at >= 0:
        after = at + len(mark)
        follows = raw[after : after + 2]
        if follows == b"--" or follows[:1] in b"\r \t":
            found.append((begin, at))
            begin = after
            if len(found) > PARTS_MAX:
                return [], codes.PACKAGE_TOO_LARGE(kind=FORM, limit=PARTS_MAX, unit="parts")
            if follows == b"--":
                return found, None
        at = raw.find(mark, after)
    return [], codes.PACKAGE_BROKEN(kind=FORM, problem="its end is missing")


def _form_parts(raw: bytes, begin: int, end: int, number: int) -> list[Part]:
    """The documents of one part of a form; none for a plain field."""
    blank = raw.find(b"\r\n\r\n", begin, min(end, begin + PART_HEAD_BYTES_MAX))
    if blank < 0:
        broken = Refused(codes.PART_BROKEN(number=number, problem="its header does not end"))
        return [lambda: broken]
    head, start = raw[begin:blank].replace(b"\r\n", b"\n"), blank + 4
    if _ENCODING.search(head):
        try:
            decoded = b64decode(raw[start:end])
        except ValueError:
            broken = Refused(codes.PART_BROKEN(number=number, problem="it is no base64"))
            return [lambda: broken]
        raw, start, end = decoded, 0, len(decoded)
    first = raw[start : min(end, start + 64)]
    if not _FILE_NAME.search(head) and not is_document(first):
        return []
    if first[:4] not in (_ENTRY, _END):
        return [lambda: _document_or_refused(raw[start:end], number)]
    inner = _open_archive(raw[start:end])
    if inner.problem is None:
        return list(inner.parts)
    refused = Refused(inner.problem)
    return [lambda: refused]
