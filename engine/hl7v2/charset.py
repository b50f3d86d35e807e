"""Pure. Bytes to text by MSH-18, byte order mark, or the channel's own setting.

HL7 table 0211 names the sets; senders write other spellings. Nothing is replaced in silence: bytes
that do not fit are an error, unless the channel asked for the Windows-1252 repair or the bytes are
plainly UTF-8.
"""

from dataclasses import dataclass
from functools import lru_cache

from engine.diagnostics import Diagnostic, Place
from engine.hl7v2 import codes

_PLACE = Place(path="MSH-18")
_JAPANESE = "iso2022_jp_ext"
_SETS = {
    "ASCII": "ascii",
    "USASCII": "ascii",
    "ISOIR6": "ascii",
    "UNICODE": "utf-8",
    "UNICODEUTF8": "utf-8",
    "UTF8": "utf-8",
    "UNICODEUTF16": "utf-16",
    "UNICODEUTF32": "utf-32",
    "UTF16": "utf-16",
    "UTF32": "utf-32",
    "ISOIR14": _JAPANESE,
    "ISOIR13": _JAPANESE,
    "ISOIR87": _JAPANESE,
    "ISOIR159": _JAPANESE,
    "JIS": _JAPANESE,
    "ISO2022JP": _JAPANESE,
    "SHIFTJIS": "cp932",
    "EUCJP": "euc_jp",
    "GB180302000": "gb18030",
    "GB18030": "gb18030",
    "GB2312": "gb18030",
    "GBK": "gb18030",
    "KSX1001": "cp949",
    "EUCKR": "cp949",
    "BIG5": "big5hkscs",
    "WINDOWS1252": "cp1252",
    "CP1252": "cp1252",
    "WIN1252": "cp1252",
    "ANSI": "cp1252",
} | {
    prefix + str(part): f"iso8859_{part}"
    for part in (*range(1, 12), *range(13, 17))
    for prefix in ("8859", "ISO8859", "ISOIEC8859")
}
_STATEFUL = frozenset({_JAPANESE})
"""Codecs whose bytes are all below 0x80 though the text is not ASCII."""
_WIDE = frozenset({"utf-16", "utf-32", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"})
_C1_CONTROLS = bytes(range(0x80, 0xA0))


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text, or None when the bytes fit no allowed character set."""

    text: str | None
    codec: str
    diagnostics: tuple[Diagnostic, ...] = ()


@lru_cache(maxsize=512)
def codec_for(declared: str) -> str | None:
    """The Python codec for MSH-18 or for a channel's setting; None when unknown.

    Repetitions are joined by `~`. A repetition names a set the text may switch to; only the ISO
    2022 family does that in practice, so one such repetition decides (`~ISO IR87`: JIS).
    """
    found = None
    for repetition in declared.split("~"):
        word = "".join(mark for mark in repetition.upper() if mark.isalnum())
        codec = _SETS.get(word)
        if codec == _JAPANESE:
            return codec
        found = found or codec
    return found


def decode(
    raw: bytes,
    *,
    declared: str | None,
    override: str | None = None,
    default: str = "utf-8",
    repair_cp1252: bool = False,
) -> Decoded:
    """Decode a message.

    Args:
        raw: the whole message; a byte order mark decides before anything else.
        declared: MSH-18, repetitions joined by `~`; None or empty when absent.
        override: the channel's setting that stands above MSH-18.
        default: where nothing is declared.
        repair_cp1252: read undecodable bytes as Windows-1252, with a diagnostic.
    """
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff") or raw[:3] == b"\xef\xbb\xbf":
        return _decode_marked(raw, repair_cp1252)
    wanted = override or declared
    codec = codec_for(wanted) if wanted else (codec_for(default) or default)
    problems: tuple[Diagnostic, ...] = ()
    if codec is None:
        codec = codec_for(default) or default
        problems = (codes.CHARSET_UNKNOWN(_PLACE, codec=codec),)
    if codec not in _STATEFUL and codec not in _WIDE and raw.isascii():
        return Decoded(raw.decode("ascii"), codec, problems)
    if codec in _WIDE and raw[:3] == b"MSH":
        codec = "utf-8"  # the bytes are not wide, whatever MSH-18 says
        problems += (codes.REALLY_UTF8(_PLACE, codec="UTF-16 or UTF-32"),)
    try:
        text = raw.decode(codec)
    except UnicodeDecodeError as fault:
        return _decode_faulty(raw, codec, fault, problems, repair_cp1252)
    except LookupError:
        return _decode_faulty(raw, codec, None, problems, repair_cp1252)
    if codec.startswith("iso8859") and not override:
        return _decode_single_byte(raw, text, codec, problems, repair_cp1252)
    return Decoded(text, codec, problems)


def _decode_marked(raw: bytes, repair_cp1252: bool) -> Decoded:
    codec = "utf-8" if raw[:1] == b"\xef" else "utf-16"
    found = (codes.BOM(),)
    try:
        return Decoded(raw.decode("utf-8-sig" if codec == "utf-8" else codec), codec, found)
    except UnicodeDecodeError as fault:
        return _decode_faulty(raw, codec, fault, found, repair_cp1252)


def _decode_single_byte(
    raw: bytes, text: str, codec: str, problems: tuple[Diagnostic, ...], repair_cp1252: bool
) -> Decoded:
    """ISO 8859 takes nearly any bytes, so look for what other sets leave behind."""
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return Decoded(text, codec, (*problems, codes.MAYBE_UTF8(_PLACE, codec=codec)))
    if codec == "iso8859_1" and len(raw.translate(None, _C1_CONTROLS)) != len(raw):
        if repair_cp1252:
            return _decode_faulty(raw, codec, None, problems, repair_cp1252)
        return Decoded(text, codec, (*problems, codes.MAYBE_CP1252(_PLACE, codec=codec)))
    return Decoded(text, codec, problems)


def _decode_faulty(
    raw: bytes,
    codec: str,
    fault: UnicodeDecodeError | None,
    problems: tuple[Diagnostic, ...],
    repair_cp1252: bool,
) -> Decoded:
    """Another reading where one is certain or asked for, else no text."""
    if codec != "utf-8":
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            pass
        else:
            return Decoded(text, "utf-8", (*problems, codes.REALLY_UTF8(_PLACE, codec=codec)))
    if repair_cp1252:
        try:
            text = raw.decode("cp1252")
        except UnicodeDecodeError:
            pass
        else:
            return Decoded(text, "cp1252", (*problems, codes.REPAIRED_CP1252(_PLACE, codec=codec)))
    offset = fault.start if fault else 0
    return Decoded(None, codec, (*problems, codes.UNDECODABLE(codec=codec, offset=offset)))


def byte_offset(raw: bytes, codec: str, text: str, character: int) -> int:
    """The byte in `raw` at which a character of its own decoding `text` begins."""
    if raw.isascii() and codec not in _STATEFUL:
        return character
    if codec == "utf-8" and raw[:3] != b"\xef\xbb\xbf":
        return len(text[:character].encode("utf-8", "surrogatepass"))
    return _count_bytes(raw, "utf-8-sig" if codec == "utf-8" else codec, character)


def _count_bytes(raw: bytes, codec: str, character: int) -> int:
    """By feeding bytes until that many characters came out; for traces, never on the hot path."""
    from codecs import getincrementaldecoder

    decoder = getincrementaldecoder(codec)("replace")
    seen = 0
    for offset in range(len(raw)):
        if seen >= character:
            return offset
        seen += len(decoder.decode(raw[offset : offset + 1]))
    return len(raw)
