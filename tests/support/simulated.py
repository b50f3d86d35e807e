"""A simulated Millennium and somebody who calls it, for tests."""

from base64 import b64encode
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

import aiohttp
import orjson

from engine.simulator.millennium.options import CLIENT_ID, CLIENT_SECRET, SimulatorOptions
from engine.simulator.millennium.scopes import all_scopes
from engine.simulator.millennium.seed import ORGANIZATION
from engine.simulator.millennium.server import MillenniumSimulator

FHIR_JSON = "application/fhir+json"
PATCH_JSON = "application/json-patch+json"
MRN_SYSTEM = "urn:oid:2.16.840.1.113883.3.9999.1.4"
FIN_SYSTEM = "urn:oid:2.16.840.1.113883.3.9999.1.5"


@dataclass
class Reply:
    """What came back."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.content)

    @property
    def etag(self) -> str:
        return self.headers["etag"]

    @property
    def identity(self) -> str:
        return self.headers["location"].rpartition("/")[2]

    @property
    def issue(self) -> tuple[str, str]:
        """Code and text of the only issue."""
        (found,) = self.json["issue"]
        return found["code"], found["details"]["text"]


@dataclass
class Caller:
    """A client of the simulator with a token for everything."""

    options: SimulatorOptions = field(default_factory=SimulatorOptions)
    token: str = ""

    async def __aenter__(self) -> Self:
        self.simulator = MillenniumSimulator(self.options)
        await self.simulator.start()
        self.session = aiohttp.ClientSession()
        self.root = self.simulator.fhir_root()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.session.close()
        await self.simulator.stop()

    async def send(self, method: str, url: str, body: Any = None, **headers: str) -> Reply:
        """A request as it is given, without a token."""
        data = orjson.dumps(body) if isinstance(body, dict | list) else body
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        url = url if url.startswith("http") else f"{self.simulator.url}{url}"
        async with self.session.request(method, url, data=data, headers=named) as answer:
            found = {name.lower(): value for name, value in answer.headers.items()}
            return Reply(answer.status, found, await answer.read())

    async def ask_token(
        self,
        *scopes: str,
        client: str = CLIENT_ID,
        secret: str = CLIENT_SECRET,
        tenant: str = "",
        url: str = "",
        header: str = "",
        grant: str = "client_credentials",
        **form: str,
    ) -> Reply:
        """A token request with a secret; all scopes there are unless some are named.

        `form`: further fields, such as an assertion, which goes without the header.
        """
        asked = scopes or all_scopes(self.options.smart)
        basic = b64encode(f"{client}:{secret}".encode()).decode()
        headers = {} if form else {"Authorization": header or f"Basic {basic}"}
        fields = {"grant_type": grant, "scope": " ".join(asked), **form}
        return await self.send(
            "POST",
            url or self.simulator.token_url(tenant),
            urlencode(fields).encode(),
            Content_Type="application/x-www-form-urlencoded",
            **headers,
        )

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """A call with the token, which is got first where there is none."""
        if not self.token:
            self.token = (await self.ask_token()).json["access_token"]
        named = {"Accept": FHIR_JSON, "Authorization": f"Bearer {self.token}", **headers}
        if body is not None:
            named.setdefault("Content_Type", PATCH_JSON if method == "PATCH" else FHIR_JSON)
        url = path if path.startswith("http") else f"{self.root}/{path}"
        return await self.send(method, url, body, **named)

    async def admin(self, method: str, path: str, body: Any = None) -> Any:
        """What an admin path answers."""
        reply = await self.send(method, f"/_simulator/{path}", body)
        assert reply.status < 300, reply.content
        return reply.json if reply.content else None

    async def created(self, resource: dict[str, Any]) -> Reply:
        """A resource that is created without fail."""
        reply = await self.call("POST", resource["resourceType"], resource)
        assert reply.status == 201, reply.content
        return reply


def code(code_set: int, number: int, tenant: str = "sandbox") -> dict[str, Any]:
    """A concept with a proprietary code alone."""
    system = f"https://fhir.cerner.com/{tenant}/codeSet/{code_set}"
    return {"coding": [{"system": system, "code": str(number), "userSelected": True}]}


def standard(system: str, value: str, text: str = "") -> dict[str, Any]:
    """A concept with a standard code alone."""
    return {"coding": [{"system": system, "code": value}], **({"text": text} if text else {})}


LOINC = "http://loinc.org"
CATEGORIES = "http://terminology.hl7.org/CodeSystem/observation-category"
INPATIENT = 3319000


def patient(mrn: str = "4711", **more: Any) -> dict[str, Any]:
    """A patient as it is registered."""
    return {
        "resourceType": "Patient",
        "identifier": [
            {"assigner": {"reference": f"Organization/{ORGANIZATION}"}},
            {"type": code(4, 10), "system": MRN_SYSTEM, "value": mrn},
        ],
        "name": [{"use": "official", "family": "Okafor", "given": ["Adaeze"]}],
        "telecom": [{"system": "phone", "use": "home", "value": "555-0100"}],
        "address": [{"use": "home", "line": ["1 Mill Lane"], "city": "Larkspur"}],
        "gender": "female",
        "birthDate": "1987-04-12",
        **more,
    }


def encounter(patient_id: str, fin: str = "V1", **more: Any) -> dict[str, Any]:
    """An encounter as it is registered."""
    return {
        "resourceType": "Encounter",
        "identifier": [{"type": code(319, 1077), "system": FIN_SYSTEM, "value": fin}],
        "status": "in-progress",
        "type": [code(71, INPATIENT)],
        "subject": {"reference": f"Patient/{patient_id}"},
        "period": {"start": "2026-01-05T14:30:00Z"},
        "serviceProvider": {"reference": f"Organization/{ORGANIZATION}"},
        **more,
    }


def observation(patient_id: str, **more: Any) -> dict[str, Any]:
    """A laboratory result with a standard code alone."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [standard(CATEGORIES, "laboratory")],
        "code": standard(LOINC, "2823-3", "Potassium"),
        "subject": {"reference": f"Patient/{patient_id}"},
        "effectiveDateTime": "2026-01-05T14:30:00Z",
        "valueQuantity": {
            "value": 4.1,
            "unit": "mmol/L",
            "system": "http://unitsofmeasure.org",
            "code": "mmol/L",
        },
        **more,
    }
