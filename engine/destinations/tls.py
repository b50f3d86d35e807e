"""Rim. TLS contexts for connections we open: TLS 1.2 or later, always with verification.

There is no switch to turn verification off: a site with its own authority names it in `ca`.
"""

import ssl
from pathlib import Path

from engine.channel.connection import TlsConfig


def client_context(config: TlsConfig | None) -> ssl.SSLContext:
    """The context for a destination: the system's authorities, or the configured one, and our
    certificate.

    Raises OSError or ssl.SSLError when a file cannot be read or does not fit.
    """
    context = ssl.create_default_context(cafile=config.ca if config else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if config is not None and config.certificate:
        context.load_cert_chain(config.certificate, config.key)
    return context


def file_stamp(config: TlsConfig | None) -> tuple[int, ...]:
    """Changes when a file of the configuration is replaced or written to; -1 for one that is
    gone."""
    if config is None:
        return ()
    return tuple(_stamp(name) for name in (config.ca, config.certificate, config.key) if name)


def _stamp(name: str) -> int:
    try:
        return Path(name).stat().st_mtime_ns
    except OSError:
        return -1
