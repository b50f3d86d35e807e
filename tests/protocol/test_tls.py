"""TLS of the MLLP listener, both ends in memory: who is let in, and files that change while it
runs."""

from pathlib import Path
from typing import Any

import pytest
from certificates import Authority, Issued
from cryptography.x509.oid import NameOID
from OpenSSL import SSL
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from engine.channel.connection import TlsConfig
from engine.channel.model import MllpListenerConfig
from engine.listeners.mllp import MllpListener
from engine.mllp import FrameFault, encode_frame
from engine.telemetry.events import CertificateLoaded, CertificateRefused
from engine.telemetry.recorder import MemoryRecorder


class Sink:
    def __init__(self) -> None:
        self.sources: list[str] = []

    def receive(self, connection: Any, payload: bytes) -> None:
        self.sources.append(connection.source)
        connection.answer([b"AA"])

    def receive_fault(self, connection: Any, fault: FrameFault) -> None:
        raise AssertionError(fault.code)

    def lost(self, connection: Any) -> None:
        pass


class Client:
    """A TLS client that talks to a protocol through two buffers."""

    def __init__(self, listener: MllpListener, issued: Issued | None = None) -> None:
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        if issued is not None:
            context.use_certificate_file(str(issued.certificate))
            context.use_privatekey_file(str(issued.key))
        self.tls = SSL.Connection(context, None)
        self.tls.set_connect_state()
        peer = IPv4Address("TCP", "10.0.0.1", 50000)
        self.transport = StringTransport(peerAddress=peer)
        self.protocol: Any = listener.door.buildProtocol(peer)
        self.protocol.makeConnection(self.transport)

    def exchange(self) -> None:
        """Pass bytes both ways until there are none."""
        for _ in range(20):
            try:
                data = self.tls.bio_read(65536)
            except SSL.WantReadError:
                data = b""
            if data:
                self.protocol.dataReceived(data)
            answer = self.transport.value()
            self.transport.clear()
            if answer:
                self.tls.bio_write(answer)
            if not data and not answer:
                return

    def handshake(self) -> None:
        for _ in range(10):
            try:
                self.tls.do_handshake()
                break
            except SSL.WantReadError:
                self.exchange()
        self.exchange()

    def send(self, payload: bytes) -> bytes:
        self.tls.send(encode_frame(payload))
        self.exchange()
        try:
            return self.tls.recv(65536)
        except SSL.WantReadError:
            return b""

    def server_name(self) -> str:
        certificate = self.tls.get_peer_certificate(as_cryptography=True)
        assert certificate is not None
        return str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


class Bench:
    def __init__(self, tls: TlsConfig) -> None:
        self.clock, self.sink, self.recorder = Clock(), Sink(), MemoryRecorder()
        config = MllpListenerConfig(port=2575, tls=tls)
        self.listener = MllpListener(config, self.sink, self.clock, self.recorder)  # type: ignore[arg-type]
        self.listener._secured.load()

    def client(self, issued: Issued | None = None) -> Client:
        client = Client(self.listener, issued)
        client.handshake()
        self.clock.advance(0)
        client.exchange()
        return client


def tls_of(issued: Issued, ca: Path | None = None) -> TlsConfig:
    return TlsConfig(
        certificate=str(issued.certificate), key=str(issued.key), ca=str(ca) if ca else None
    )


def test_messages_and_answers_pass_through_tls(tmp_path: Path) -> None:
    bench = Bench(tls_of(Authority(tmp_path).issue("hub")))
    client = bench.client()
    client.tls.send(encode_frame(b"MSH|"))
    client.exchange()
    bench.clock.advance(0)
    client.exchange()
    assert client.tls.recv(100) == encode_frame(b"AA")
    assert bench.sink.sources == ["mllp 10.0.0.1:50000"]


def test_a_client_certificate_is_asked_for_and_its_name_is_part_of_the_source(
    tmp_path: Path,
) -> None:
    authority = Authority(tmp_path)
    bench = Bench(tls_of(authority.issue("hub"), authority.file))
    client = bench.client(authority.issue("ward-adt"))
    client.tls.send(encode_frame(b"MSH|"))
    client.exchange()
    assert bench.sink.sources == ["mllp 10.0.0.1:50000 ward-adt"]


@pytest.mark.parametrize("shown", ["none", "of another authority"])
def test_without_a_certificate_of_the_authority_nothing_is_received(
    tmp_path: Path, shown: str
) -> None:
    authority = Authority(tmp_path)
    other = Authority(tmp_path, "Other CA").issue("stranger")
    bench = Bench(tls_of(authority.issue("hub"), authority.file))
    with pytest.raises(SSL.Error):
        bench.client(other if shown != "none" else None).send(b"MSH|")
    assert bench.sink.sources == []


def test_a_new_certificate_serves_new_connections_and_leaves_the_open_ones(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    bench = Bench(tls_of(authority.issue("old", "hub")))
    before = bench.client()
    authority.issue("new", "hub")
    after = bench.client()
    assert (before.server_name(), after.server_name()) == ("old", "new")
    before.tls.send(encode_frame(b"MSH|"))
    before.exchange()
    assert len(bench.sink.sources) == 1
    assert len(bench.recorder.of(CertificateLoaded)) == 2


def test_files_that_do_not_fit_together_leave_the_earlier_ones_in_force(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    bench = Bench(tls_of(authority.issue("old", "hub")))
    key = (tmp_path / "hub.key.pem").read_bytes()
    authority.issue("new", "hub")
    new_key = (tmp_path / "hub.key.pem").read_bytes()
    (tmp_path / "hub.key.pem").write_bytes(key)  # the certificate is new, the key not yet
    assert bench.client().server_name() == "old"
    assert bench.recorder.of(CertificateRefused)
    (tmp_path / "hub.key.pem").write_bytes(new_key)
    assert bench.client().server_name() == "new"


def test_unusable_files_fail_at_start(tmp_path: Path) -> None:
    (tmp_path / "x.pem").write_text("nothing")
    with pytest.raises(OSError, match="cannot be used"):
        Bench(TlsConfig(certificate=str(tmp_path / "x.pem"), key=str(tmp_path / "x.pem")))
    with pytest.raises(OSError, match="No such file"):
        Bench(TlsConfig(certificate=str(tmp_path / "y.pem"), key=str(tmp_path / "y.pem")))
