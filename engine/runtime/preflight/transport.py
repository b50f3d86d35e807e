"""Rim. Checks 1, 2 and 11: connection and TLS, clocks, and whether PATCH passes.

A connection is opened by hand, because what is looked at (protocol versions, the certificate, the
headers of gateways) is what an HTTP client hides.
"""

import asyncio
import socket
import ssl
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from engine.channel.connection import TlsConfig
from engine.channel.environment import PRIVATE_KEY_JWT, EnvironmentClass
from engine.channel.environment_guard import is_local
from engine.destinations.http_exchange import Answer
from engine.destinations.tls import client_context
from engine.runtime.preflight.findings import Finding, failed, passed, unchecked, warned
from engine.runtime.preflight.probing import Prober
from engine.runtime.preflight.subject import Subject

HEAD_BYTES_MAX = 65_536
EXPIRY_DAYS_WARN = 30
SKEW_SECONDS_WARN = 5.0
SKEW_SECONDS_FAIL = 60.0
SECONDS_MAX = 15.0
PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
DAY_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """What one connection to a host showed; `problem` when there was none."""

    host: str
    problem: str = ""
    remedy: str = ""
    tls: str = ""
    issuer: str = ""
    days_left: float | None = None
    http: str = ""
    via: str = ""
    skew_seconds: float | None = None
    """The host's clock before ours."""


async def contact(url: str, tls: TlsConfig | None, subject: Subject) -> Contact:
    """Open a connection to the host of a URL, ask for the URL, look at the head of the answer."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        async with asyncio.timeout(SECONDS_MAX):
            return await _contact(url, host, tls, subject)
    except TimeoutError:
        return Contact(
            host=host,
            problem=f"no answer within {SECONDS_MAX:g} s",
            remedy="open the way to it in the firewall",
        )
    except socket.gaierror:
        return Contact(
            host=host,
            problem="its name cannot be resolved",
            remedy="correct the host in the environment file, or the name service",
        )
    except ConnectionRefusedError:
        return Contact(
            host=host,
            problem="it refuses the connection",
            remedy="check host and port in the environment file, and that the service runs",
        )
    except ssl.SSLError as error:
        reason = getattr(error, "verify_message", "") or error.reason or "TLS failed"
        return Contact(
            host=host,
            problem=f"its certificate or TLS is not accepted: {reason}",
            remedy="name the authority that signed it in `tls: ca`; TLS 1.2 is the least",
        )
    except OSError as error:
        return Contact(
            host=host,
            problem=f"it cannot be reached ({type(error).__name__})",
            remedy="check the network, and the files of `tls`",
        )


async def _contact(url: str, host: str, tls: TlsConfig | None, subject: Subject) -> Contact:
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    options = {"ssl": client_context(tls), "server_hostname": host} if secure else {}
    if secure and tls and tls.server_name:
        options["server_hostname"] = tls.server_name
    reader, writer = await asyncio.open_connection(host, port, **options)  # type: ignore[arg-type]
    try:
        before = subject.wall_clock()
        request = f"GET {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        writer.write(f"{request}Accept: application/json\r\nConnection: close\r\n\r\n".encode())
        head = await _head(reader)
        now = (before + subject.wall_clock()) / 2
        found = writer.get_extra_info("ssl_object")
        return _seen(host, head, found, now)
    finally:
        writer.close()


async def _head(reader: asyncio.StreamReader) -> list[str]:
    """Status line and headers."""
    lines: list[str] = []
    size = 0
    while (line := await reader.readline()) not in (b"\r\n", b"\n", b""):
        size += len(line)
        if size > HEAD_BYTES_MAX:
            break
        lines.append(line.decode("latin-1").strip())
    return lines


def _seen(host: str, head: list[str], secured: ssl.SSLObject | None, now: float) -> Contact:
    headers = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(":") for line in head[1:])
    }
    issuer, days = "", None
    if secured is not None:
        certificate = secured.getpeercert() or {}
        names = dict(pair[0] for pair in certificate.get("issuer", ()))  # type: ignore[misc]
        issuer = str(names.get("organizationName") or names.get("commonName") or "unnamed")
        ends = certificate.get("notAfter")
        days = (ssl.cert_time_to_seconds(str(ends)) - now) / DAY_SECONDS if ends else None
    return Contact(
        host=host,
        tls=(secured.version() or "") if secured else "",
        issuer=issuer,
        days_left=days,
        http=head[0].partition(" ")[0] if head else "",
        via=headers.get("via", ""),
        skew_seconds=_skew(headers.get("date"), now),
    )


def _skew(date: str | None, now: float) -> float | None:
    try:
        return parsedate_to_datetime(date or "").timestamp() + 0.5 - now  # cut to the second
    except (ValueError, TypeError):
        return None


# -- check 1 --


def check_connection(subject: Subject, contacts: list[Contact]) -> list[Finding]:
    """Names, TCP, TLS 1.2 or better, a chain that is trusted, expiry, HTTP/1.1, proxies."""
    found = [finding for one in contacts for finding in _connection(one)]
    proxies = [name for name in PROXIES if subject.variables.get(name)]
    if proxies:
        found.append(
            warned(
                1,
                f"{proxies[0]} is set, but the engine connects directly",
                "let this machine reach the hosts directly, or address a reverse proxy in `fhir`",
            )
        )
    return found


def _connection(seen: Contact) -> list[Finding]:
    if seen.problem:
        return [failed(1, f"{seen.host}: {seen.problem}", seen.remedy)]
    if not seen.http.startswith("HTTP/1."):
        return [
            failed(
                1,
                f"{seen.host} does not speak HTTP/1.1",
                "check that the port is that of the HTTP service",
            )
        ]
    secured = "without TLS, within this machine" if is_local(seen.host) else "without TLS"
    if seen.tls:
        days = "" if seen.days_left is None else f", {seen.days_left:.0f} days left"
        secured = f"{seen.tls}, issued by {seen.issuer}{days}"
    via = ", through a gateway" if seen.via else ""
    evidence = f"{seen.host}: {secured}, {seen.http}{via}"
    if seen.days_left is not None and seen.days_left < EXPIRY_DAYS_WARN:
        return [warned(1, evidence, "have the certificate renewed before it ends")]
    return [passed(1, evidence)]


# -- check 2 --


def check_clock(subject: Subject, contacts: list[Contact]) -> list[Finding]:
    """The hosts' clocks against ours: a signed assertion must fall into its five minutes."""
    own = subject.tenant.authorization
    signed = own is not None and own.method == PRIVATE_KEY_JWT
    found = []
    for seen in contacts:
        if seen.problem:
            continue
        if seen.skew_seconds is None:
            found.append(
                warned(2, f"{seen.host} sends no Date header", "compare the clocks by other means")
            )
            continue
        skew = abs(seen.skew_seconds)
        evidence = f"this machine's clock and that of {seen.host} are {skew:.0f} s apart"
        if skew > SKEW_SECONDS_FAIL and signed:
            remedy = "set this machine's clock by NTP: signed assertions are refused"
            found.append(failed(2, evidence, remedy))
        elif skew > SKEW_SECONDS_WARN:
            found.append(warned(2, evidence, "set this machine's clock by NTP"))
        else:
            found.append(passed(2, evidence))
    return found or [unchecked(2, 1)]


# -- check 11 --


async def check_patch(subject: Subject, prober: Prober) -> list[Finding]:
    """Whether PATCH passes proxies: a request without a token reaches the server, or does not."""
    if not any(word == "patch" for _, word in subject.interactions()):
        return [passed(11, "no channel sends PATCH")]
    if subject.tenant.kind is EnvironmentClass.OPEN:
        return [passed(11, "the open sandbox takes no writes")]
    answer = await prober.unauthorized("PATCH", "Patient/preflight")
    status = answer.status if isinstance(answer, Answer) else answer.value
    if status == 401:
        return [passed(11, "PATCH reaches the server, which asks for a token")]
    plain = await prober.unauthorized("GET", "Patient/preflight")
    if (plain.status if isinstance(plain, Answer) else plain.value) == status:
        remedy = "put right what the checks before this one name, then run preflight again"
        return [warned(11, f"PATCH cannot be tried: GET is answered {status} too", remedy)]
    instead = await prober.unauthorized("POST", "Patient/preflight", X_HTTP_Method_Override="PATCH")
    passes = isinstance(instead, Answer) and instead.status == 401
    override = " (a POST with X-HTTP-Method-Override passes)" if passes else ""
    return [
        failed(
            11,
            f"PATCH is answered {status} before it reaches the server{override}",
            "let the proxy in between pass PATCH to this host",
        )
    ]
