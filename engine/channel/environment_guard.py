"""Pure. The environment guard: what is production and what is not never meet in one file.

Known hosts and the public sandbox's tenant have a class; unknown hosts are believed to be what the
file says. Report section 1.1 (hosts), section 6 check 12.
"""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from engine.channel import codes
from engine.channel.connection import SecretReference
from engine.channel.environment import EnvironmentClass, EnvironmentConfig, TenantConfig
from engine.channel.model import ChannelConfig, FhirDestinationConfig
from engine.channel.reading import Reading
from engine.diagnostics import Diagnostic, Place
from engine.yamltext import Mapping as MappingNode
from engine.yamltext import Node, Scalar, parse_yaml

Classes = frozenset[EnvironmentClass]

_OPEN = frozenset({EnvironmentClass.OPEN, EnvironmentClass.SANDBOX})
_NOT_REAL = frozenset({EnvironmentClass.SANDBOX, EnvironmentClass.TEST})
_LOCAL = frozenset({*_OPEN, *_NOT_REAL})
_HOSTS: Mapping[str, Classes] = {
    "fhir-open.cerner.com": _OPEN,
    "fhir-ehr-code.cerner.com": frozenset({EnvironmentClass.SANDBOX}),
    "fhir-ehr.cerner.com": frozenset({EnvironmentClass.PRODUCTION}),
}
_SANDBOX_DOMAIN = "sandboxcerner.com"
PUBLIC_SANDBOX_TENANT = "ec2458f2-1e24-41c8-b71b-0e701af7583d"
HOST_IN_PATH = re.compile(r"/hosts/([^/]+)")
TENANT_IN_PATH = re.compile(r"/tenants/([^/]+)")


def classes_of_host(host: str) -> Classes | None:
    """The classes a host may serve; None for a host that nothing is known about."""
    host = host.lower().rstrip(".")
    if host in _HOSTS:
        return _HOSTS[host]
    if host == _SANDBOX_DOMAIN or host.endswith(f".{_SANDBOX_DOMAIN}"):
        return _NOT_REAL
    return _LOCAL if is_local(host) else None


def is_local(host: str) -> bool:
    """True for this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadEnvironment:
    """One file as read: its environment as far as it could be made, and the places of options."""

    config: EnvironmentConfig | None
    reading: Reading
    root: Node | None
    file: str


def check_guard(read: ReadEnvironment) -> list[Diagnostic]:
    """Every tenant against the class of its environment, its hosts against its class."""
    if read.config is None:
        return []
    found: list[Diagnostic] = []
    for name, tenant in read.config.tenants.items():
        path = f"tenants.{name}"
        if tenant.kind is not read.config.kind:
            place = read.reading.place(f"{path}.class")
            found.append(
                codes.TENANT_CLASS(
                    place, tenant=name, kind=tenant.kind.value, environment=read.config.kind.value
                )
            )
        found.extend(_check_tenant_id(tenant, path, read))
        for option, url in _urls(tenant):
            found.extend(_check_url(url, f"{path}.{option}", tenant, read))
    return found


def _urls(tenant: TenantConfig) -> list[tuple[str, str]]:
    own = tenant.authorization
    found = [("fhir", tenant.fhir_root), ("ehr_api", tenant.ehr_api_root)]
    found += [(f"services.{name}", root) for name, root in tenant.services.items()]
    if own is not None:
        found.append(("authorization.token_url", own.token_url))
        found.append(("authorization.ehr_api_token_url", own.ehr_api_token_url))
    return [(option, url) for option, url in found if url]


def _check_tenant_id(tenant: TenantConfig, path: str, read: ReadEnvironment) -> list[Diagnostic]:
    if tenant.tenant != PUBLIC_SANDBOX_TENANT or tenant.kind in _LOCAL:
        return []
    place = read.reading.place(f"{path}.tenant")
    what = "the public sandbox's tenant"
    return [codes.CLASS_MISMATCH(place, what=what, serves="sandbox", kind=tenant.kind.value)]


def _check_url(
    url: str, path: str, tenant: TenantConfig, read: ReadEnvironment
) -> list[Diagnostic]:
    parts = urlsplit(url)
    place = read.reading.place(path)
    found: list[Diagnostic] = []
    # A token URL names in its path the host whose tokens it gives.
    for host in (parts.hostname or "", *HOST_IN_PATH.findall(parts.path)):
        known = classes_of_host(host)
        if known is not None and tenant.kind not in known:
            serves = " or ".join(sorted(one.value for one in known))
            found.append(
                codes.CLASS_MISMATCH(place, what=host, serves=serves, kind=tenant.kind.value)
            )
    found.extend(
        codes.TOKEN_TENANT(place, other=other, tenant=tenant.tenant)
        for other in TENANT_IN_PATH.findall(parts.path)
        if other != tenant.tenant
    )
    if parts.scheme == "http" and not is_local(parts.hostname or ""):
        production = tenant.kind is EnvironmentClass.PRODUCTION
        code = codes.PLAIN_HTTP_PRODUCTION if production else codes.PLAIN_HTTP
        found.append(code(place, host=parts.hostname))
    return found


def check_channels(
    channels: Sequence[ChannelConfig],
    environment: EnvironmentConfig | None,
    real: Mapping[str, str] | None = None,
) -> list[Diagnostic]:
    """FHIR destinations that are not for the environment in force.

    Those at a known host of another class (a server on this machine may be of any), and those with
    a credential of production while another environment is in force.

    Args:
        channels: checked.
        environment: the one in force.
        real: what `production_credentials` gave.
    """
    if environment is None:
        return []
    found: list[Diagnostic] = []
    for channel in channels:
        for one in channel.destinations:
            if not isinstance(one, FhirDestinationConfig):
                continue
            place = Place(file=channel.file, path=f"destinations {one.name}")
            found.extend(_check_host(one, environment, place))
            if environment.kind is not EnvironmentClass.PRODUCTION:
                found.extend(
                    codes.PRODUCTION_CREDENTIAL(place, option=option, file=(real or {})[reference])
                    for option, reference in _references(one)
                    if reference in (real or {})
                )
    return found


def _check_host(
    one: FhirDestinationConfig, environment: EnvironmentConfig, place: Place
) -> list[Diagnostic]:
    host = urlsplit(one.url).hostname or ""
    known = None if is_local(host) else classes_of_host(host)
    if known is None or environment.kind in known:
        return []
    serves = " or ".join(sorted(kind.value for kind in known))
    return [codes.DESTINATION_CLASS(place, host=host, serves=serves, environment=environment.name)]


def _references(one: FhirDestinationConfig) -> list[tuple[str, str]]:
    """(option, reference as `env:NAME`) of the credentials of a destination."""
    own = one.authorization
    named = [("bearer", one.bearer), *((f"headers.{name}", value) for name, value in one.headers)]
    if own is not None:
        named += [("authorization.secret", own.secret), ("authorization.key", own.key)]
    return [(option, str(found)) for option, found in named if isinstance(found, SecretReference)]


# -- between environments --

_SECRETS = ("secret", "key")
_REFERENCE = re.compile(r"\$\{secret:((?:env|file):[^}]+)\}")


@dataclass(frozen=True, slots=True)
class _Credential:
    option: str
    text: str
    """As written: a reference, which names no secret."""
    path: str
    read: ReadEnvironment

    @property
    def is_production(self) -> bool:
        config = self.read.config
        return config is not None and config.kind is EnvironmentClass.PRODUCTION


def check_credentials(reads: list[ReadEnvironment]) -> list[Diagnostic]:
    """Credentials of production written in another environment too, by their references."""
    credentials = [one for read in reads for one in _credentials(read)]
    real = {(one.option, one.text): one for one in credentials if one.is_production}
    found = []
    for one in credentials:
        other = real.get((one.option, one.text))
        if other is None or one.is_production:
            continue
        shared = codes.PRODUCTION_CREDENTIAL if one.option in _SECRETS else codes.CLIENT_SHARED
        place = one.read.reading.place(one.path)
        found.append(shared(place, option=one.option, file=other.read.file))
    return found


def production_credentials(files: Mapping[str, str]) -> dict[str, str]:
    """Reference (`file:/run/key.pem`) to the file it stands in, of what production names.

    Args:
        files: name to text of every file of `environments/`.
    """
    found: dict[str, str] = {}
    for file, text in files.items():
        root, _ = parse_yaml(text, file)
        kind = _child(root, "class")
        if not isinstance(kind, Scalar) or kind.text != EnvironmentClass.PRODUCTION:
            continue
        for _, tenant in _entries(_child(root, "tenants")):
            for option, value in _entries(_child(tenant, "authorization")):
                match = _REFERENCE.fullmatch(value.text) if isinstance(value, Scalar) else None
                if option in _SECRETS and match is not None:
                    found[match[1]] = file
    return found


def _credentials(read: ReadEnvironment) -> list[_Credential]:
    """What is written below `authorization` of each tenant, as text: values may be unset here."""
    found = []
    for name, tenant in _entries(_child(read.root, "tenants")):
        for option, value in _entries(_child(tenant, "authorization")):
            if option in (*_SECRETS, "client_id") and isinstance(value, Scalar) and value.text:
                path = f"tenants.{name}.authorization.{option}"
                found.append(_Credential(option, value.text, path, read))
    return found


def _child(node: Node | None, key: str) -> Node | None:
    return node.get(key) if isinstance(node, MappingNode) else None


def _entries(node: Node | None) -> list[tuple[str, Node]]:
    return [(key.text, value) for key, value in node] if isinstance(node, MappingNode) else []
