"""Rim. The EHR API of one tenant without its socket: which operation a path names. Report 3.1."""

from dataclasses import dataclass
from urllib.parse import parse_qsl

from engine.simulator.millennium import ehr_lists, ehr_messages
from engine.simulator.millennium.answers import Answer, insufficient_scope
from engine.simulator.millennium.ehr_lists import Parameters, refused
from engine.simulator.millennium.scopes import EHR_NAMESPACES, EHR_SCOPE
from engine.simulator.millennium.tenant import Tenant

CHARTED = {"conditions": "Condition", "allergies": "AllergyIntolerance"}


@dataclass(frozen=True, slots=True, kw_only=True)
class EhrCall:
    """One call, after tenant and token have been seen to."""

    method: str
    namespace: str
    path: str
    """Below the namespace, from the date on."""
    query: str
    body: bytes
    scopes: frozenset[str]


def answer(tenant: Tenant, call: EhrCall) -> Answer:
    """What a call gets. Raises RefusedError."""
    if EHR_SCOPE + EHR_NAMESPACES[call.namespace] not in call.scopes:
        raise insufficient_scope()
    parameters = parse_qsl(call.query, keep_blank_values=True)
    version, _, rest = call.path.partition("/")
    name, _, identity = rest.partition("/")
    if call.namespace == "message" and version == "20241001":
        found = _message(tenant, call, rest, parameters)
    elif call.method == "GET" and version == "20240101":
        found = _read(tenant, (call.namespace, name), identity, parameters)
    else:
        found = None
    if found is None:
        raise refused(404, "NotFound", "there is no such operation")
    return found


def _message(tenant: Tenant, call: EhrCall, rest: str, parameters: Parameters) -> Answer | None:
    match (call.method, rest):
        case ("GET", "patientMessages/sentItems"):
            return ehr_messages.sent_items(tenant, parameters)
        case ("POST", "patientMessages/sentItems"):
            return ehr_messages.send(tenant, call.body)
        case ("POST", "actions/updatePatientMessageStatus"):
            return ehr_messages.update_status(tenant, call.body)
    return None


def _read(
    tenant: Tenant, what: tuple[str, str], identity: str, parameters: Parameters
) -> Answer | None:
    match what:
        case ("codeSystem", "codeValues"):
            if identity:
                return ehr_lists.code_value(tenant, identity)
            return ehr_lists.code_values(tenant, parameters)
        case ("nomenclature", "nomenclatures"):
            if identity:
                return ehr_lists.nomenclature(identity)
            return ehr_lists.nomenclatures(parameters)
        case ("personnel", "personnel"):
            if identity:
                return ehr_lists.person(tenant, identity)
            return ehr_lists.personnel(tenant, parameters)
        case ("location", "locations") if identity:
            return ehr_lists.location(tenant, identity)
        case ("condition", "conditions") | ("allergy", "allergies"):
            kind = CHARTED[what[1]]
            if identity:
                return ehr_lists.charted_one(tenant, kind, identity)
            return ehr_lists.charted(tenant, kind, parameters)
    return None
