"""`console.yaml`: what it says, what is refused."""

from engine.channel.console import ROLE_NAMES, ConsoleConfig
from engine.channel.console_fields import read_console
from engine.runtime.desk.rights import ROLES
from engine.web.console import settings_of

WHOLE = """\
environment: production
address: 0.0.0.0
port: 8443
tls: {certificate: /etc/engine/console.pem, key: /etc/engine/console.key}
time_zone: America/Chicago
idle_minutes: 10
session_hours: 8
audit_key: ${secret:file:/etc/engine/audit.key}
masking:
  show: [PV1-3]
  hide: [OBR-4]
oidc:
  issuer: https://id.example.org
  client_id: engine
  client_secret: ${secret:env:OIDC}
  roles: {HL7-Support: support, HL7-Admin: administrator}
  channels: {HL7-Lab: [lab-results]}
"""


def codes(text: str) -> list[str]:
    return [found.code for found in read_console(text, {})[1]]


def test_no_file_means_the_defaults():
    assert read_console("", {}) == (ConsoleConfig(), [])


def test_every_option_reaches_the_settings():
    config, problems = read_console(WHOLE, {})
    assert problems == []
    assert config is not None
    settings = settings_of(config)
    assert settings.environment == "production"
    assert settings.secure
    assert settings.hosts == frozenset()
    assert settings.url == "https://0.0.0.0:8443"
    assert settings.limits.idle_seconds == 600
    assert settings.limits.whole_seconds == 28_800
    assert settings.masking.shows("PV1-3")
    assert not settings.masking.shows("OBR-4")
    assert settings.oidc is not None
    assert settings.oidc.roles == {"HL7-Support": "support", "HL7-Admin": "administrator"}
    assert settings.oidc.channels == {"HL7-Lab": ("lab-results",)}


def test_a_proxy_with_tls_may_stand_before_it():
    config, problems = read_console("address: 10.0.0.9\nurl: https://console.example.org\n", {})
    assert problems == []
    assert config is not None
    assert settings_of(config).secure
    assert settings_of(config).hosts == {"console.example.org"}


def test_mistakes_are_told_at_their_place():
    assert codes("adress: 127.0.0.1\n") == ["C410"]
    assert codes("audit_key: plain text\n") == ["C423"]
    assert codes("url: https://x.example/console\n") == ["C416"]
    assert codes("masking: {hide: [PID]}\n") == ["C416"]
    assert codes("tls: {certificate: a.pem}\n") == ["C430"]
    assert codes("oidc: {issuer: https://a.example, client_id: x, roles: {A: chief}}\n") == ["C415"]
    assert codes("address: 0.0.0.0\n") == ["C490"]


def test_the_roles_a_file_may_name_are_those_there_are():
    assert set(ROLE_NAMES) == set(ROLES)
