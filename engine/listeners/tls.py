"""Rim. TLS for listeners: server certificates, client certificates, both read again when they
change.

Each new connection looks at the files' times; when one has changed, a new context is made. Open
connections keep the context they began with. Files that do not fit together (a certificate just
replaced, its key not yet) leave the earlier context in force, and are tried again at the next
change. TLS 1.2 is the oldest version spoken (RFC 8996, BCP 195)."""

from pathlib import Path

from cryptography.x509.oid import NameOID
from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

from engine.channel.connection import TlsConfig
from engine.telemetry.events import CertificateLoaded, CertificateRefused
from engine.telemetry.recorder import Recorder

Signature = tuple[tuple[int, int, int], ...]


@implementer(IOpenSSLServerConnectionCreator)
class ServerTls:
    """Makes the TLS side of accepted connections.

    Args:
        config: the PEM files; with `ca` a client must show a certificate of one of these
            authorities. listener: its name, for events. recorder: takes the events.
    """

    def __init__(self, config: TlsConfig, listener: str, recorder: Recorder) -> None:
        self._config = config
        self._listener = listener
        self._recorder = recorder
        self._signature: Signature = ()
        self._context: SSL.Context | None = None

    def load(self) -> SSL.Context:
        """Read the files. Raises OSError when they cannot be used: missing, damaged, not a pair."""
        signature = self._files_signature()
        try:
            context = self._context = _context(self._config)
        except SSL.Error as error:
            raise OSError("the TLS files of the listener cannot be used") from error
        self._signature = signature
        self._recorder.record(CertificateLoaded(listener=self._listener))
        return context

    def replace(self, config: TlsConfig) -> None:
        """Use other files. Raises OSError when they are unusable, and then keeps the old ones."""
        earlier = self._config
        self._config = config
        try:
            self.load()
        except OSError:
            self._config = earlier
            raise

    def serverConnectionForTLS(  # noqa: N802  Twisted's name
        self, protocol: TLSMemoryBIOProtocol
    ) -> SSL.Connection:
        """A connection with the newest usable context."""
        del protocol
        return SSL.Connection(self._newest(), None)

    def _newest(self) -> SSL.Context:
        context = self._context
        try:
            if context is None or self._files_signature() != self._signature:
                self._signature = self._files_signature()
                context = self.load()
        except OSError as error:
            if context is None:
                raise
            self._recorder.record(
                CertificateRefused(listener=self._listener, error=type(error).__name__)
            )
        return context

    def _files_signature(self) -> Signature:
        named = (self._config.certificate, self._config.key, self._config.ca)
        found = [Path(name).stat() for name in named if name]
        return tuple((stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in found)


def _context(config: TlsConfig) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    # A resumed session must belong to the same service when clients show certificates.
    context.set_session_id(b"engine")
    context.use_certificate_chain_file(str(config.certificate))
    context.use_privatekey_file(str(config.key))
    context.check_privatekey()
    if config.ca:
        context.load_verify_locations(config.ca)
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT)
    return context


def peer_name(transport: object) -> str:
    """Common name of the client's certificate, or "" when it showed none."""
    certificate = getattr(transport, "getPeerCertificate", lambda: None)()
    if certificate is None:
        return ""
    names = certificate.to_cryptography().subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""
