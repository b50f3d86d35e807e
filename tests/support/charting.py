"""A Millennium destination of the test's own at a simulated service, with a real ledger."""

import itertools
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from composed import shipped_calls
from simulated import FIN_SYSTEM, MRN_SYSTEM, encounter, observation, patient

from engine.channel.connection import SecretReference
from engine.channel.environment import AuthorizationConfig, EnvironmentClass, TenantConfig
from engine.channel.model import MillenniumDestinationConfig, RetryPolicy
from engine.destinations.authorization.sources import TokenSources
from engine.destinations.interface import AttemptResult, Ending, Outgoing
from engine.destinations.millennium.destination import MillenniumDestination
from engine.millennium.calls.body import CONTENT_TYPE, MessageFacts, encode_calls
from engine.millennium.identity.entries import LedgerKey
from engine.runtime.worker.store_ledger import StoreLedger
from engine.runtime.worker.store_turn import StoreThread
from engine.simulator.millennium.fault_rules import FaultRule
from engine.simulator.millennium.options import CLIENT_ID, CLIENT_SECRET
from engine.simulator.millennium.server import MillenniumSimulator

CALLS = ("patient.register", "encounter.register", "observation.record")
CMRN_SYSTEM = "urn:oid:2.16.840.1.113883.3.9999.1.6"
SAID = {"birthDate": "1987-04-12", "family": "OKAFOR", "gender": "female"}
EVENT_AT = "2026-01-05T14:30:00Z"
AT_ONCE = RetryPolicy(initial_seconds=0.0, jitter=0.0, breaker_failures=1_000_000)


def tenant_of(simulator: MillenniumSimulator, **more: Any) -> TenantConfig:
    """The simulator's tenant, with its credentials."""
    return TenantConfig(
        name="main",
        kind=EnvironmentClass.SANDBOX,
        tenant="sandbox",
        fhir_root=simulator.fhir_root(),
        ehr_api_root=simulator.ehr_api_root(),
        authorization=AuthorizationConfig(
            client_id=CLIENT_ID, secret=SecretReference("env", "SIMULATOR_SECRET")
        ),
        enrolling_organization="675844",
        **more,
    )


def destination_config(
    simulator: MillenniumSimulator, *, calls: tuple[str, ...] = CALLS, **more: Any
) -> MillenniumDestinationConfig:
    """A checked destination at the simulator."""
    presets = shipped_calls()
    finders = ("Patient", "Encounter", "Practitioner", "Organization", "Location")
    values: dict[str, Any] = {
        "name": "chart",
        "tenant_name": "main",
        "tenant": tenant_of(simulator),
        "call_names": calls,
        "calls": tuple(presets.calls[name] for name in calls),
        "finders": tuple(one for kind in finders if (one := presets.finder(kind))),
        "timeout_seconds": 10.0,
        "retry": AT_ONCE,
    }
    return MillenniumDestinationConfig(**(values | more))


def secret(_reference: SecretReference) -> str:
    """The simulator's client secret, whatever is asked for."""
    return CLIENT_SECRET


# -- calls, as `millennium.calls.compose` makes them --


def register_patient(mrn: str = "4711", **more: Any) -> dict[str, Any]:
    """A patient, named by its number."""
    resource = patient(mrn, **more.pop("resource", {}))
    cmrn = more.pop("cmrn", "")
    identifiers = [{"system": MRN_SYSTEM, "value": mrn, "type": "MR"}]
    if cmrn:
        identifiers.append({"system": CMRN_SYSTEM, "value": cmrn, "type": "MR"})
        other = {**resource["identifier"][1], "system": CMRN_SYSTEM, "value": cmrn}
        resource["identifier"].append(other)
    return {
        "call": "patient.register",
        "name": f"Patient/engine-{mrn}",
        "identifiers": identifiers,
        "resource": resource,
        "verify": SAID,
        "event_at": EVENT_AT,
        "unmapped": [],
        **more,
    }


def find_patient(mrn: str = "4711") -> dict[str, Any]:
    """A patient that is only referred to."""
    found = register_patient(mrn)
    kept = ("name", "identifiers", "verify", "event_at")
    return {"call": "patient.find", **{key: found[key] for key in kept}}


def register_encounter(fin: str = "V1", mrn: str = "4711", **more: Any) -> dict[str, Any]:
    """A visit of a patient of the same message."""
    resource = encounter("x", fin, **more.pop("resource", {}))
    resource["subject"] = {"reference": f"urn:engine:Patient/engine-{mrn}"}
    return {
        "call": "encounter.register",
        "name": f"Encounter/engine-{fin}",
        "identifiers": [{"system": FIN_SYSTEM, "value": fin, "type": "AN"}],
        "resource": resource,
        "verify": {"subject": f"Patient/engine-{mrn}"},
        "event_at": EVENT_AT,
        "unmapped": [],
        **more,
    }


def find_encounter(fin: str = "V1", mrn: str = "4711") -> dict[str, Any]:
    """A visit that is only referred to."""
    found = register_encounter(fin, mrn)
    kept = ("name", "identifiers", "verify", "event_at")
    return {"call": "encounter.find", **{key: found[key] for key in kept}}


def record_observation(
    once: str = "o1", mrn: str = "4711", fin: str = "", **more: Any
) -> dict[str, Any]:
    """A result of a patient of the same message."""
    resource = observation("x", **more.pop("resource", {}))
    resource["subject"] = {"reference": f"urn:engine:Patient/engine-{mrn}"}
    if fin:
        resource["encounter"] = {"reference": f"urn:engine:Encounter/engine-{fin}"}
    return {
        "call": "observation.record",
        "name": f"Observation/{once}",
        "identifiers": [],
        "resource": resource,
        "verify": {},
        "once": once,
        "probe": "Observation?patient={subject}&code={code}&date={effectiveDateTime}",
        "event_at": EVENT_AT,
        "unmapped": [],
        **more,
    }


def merge(survivor: str, retired: str, event_at: str = EVENT_AT) -> dict[str, Any]:
    """A40."""
    return {
        "call": "identity.merge",
        "survivor": [{"system": MRN_SYSTEM, "value": survivor}],
        "retired": [{"system": MRN_SYSTEM, "value": retired}],
        "event_at": event_at,
    }


def body(*calls: dict[str, Any]) -> bytes:
    """The body of a delivery."""
    facts = MessageFacts(control_id="C1", event_at=EVENT_AT, message_type="ADT^A01")
    return encode_calls(facts, list(calls))


@dataclass
class Charting:
    """One destination at one simulator, and deliveries to it."""

    simulator: MillenniumSimulator
    store: StoreThread
    options: dict[str, Any] = field(default_factory=dict)
    clock: Callable[[], float] = time.time
    numbers: Any = field(default_factory=lambda: itertools.count(1000))

    def __post_init__(self) -> None:
        self.config = destination_config(self.simulator, **self.options)
        self.ledger = StoreLedger(self.store)
        self.destination = MillenniumDestination(
            self.config, secret, self.ledger, TokenSources(), self.clock
        )

    def outgoing(self, *calls: dict[str, Any], delivery_id: int = 0) -> Outgoing:
        return Outgoing(
            delivery_id=delivery_id or next(self.numbers),
            message_id=1,
            channel="adt",
            content_type=CONTENT_TYPE,
            body=body(*calls),
        )

    async def send(self, *calls: dict[str, Any], delivery_id: int = 0) -> AttemptResult:
        return await self.destination.send(self.outgoing(*calls, delivery_id=delivery_id))

    async def close(self) -> None:
        await self.destination.close()

    def all(self, kind: str) -> list[dict[str, Any]]:
        """What the service holds of a type besides what it held from the start."""
        (tenant,) = self.simulator.tenants.values()
        return [
            {**record.resource, "id": record.identity}
            for record in tenant.chart.all(kind)
            if record.identity not in ("12742399",)
        ]

    def posts(self, kind: str) -> int:
        """Creates the service has seen of a type."""
        wanted = f"/{kind}"
        return sum(
            one.method == "POST" and one.path.endswith(wanted) for one in self.simulator.requests
        )


# -- what tests look at --


def accepted(result: AttemptResult) -> bool:
    assert result.classification.accepted, (result.classification, result.response.decode())
    return True


def ended(result: AttemptResult, code: str, ending: Ending = Ending.HOLD) -> bool:
    assert (result.classification.code, result.ending) == (code, ending), result.response.decode()
    return True


def potassium(value: float) -> dict[str, Any]:
    unit = {"unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"}
    return {"valueQuantity": {"value": value, **unit}}


def key(value: str = "4711", system: str = MRN_SYSTEM, kind: str = "Patient") -> LedgerKey:
    return LedgerKey(resource_type=kind, system=system, value=value)


@asynccontextmanager
async def faults(simulator: MillenniumSimulator, *rules: FaultRule) -> AsyncIterator[None]:
    simulator.faults.set(list(rules))
    yield
    simulator.faults.set([])
