"""Rim. What the simulator says of itself: CapabilityStatement and SMART configuration, made from
the table of interactions. Reports 1.3 and 2.
"""

from typing import Any
from urllib.parse import urlsplit

from engine.simulator.millennium.answers import Resource
from engine.simulator.millennium.options import Smart
from engine.simulator.millennium.scopes import EHR_SCOPE, all_scopes
from engine.simulator.millennium.tables import ResourceType, resource_types

OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
CODES = {
    "read": "read",
    "search": "search-type",
    "create": "create",
    "update": "update",
    "patch": "patch",
    "delete": "delete",
}
REFERENCES = frozenset({"patient", "subject", "encounter", "practitioner", "location", "account"})
DATES = frozenset({"date", "birthdate", "period", "_lastUpdated", "start"})
STRINGS = frozenset({"name", "given", "family", "address", "address-city", "address-postalcode"})


def capability_statement(root: str, origin: str, tenant: str, date: str) -> Resource:
    """`GET {root}/metadata`.

    Args:
        root: the service root.
        origin: scheme and host of the simulator.
        tenant: whose it is.
        date: of today, as the real one says it anew every day.
    """
    endpoints = _endpoints(origin, tenant)
    uris = [
        {"url": name.removesuffix("_endpoint"), "valueUri": url} for name, url in endpoints.items()
    ]
    return {
        "resourceType": "CapabilityStatement",
        "url": f"{root}/metadata",
        "name": "SimulatedMillennium",
        "title": "Simulated Millennium",
        "status": "active",
        "date": date,
        "description": "A simulator for tests and training; its data is synthetic",
        "kind": "instance",
        "implementation": {"description": "Simulated Millennium", "url": root},
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "patchFormat": ["application/json-patch+json"],
        "rest": [
            {
                "mode": "server",
                "security": {
                    "extension": [{"url": OAUTH_URIS, "extension": uris}],
                    "cors": True,
                },
                "resource": [_resource(kind) for kind in resource_types().values()],
                "interaction": [{"code": "batch"}],
            }
        ],
    }


def _resource(kind: ResourceType) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": kind.name,
        "interaction": [{"code": CODES[one]} for one in CODES if one in kind.does],
    }
    if "update" in kind.does:
        found["updateCreate"] = False
    if kind.search:
        found["searchParam"] = [{"name": one, "type": _search_type(one)} for one in kind.search]
    if kind.operations:
        found["operation"] = [
            {"name": one, "definition": f"OperationDefinition/{kind.name}-{one}"}
            for one in kind.operations
        ]
    return found


def _search_type(name: str) -> str:
    if name in REFERENCES:
        return "reference"
    if name in DATES:
        return "date"
    if name in STRINGS:
        return "string"
    return "number" if name == "_count" else "token"


def smart_configuration(origin: str, tenant: str) -> dict[str, Any]:
    """`GET {root}/.well-known/smart-configuration`."""
    scopes = [*all_scopes(Smart.V1), *all_scopes(Smart.V2)]
    return {
        "issuer": f"{origin}/tenants/{tenant}",
        **_endpoints(origin, tenant),
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
        "scopes_supported": [one for one in dict.fromkeys(scopes) if not one.startswith(EHR_SCOPE)],
        "capabilities": [
            "client-confidential-symmetric",
            "client-confidential-asymmetric",
            "permission-v1",
            "permission-v2",
        ],
    }


def _endpoints(origin: str, tenant: str) -> dict[str, str]:
    host = urlsplit(origin).hostname
    base = f"{origin}/tenants/{tenant}/hosts/{host}/protocols/oauth2/profiles/smart-v1"
    return {"token_endpoint": f"{base}/token"}
