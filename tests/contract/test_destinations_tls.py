"""TLS of the destinations: verified always, a client certificate where asked, files read again."""

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from engine.channel.connection import TlsConfig
from engine.channel.model import FhirDestinationConfig, MllpDestinationConfig
from engine.destinations.fhir import FhirDestination
from engine.destinations.interface import Outgoing
from engine.destinations.mllp import MllpDestination
from engine.mllp import encode_frame

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
END = dt.datetime(2036, 1, 1, tzinfo=dt.UTC)


@dataclass
class Authority:
    """Signs certificates into PEM files."""

    folder: Path
    name: str
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    @property
    def pem(self) -> str:
        certificate = self._sign(self.name, self.key, None)
        return self._write(f"{self.name}.pem", certificate)

    def issue(self, host: str) -> tuple[str, str]:
        """(certificate, key) for a host."""
        key = ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = [x509.DNSName(host)]
        if host == "127.0.0.1":
            names = [x509.IPAddress(ipaddress.ip_address(host))]
        certificate = self._sign(host, key, names)
        plain = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        file = self.folder / f"{self.name}-{host}.key"
        file.write_bytes(plain)
        return self._write(f"{self.name}-{host}.pem", certificate), str(file)

    def _sign(
        self,
        subject: str,
        key: ec.EllipticCurvePrivateKey,
        names: list[x509.GeneralName] | None,
    ) -> x509.Certificate:
        def named(text: str) -> x509.Name:
            return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

        builder = (
            x509.CertificateBuilder()
            .subject_name(named(subject))
            .issuer_name(named(self.name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(START)
            .not_valid_after(END)
            .add_extension(x509.BasicConstraints(ca=names is None, path_length=None), True)
        )
        if names is not None:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), False)
        return builder.sign(self.key, hashes.SHA256())

    def _write(self, name: str, certificate: x509.Certificate) -> str:
        file = self.folder / name
        file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return str(file)


@dataclass
class TlsServer:
    """Answers HTTP and MLLP alike, over TLS."""

    port: int = 0
    received: int = 0
    peers: list[object] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.peers.append(writer.get_extra_info("peercert"))
        try:
            while data := await reader.read(65536):
                self.received += 1
                if data.startswith(b"\x0b"):
                    writer.write(encode_frame(b"MSH|^~\\&|||||||ACK|1|P|2.5\rMSA|AA|C1\r"))
                else:
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


Listen = Callable[[ssl.SSLContext], "asyncio.Future[TlsServer]"]


@pytest_asyncio.fixture
async def listen() -> AsyncIterator[Callable[..., object]]:
    servers: list[asyncio.Server] = []

    async def start(context: ssl.SSLContext) -> TlsServer:
        found = TlsServer()
        server = await asyncio.start_server(found.serve, "127.0.0.1", 0, ssl=context)
        found.port = server.sockets[0].getsockname()[1]
        servers.append(server)
        return found

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ours")


def context_of(authority: Authority, host: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue(host))
    return context


BODY = b'{"resourceType":"Bundle","type":"transaction","entry":[]}'
HL7 = b"MSH|^~\\&|A|B|C|D|20260101||ADT^A01|C1|P|2.5.1\r"


async def send(kind: str, port: int, tls: TlsConfig | None) -> str:
    """Send one message and give the code of the answer."""
    outgoing = Outgoing(
        delivery_id=1,
        message_id=1,
        channel="adt",
        content_type="",
        body=BODY if kind == "fhir" else HL7,
    )
    destination = make(kind, port, tls)
    try:
        return (await destination.send(outgoing)).classification.code
    finally:
        await destination.close()


def make(kind: str, port: int, tls: TlsConfig | None) -> FhirDestination | MllpDestination:
    if kind == "fhir":
        url = f"https://127.0.0.1:{port}/fhir"
        config = FhirDestinationConfig(name="x", url=url, tls=tls, timeout_seconds=5.0)
        return FhirDestination(config, lambda _reference: "")
    return MllpDestination(MllpDestinationConfig(name="x", host="127.0.0.1", port=port, tls=tls))


ACCEPTED = {"fhir": "http-200", "mllp": "ack-AA"}


@pytest.mark.parametrize("kind", ["fhir", "mllp"])
async def test_server_of_the_configured_authority_is_trusted(
    listen: Listen, authority: Authority, kind: str
) -> None:
    server = await listen(context_of(authority))
    assert await send(kind, server.port, TlsConfig(ca=authority.pem)) == ACCEPTED[kind]


@pytest.mark.parametrize("kind", ["fhir", "mllp"])
async def test_server_of_another_authority_is_sent_nothing(
    listen: Listen, authority: Authority, tmp_path: Path, kind: str
) -> None:
    server = await listen(context_of(Authority(tmp_path, "theirs")))
    assert await send(kind, server.port, TlsConfig(ca=authority.pem)) == "tls-refused"
    assert server.received == 0


@pytest.mark.parametrize("kind", ["fhir", "mllp"])
async def test_name_of_the_certificate_must_be_the_servers(
    listen: Listen, authority: Authority, kind: str
) -> None:
    server = await listen(context_of(authority, "ehr.example.org"))
    assert await send(kind, server.port, TlsConfig(ca=authority.pem)) == "tls-refused"
    named = TlsConfig(ca=authority.pem, server_name="ehr.example.org")
    assert await send(kind, server.port, named) == ACCEPTED[kind]


@pytest.mark.parametrize("kind", ["fhir", "mllp"])
async def test_client_certificate_is_shown_where_the_server_asks(
    listen: Listen, authority: Authority, kind: str
) -> None:
    context = context_of(authority)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.pem)
    server = await listen(context)
    certificate, key = authority.issue("engine")
    tls = TlsConfig(ca=authority.pem, certificate=certificate, key=key)
    assert await send(kind, server.port, tls) == ACCEPTED[kind]
    assert server.peers[-1]


@pytest.mark.parametrize("kind", ["fhir", "mllp"])
async def test_missing_file_sends_nothing_and_is_tried_again(
    listen: Listen, authority: Authority, kind: str
) -> None:
    server = await listen(context_of(authority))
    code = await send(kind, server.port, TlsConfig(ca="/absent/ca.pem"))
    assert code == "tls-refused"
    assert server.received == 0


async def test_changed_authority_file_is_read_again(
    listen: Listen, authority: Authority, tmp_path: Path
) -> None:
    server = await listen(context_of(authority))
    file = tmp_path / "ca.pem"
    file.write_text(Path(Authority(tmp_path, "theirs").pem).read_text())  # noqa: ASYNC240
    destination = make("fhir", server.port, TlsConfig(ca=str(file)))
    outgoing = Outgoing(delivery_id=1, message_id=1, channel="adt", content_type="", body=BODY)
    assert (await destination.send(outgoing)).classification.code == "tls-refused"
    file.write_text(Path(authority.pem).read_text())  # noqa: ASYNC240
    assert (await destination.send(outgoing)).classification.code == "http-200"
    await destination.close()
