"""Pure. What texts of a channel file must look like: names, networks, zones, character sets.

Each function answers None for a well-formed text, else what is wrong with it in a few words.
"""

import codecs
import ipaddress
import re
import zoneinfo
from urllib.parse import urlsplit

from engine.diagnostics import did_you_mean
from engine.fhir.definitions import resource_types

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}\Z")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_HOST = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_-]+)*\.?\Z"
)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+\Z")
_OID_URN = re.compile(r"urn:oid:[0-2](\.(0|[1-9]\d*))+\Z")
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")

SECRET_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "x-api-key", "api-key", "x-auth-token"}
)
FILE_NAME_FIELDS = ("received", "message_id", "channel", "message_type", "control_id_hash")
CHARSETS_OF_HL7 = frozenset(
    {"ASCII", "UNICODE UTF-8", "UNICODE", "ISO IR87", "ISO IR159", "ISO IR14", "GB 18030-2000"}
    | {f"8859/{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)}
)


def check_name(text: str) -> str | None:
    """A channel or destination name: also used in paths, metrics and commands."""
    if _NAME.match(text):
        return None
    return "use lower-case letters, digits, `-`, `_` and `.`, at most 63"


def check_identifier(text: str) -> str | None:
    """A search kind or parameter name."""
    return None if _IDENTIFIER.match(text) else "use lower-case letters, digits and `_`"


def check_resource_type(text: str) -> str | None:
    """A resource type of R4."""
    known = resource_types()
    return None if text in known else did_you_mean(text, known) or "name a resource type of R4"


def check_network(text: str) -> str | None:
    """A CIDR network or a single address, IPv4 or IPv6."""
    try:
        ipaddress.ip_network(text)
    except ValueError as failure:
        if "host bits set" in str(failure):
            network = ipaddress.ip_network(text, strict=False)
            return f"the address has bits beyond its prefix, did you mean {network}?"
        return "write an address or a network such as 10.20.0.0/16"
    return None


def check_address(text: str) -> str | None:
    """The address a listener binds."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        if text == "localhost":
            return "write 127.0.0.1 or ::1"
        return "write an IP address such as 127.0.0.1, or 0.0.0.0 for all"
    return None


def check_host(text: str) -> str | None:
    """A host name or IP address to connect to."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        if "://" in text or "/" in text:
            return "write the host alone, without scheme or path"
        if ":" in text:
            return "write the port under `port`"
        return None if _HOST.match(text) else "this is not a host name"
    return None


def check_url(text: str) -> str | None:
    """The base URL of an HTTP destination."""
    try:
        parts = urlsplit(text)
        port_known = parts.port is None or parts.port > 0
    except ValueError:
        return "it cannot be read as a URL"
    if parts.scheme not in ("http", "https"):
        return "it must begin with http:// or https://"
    if not parts.hostname or not port_known:
        return "it names no host"
    if parts.query or parts.fragment:
        return "a base URL has no ? and no #"
    return None


def has_password(text: str) -> bool:
    """True for a URL that carries a user name or password."""
    return "@" in text.partition("://")[2].partition("/")[0]


def check_url_path(text: str) -> str | None:
    """The path of an HTTP listener."""
    if not text.startswith("/"):
        return "it must begin with /"
    if any(character in text for character in " ?#"):
        return "a path has no space, ? or #"
    return None


def check_time_zone(text: str) -> str | None:
    """An IANA time zone."""
    try:
        zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        near = did_you_mean(text, zoneinfo.available_timezones())
        return near or "write an IANA name such as America/Chicago"
    return None


def check_charset(text: str) -> str | None:
    """A Python codec or a name of HL7 table 0211."""
    if text.upper() in CHARSETS_OF_HL7:
        return None
    try:
        codecs.lookup(text)
    except (LookupError, ValueError):
        return "write a name such as utf-8, cp1252, iso-8859-1 or 8859/1"
    return None


def check_uri(text: str) -> str | None:
    """A system URI: absolute, an OID as `urn:oid:`."""
    if text.startswith("urn:oid:") and not _OID_URN.match(text):
        return "the part after urn:oid: is not an OID"
    if re.match(r"[0-2](\.\d+)+\Z", text):
        return f"write urn:oid:{text}"
    return None if _URI.match(text) else "write an absolute URI such as urn:oid:2.16.840.1.113883.3"


def check_header_name(text: str) -> str | None:
    """An HTTP header name, RFC 9110 section 5.1."""
    return None if _HEADER_NAME.match(text) else "this is not an HTTP header name"


def check_glob(text: str) -> str | None:
    """A file name pattern of a folder listener."""
    return "a pattern names files, not folders" if "/" in text or "\\" in text else None


def check_folder_name(text: str) -> str | None:
    """The name of a sub-folder."""
    bad = "/" in text or "\\" in text or text in ("", ".", "..")
    return "write the name of a sub-folder, without /" if bad else None


def check_not_empty(text: str) -> str | None:
    """Any text with something in it."""
    return None if text.strip() else "it is empty"


def check_file_pattern(text: str) -> str | None:
    """The file name pattern of a file destination."""
    if "/" in text or "\\" in text:
        return "a pattern names files; the folder is `path`"
    names = [found.partition(":")[0] for found in _PLACEHOLDER.findall(text)]
    if _PLACEHOLDER.sub("", text).count("{") or _PLACEHOLDER.sub("", text).count("}"):
        return "a { or } stands alone"
    for name in names:
        if name not in FILE_NAME_FIELDS:
            hint = did_you_mean(name, FILE_NAME_FIELDS)
            return f"unknown field {{{name}}}, {hint or 'known: ' + ', '.join(FILE_NAME_FIELDS)}"
    if "message_id" not in names:
        return "without {message_id} one message would overwrite another"
    return None
