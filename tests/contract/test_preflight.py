"""Preflight against the simulator: a healthy site passes, each fault is named with its remedy."""

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from certificates import Authority
from joserfc.jwk import RSAKey

from engine.channel.connection import SecretReference, TlsConfig
from engine.channel.environment import (
    PRIVATE_KEY_JWT,
    AliasPool,
    AuthorizationConfig,
    EnvironmentClass,
)
from engine.codevalues.snapshot import CodeValue, write_snapshot
from engine.destinations.authorization.assertion import key_set
from engine.millennium.calls.model import CallPreset, Interaction
from engine.runtime.configuration import read_project
from engine.runtime.preflight.findings import CHECKS, Finding, Status, worst
from engine.runtime.preflight.gathering import Gathered, gather
from engine.runtime.preflight.run import preflight
from engine.runtime.preflight.statement import FILE, PREVIOUS, differences, normalised
from engine.runtime.preflight.subject import Subject
from engine.simulator.millennium.fault_rules import FaultRule, Kind
from engine.simulator.millennium.options import CLIENT_SECRET, RegisteredClient, SimulatorOptions
from engine.simulator.millennium.seed import CANARY, LOCATION, ORGANIZATION, PRACTITIONER
from engine.simulator.millennium.server import MillenniumSimulator

MRN = "urn:oid:2.16.840.1.113883.3.9999.1.4"
FIN = "urn:oid:2.16.840.1.113883.3.9999.1.5"
VISIT = {
    "resourceType": "Encounter",
    "identifier": [{"system": FIN, "value": "8001"}],
    "status": "finished",
    "subject": {"reference": f"Patient/{CANARY}"},
}
CHANNEL = """\
channel: adt
listener: {mllp: {port: 2575}}
route: {MSH-9.1: ADT, MSH-9.2: [A01, A08]}
destinations:
  - millennium:
      name: chart
      tenant: main
      calls: [patient.register, encounter.register, observation.record]
      contributor_source: LAB_A
"""
ENVIRONMENT = f"""\
environment: sandbox
class: sandbox
tenants:
  main:
    class: sandbox
    tenant: sandbox
    fhir: ${{env:ROOT}}/r4/{{tenant}}
    ehr_api: ${{env:ROOT}}/{{tenant}}
    authorization:
      client_id: engine
      secret: ${{secret:env:SECRET}}
    enrolling_organization: "{ORGANIZATION}"
    references: [Location/{LOCATION}, Practitioner/{PRACTITIONER}]
    snapshot: codevalues/snapshots/sandbox.csv
    alias_pools: {{"{MRN}": {{normalise: [strip-zeros]}}}}
    canary:
      patient: "{CANARY}"
      patient_identifier: "{MRN}|000900001"
      encounter: "97000001"
      encounter_identifier: "{FIN}|8001"
"""
PRODUCTION = """\
environment: production
class: production
tenants:
  main:
    class: production
    tenant: real
    fhir: https://fhir.example.org/r4/{tenant}
    authorization: {client_id: real, secret: "${secret:env:REAL_SECRET}"}
"""
POTASSIUM = CodeValue(code_set=72, value="21704910", display="Potassium", cki="CKI.EC!80001")


@dataclass
class Site:
    """A project, the simulator it is for, and its secrets."""

    home: Path
    simulator: MillenniumSimulator
    secrets: dict[str, str] = field(default_factory=lambda: {"SECRET": CLIENT_SECRET})
    variables: dict[str, str] = field(default_factory=dict)

    def write(self, name: str, text: str) -> None:
        file = self.home / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def snapshot(self, *values: CodeValue, taken_at: str = "2099-01-01T00:00:00Z") -> None:
        text = write_snapshot(
            values, tenant="sandbox", taken_at=taken_at, source="test", code_sets=[72]
        )
        self.write("codevalues/snapshots/sandbox.csv", text)

    def gather(self) -> Gathered:
        return gather(
            read_project(self.home, "sandbox"),
            data=self.home / "data",
            store_url=f"sqlite:///{self.home}/data",
            secrets=lambda reference: self.secrets[reference.name],
            variables={"ROOT": self.simulator.url, **self.variables},
        )

    def subject(self, **tenant: Any) -> Subject:
        gathered = self.gather()
        assert gathered.problems == ()
        assert gathered.findings == ()
        (found,) = gathered.subjects
        return replace(found, tenant=replace(found.tenant, **tenant))

    def authorization(self, **changes: Any) -> AuthorizationConfig:
        own = self.subject().tenant.authorization
        assert own is not None
        return replace(own, **changes)


Starting = Callable[..., Any]


@pytest_asyncio.fixture
async def start(tmp_path: Path) -> AsyncIterator[Starting]:
    made: list[MillenniumSimulator] = []

    async def starting(**options: Any) -> Site:
        simulator = MillenniumSimulator(SimulatorOptions(**options))
        await simulator.start()
        made.append(simulator)
        simulator.tenants["sandbox"].chart.add("Encounter", VISIT, "97000001", why="seed")
        site = Site(tmp_path, simulator)
        site.write("channels/adt.yaml", CHANNEL)
        site.write("environments/sandbox.yaml", ENVIRONMENT)
        site.write("codevalues/aliases/LAB_A/72.csv", "alias,target\nK,cki:CKI.EC!80001\n")
        site.snapshot(POTASSIUM)
        return site

    yield starting
    for simulator in made:
        await simulator.stop()


def of(found: list[Finding], check: int) -> list[Finding]:
    return [one for one in found if one.check == check]


def the_fault(found: list[Finding], check: int, status: Status = Status.FAIL) -> Finding:
    """The only bad finding of a check; nothing before it is bad."""
    earlier = [one for one in found if one.check < check and one.status is Status.FAIL]
    assert earlier == []
    (bad,) = [one for one in of(found, check) if one.status is status]
    assert bad.remedy
    return bad


async def test_a_healthy_site_passes_every_check(start: Starting):
    site = await start()
    found = await preflight(site.subject(), write_canary=True)
    assert {one.check for one in found} == set(CHECKS)
    assert [one for one in found if one.status is not Status.PASS] == []
    assert worst(found) is Status.PASS
    writes = [one for one in site.simulator.requests if one.method == "PATCH" and one.status < 300]
    assert len(writes) == 1
    again = await preflight(site.subject())
    assert "the same as at the last preflight" in str(of(again, 5))
    later = [one for one in site.simulator.requests if one.method == "PATCH" and one.status < 300]
    assert later == writes, "nothing is written unless it is asked for"


async def test_no_text_holds_a_secret_or_a_token(start: Starting):
    site = await start()
    shown = str(await preflight(site.subject()))
    tokens = list(site.simulator.tokens._tokens)
    assert tokens
    assert not [one for one in (CLIENT_SECRET, *tokens) if one in shown]


# -- one fault for each check --


async def test_1_a_host_that_does_not_answer(start: Starting):
    site = await start()
    subject = site.subject()
    await site.simulator.stop()
    found = await preflight(subject)
    bad = [one for one in of(found, 1) if one.status is Status.FAIL]
    assert bad
    assert "refuses the connection" in bad[0].evidence
    assert "host and port" in bad[0].remedy
    assert {one.check for one in found} == set(CHECKS)
    assert "because the check of connection failed" in of(found, 6)[0].evidence


async def test_1_a_name_that_is_unknown_and_a_proxy_that_is_not_used(start: Starting):
    site = await start()
    site.variables["HTTPS_PROXY"] = "http://proxy.example.org:3128"
    found = await preflight(site.subject(fhir_root="http://nobody.invalid/r4/sandbox"))
    evidence = " ".join(one.evidence for one in of(found, 1))
    assert "cannot be resolved" in evidence
    assert "HTTPS_PROXY is set" in evidence


@pytest.mark.parametrize(
    ("days", "trusted", "status", "shown"),
    [
        (300, True, Status.PASS, "TLSv1.3, issued by Test CA, 300 days left"),
        (10, True, Status.WARN, "10 days left"),
        (300, False, Status.FAIL, "certificate or TLS is not accepted"),
    ],
)
async def test_1_a_certificate(
    start: Starting, tmp_path: Path, days: int, trusted: bool, status: Status, shown: str
):
    authority = Authority(tmp_path)
    issued = authority.issue("host", address="127.0.0.1", days=days)
    site = await start(tls_certificate=issued.certificate, tls_key=issued.key)
    tls = TlsConfig(ca=str(authority.file)) if trusted else None
    found = await preflight(site.subject(tls=tls))
    assert worst(of(found, 1)) is status
    assert shown in of(found, 1)[0].evidence
    assert of(found, 4)[0].status is (Status.PASS if trusted else Status.WARN)
    if not trusted:
        assert "`tls: ca`" in of(found, 1)[0].remedy


async def test_2_a_clock_that_is_wrong_while_assertions_are_signed(start: Starting):
    key = RSAKey.generate_key(2048).as_pem(private=True).decode()
    site = await start()
    own = site.authorization(
        method=PRIVATE_KEY_JWT, key_id="k1", key=site.authorization().secret, secret=None
    )
    site.secrets["SECRET"] = key
    jwks = key_set([own], lambda _: key)
    site.simulator.tokens.clients["engine"] = RegisteredClient(client_id="engine", jwks=jwks)
    subject = site.subject(authorization=own)
    right = await preflight(subject)
    assert [one for one in right if one.status is Status.FAIL] == []
    late = replace(subject, wall_clock=lambda: time.time() + 120)
    bad = [one for one in of(await preflight(late), 2) if one.status is Status.FAIL]
    assert bad
    assert "120 s apart" in bad[0].evidence or "119 s" in bad[0].evidence
    assert "NTP" in bad[0].remedy


async def test_3_a_tenant_that_is_not_known(start: Starting):
    site = await start()
    root = f"{site.simulator.url}/r4/elsewhere"
    found = await preflight(site.subject(tenant="elsewhere", fhir_root=root))
    bad = the_fault(found, 3)
    assert "no smart-configuration" in bad.evidence
    assert "`tenant`" in bad.remedy


async def test_4_a_scope_that_is_not_registered(start: Starting):
    client = RegisteredClient(
        client_id="engine",
        secret=CLIENT_SECRET,
        withheld=frozenset({"system/Observation.crus"}),
    )
    site = await start(clients=(client,))
    bad = the_fault(await preflight(site.subject()), 4)
    assert "not granted: system/Observation.cru" in bad.evidence
    assert "register the client engine for system/Observation" in bad.remedy


async def test_4_a_secret_that_is_wrong(start: Starting):
    site = await start()
    site.secrets["SECRET"] = "something else"
    found = await preflight(site.subject())
    bad = [one for one in of(found, 4) if one.status is Status.FAIL]
    assert "does not accept the client engine" in bad[0].evidence
    assert "correlation id" in bad[0].evidence
    assert "because the check of token failed" in of(found, 6)[0].evidence
    assert {one.status for one in of(found, 5)} == {Status.PASS}, "metadata needs no token"


async def test_4_a_secret_that_is_not_there(start: Starting):
    site = await start()
    gone = replace(site.authorization(), secret=SecretReference("env", "NOWHERE"))

    def absent(reference: SecretReference) -> str:
        raise FileNotFoundError(reference.name)

    subject = replace(site.subject(authorization=gone), secrets=absent)
    found = await preflight(subject)
    bad = [one for one in of(found, 4) if one.status is Status.FAIL]
    assert "cannot be read" in bad[0].evidence
    assert {one.status for one in of(found, 5)} == {Status.PASS}, "metadata needs no token"


async def test_5_an_interaction_that_is_not_offered_and_its_fallback(start: Starting):
    site = await start()
    order = CallPreset(
        name="order.create",
        api="ignite-fhir-r4",
        contract="public",
        grade="inferred",
        source="test",
        resource="ServiceRequest",
        interaction=Interaction.CREATE,
    )
    subject = with_call(site.subject(), order)
    bad = the_fault(await preflight_but_token(subject), 5)
    assert bad.evidence == "ServiceRequest.create is not offered; used by order.create"
    assert "leave these calls out" in bad.remedy


async def test_5_what_the_environment_says_is_off_is_not_asked_for(start: Starting):
    site = await start()
    off = "    capabilities: {Patient.patch: send demographics by MLLP}\n"
    site.write("environments/sandbox.yaml", ENVIRONMENT + off)
    subject = site.subject()
    assert not subject.uses("Patient", "patch")
    assert subject.uses("Patient", "create")
    bad = the_fault(await preflight(subject), 5, Status.WARN)
    assert bad.evidence == "Patient.patch is offered, but the environment says that it is off"


def with_call(subject: Subject, call: CallPreset) -> Subject:
    (destination,) = subject.destinations
    changed = replace(destination, calls=(*destination.calls, call))
    return replace(subject, destinations=(changed,))


async def preflight_but_token(subject: Subject) -> list[Finding]:
    """Without what the scope of a made-up call says."""
    return [one for one in await preflight(subject) if one.check != 4]


async def test_5_a_server_that_has_changed_since_the_last_time(start: Starting):
    site = await start()
    await preflight(site.subject())
    folder = site.home / "data" / "preflight" / "sandbox" / "main"
    kept = (folder / FILE).read_text(encoding="utf-8")
    (folder / FILE).write_text(kept.replace('"birthdate"', '"birth-date"'), encoding="utf-8")
    bad = the_fault(await preflight(site.subject()), 5, Status.WARN)
    assert "- Patient.searchParam birth-date" in bad.evidence
    assert "+ Patient.searchParam birthdate" in bad.evidence
    assert (folder / PREVIOUS).exists()
    assert of(await preflight(site.subject()), 5)[0].status is Status.PASS


async def test_6_a_privilege_that_is_missing(start: Starting):
    site = await start()
    rule = FaultRule(fault=Kind.STATUS, status=403, method="GET", path="*/Observation")
    site.simulator.faults.set([rule])
    bad = the_fault(await preflight(site.subject()), 6)
    assert bad.evidence.startswith("Observation: status 403")
    assert "X-Request-Id" in bad.evidence
    assert "privilege" in bad.remedy


async def test_6_a_test_patient_that_is_not_there_or_not_named(start: Starting):
    site = await start()
    canary = replace(site.subject().tenant.canary, patient="1")
    bad = the_fault(await preflight(site.subject(canary=canary)), 6)
    assert "Patient: status 404" in bad.evidence
    nobody = replace(canary, patient="")
    assert (
        "canary" in the_fault(await preflight(site.subject(canary=nobody)), 6, Status.WARN).remedy
    )


async def test_7_an_organization_that_is_not_there_or_not_named(start: Starting):
    site = await start()
    bad = the_fault(await preflight(site.subject(enrolling_organization="1")), 7)
    assert bad.evidence.startswith("Organization/1: status 404")
    assert "correct the id" in bad.remedy
    bad = the_fault(await preflight(site.subject(enrolling_organization="")), 7)
    assert "enrolling_organization" in bad.remedy


async def test_8_an_identifier_that_is_not_normalised(start: Starting):
    site = await start()
    bad = the_fault(await preflight(site.subject(alias_pools={})), 8)
    assert "finds no Patient" in bad.evidence
    assert "write normalise: [strip-zeros] for this system" in bad.remedy
    pools = {MRN: AliasPool(system=MRN, normalise=("digits", "strip-zeros", "upper"))}
    found = await preflight(site.subject(alias_pools=pools))
    assert of(found, 8)[0].status is Status.PASS


async def test_9_a_code_value_that_is_no_longer_in_use(start: Starting):
    site = await start()
    codes = site.simulator.tenants["sandbox"].codes
    row = codes.get("21704910")
    assert row is not None
    codes.put(replace(row, active=False))
    bad = the_fault(await preflight(site.subject()), 9)
    assert "1 of 1 mapped values are inactive" in bad.evidence
    assert "engine tables snapshot" in bad.remedy


async def test_9_a_snapshot_that_is_old_or_cannot_be_verified(start: Starting):
    site = await start()
    site.snapshot(POTASSIUM, taken_at="2020-01-01T00:00:00Z")
    found = await preflight(site.subject(ehr_api_root=""))
    evidence = [one.evidence for one in of(found, 9) if one.status is Status.WARN]
    assert any("days" in one for one in evidence)
    assert any("unverifiable" in one for one in evidence)


async def test_10_documents_without_a_type(start: Starting):
    site = await start()
    document = CallPreset(
        name="document.create",
        api="ignite-fhir-r4",
        contract="public",
        grade="documented",
        source="test",
        resource="DocumentReference",
        interaction=Interaction.CREATE,
    )
    subject = with_call(site.subject(), document)
    assert "1 of 1 document types" in of(await preflight(subject), 10)[0].evidence
    (site.home / "codevalues/aliases/LAB_A/72.csv").unlink()
    bad = the_fault(await preflight(with_call(site.subject(), document)), 10)
    assert "no document types" in bad.evidence
    assert "codevalues/aliases/LAB_A/72.csv" in bad.remedy


async def test_11_a_proxy_that_stops_patch(start: Starting):
    site = await start()
    site.simulator.faults.set([FaultRule(fault=Kind.STATUS, status=405, method="PATCH")])
    bad = the_fault(await preflight(site.subject()), 11)
    assert "PATCH is answered 405" in bad.evidence
    assert "pass PATCH" in bad.remedy


async def test_11_a_tenant_that_is_not_there_is_no_proxy(start: Starting):
    site = await start()
    root = site.simulator.fhir_root().replace("sandbox", "elsewhere")
    found = await preflight(site.subject(tenant="elsewhere", fhir_root=root))
    (bad,) = of(found, 11)
    assert (bad.status, bad.evidence) == (
        Status.WARN,
        "PATCH cannot be tried: GET is answered 403 too",
    )
    assert "tenant not valid" in str(of(found, 5))


async def test_12_credentials_and_hosts_of_production(start: Starting):
    site = await start()
    site.write("environments/production.yaml", PRODUCTION)
    site.secrets["REAL_SECRET"] = CLIENT_SECRET
    bad = the_fault(await preflight(site.subject()), 12)
    assert bad.evidence == "the same secret is used in the environment production (production)"
    assert "a credential of its own" in bad.remedy
    mixed = ENVIRONMENT.replace("${env:ROOT}/r4", "https://fhir-ehr.cerner.com/r4")
    site.write("environments/sandbox.yaml", mixed)
    (bad,) = site.gather().findings
    assert (bad.check, bad.status) == (12, Status.FAIL)
    assert "fhir-ehr.cerner.com is of class production" in bad.evidence


async def test_12_a_token_of_another_tenant(start: Starting):
    site = await start(tenants=("sandbox", "other"))
    own = site.authorization(token_url=site.simulator.token_url("other"))
    found = await preflight(site.subject(authorization=own))
    assert "of another tenant" in next(one.evidence for one in of(found, 12))


async def test_13_a_ledger_that_cannot_be_written(start: Starting):
    site = await start()
    subject = site.subject()
    site.write("file", "")
    broken = replace(subject, store_url=f"sqlite:///{site.home}/file")
    bad = the_fault(await preflight(broken), 13)
    assert "the ledger cannot be written" in bad.evidence
    assert "data directory" in bad.remedy


async def test_13_a_clock_that_went_back_and_a_key_that_does_not_sign(start: Starting):
    site = await start()
    site.write("data/preflight/clock", "32503680000.0")
    bad = the_fault(await preflight(site.subject()), 13)
    assert "went back" in bad.evidence
    own = site.authorization(
        method=PRIVATE_KEY_JWT, key_id="k1", key=site.authorization().secret, secret=None
    )
    found = await preflight(site.subject(authorization=own))
    assert any("no RSA private key" in one.evidence for one in of(found, 13))


# -- the rest --


async def test_the_open_sandbox_needs_no_token(start: Starting, tmp_path: Path):
    site = await start()
    subject = site.subject(authorization=None, kind=EnvironmentClass.OPEN)
    found = await preflight(subject)
    assert "needs no token" in of(found, 3)[0].evidence
    assert "needs no token" in of(found, 4)[0].evidence
    assert "status 401" in of(found, 6)[0].evidence
    assert "takes no writes" in of(found, 11)[0].evidence


def test_what_is_compared_of_a_statement_is_its_content():
    statement = {
        "fhirVersion": "4.0.1",
        "date": "2026-01-05",
        "rest": [
            {
                "resource": [
                    {
                        "type": "Patient",
                        "interaction": [{"code": "search-type"}, {"code": "read"}],
                    }
                ]
            }
        ],
    }
    later = {**statement, "date": "2026-01-06"}
    assert normalised(statement) == normalised(later)
    assert normalised(statement)["Patient.interaction"] == ["read", "search"]
    assert differences({"a": ["x"]}, {"a": ["y"], "b": ["z"]}) == ["- a x", "+ a y", "+ b z"]
    assert normalised({"rest": "rubbish", "format": 3}) == {"fhirVersion": [""]}
