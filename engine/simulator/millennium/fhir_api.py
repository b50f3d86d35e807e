"""Rim. FHIR R4 of one tenant without its socket: a call in, an answer out. Reports 1.2 to 1.6."""

import base64
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

import orjson

from engine.simulator.millennium import charges
from engine.simulator.millennium.answers import (
    FHIR_JSON,
    HTML,
    Answer,
    RefusedError,
    Resource,
    RuleBrokenError,
    fhir,
    insufficient_scope,
    invalid_request,
    not_found,
    nothing,
    outcome,
)
from engine.simulator.millennium.chart import Record
from engine.simulator.millennium.elements import as_list, business_keys, dicts, patient_of
from engine.simulator.millennium.fields import (
    check_codings,
    check_form,
    check_modifiers,
    check_references,
    keep_supported,
)
from engine.simulator.millennium.options import (
    Errors,
    MissingIfMatch,
    SimulatorOptions,
    UnsupportedFields,
)
from engine.simulator.millennium.patching import patched
from engine.simulator.millennium.rules.registry import rules_of
from engine.simulator.millennium.scopes import permits, permits_interaction
from engine.simulator.millennium.tables import ResourceType, WriteRules, resource_types, write_rules
from engine.simulator.millennium.tenant import Tenant, shown

BATCH_MAX = 500
ALWAYS_MATCHED = frozenset({"Appointment"})
"""Types whose update without If-Match is documented to be refused."""
NESTED_MODIFIERS = {"FamilyMemberHistory": frozenset({"condition"})}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One FHIR call, after tenant and token have been seen to."""

    method: str
    path: str
    """Below the service root, without slashes around it."""
    query: str
    body: bytes
    headers: Mapping[str, str]
    scopes: frozenset[str] | None
    """Of the token; None where no token is needed."""
    root: str


@dataclass(frozen=True, slots=True)
class FhirApi:
    """Answers calls."""

    options: SimulatorOptions

    def answer(self, tenant: Tenant, call: Call) -> Answer:
        """What a call gets. Raises RefusedError."""
        try:
            return self._routed(tenant, call)
        except RuleBrokenError as broken:
            raise self._refusal(broken) from None

    def _refusal(self, broken: RuleBrokenError) -> RefusedError:
        if self.options.errors is Errors.DOCUMENTED or broken.verbatim:
            return outcome(422, broken.code, broken.text)
        text = "Invalid request" if broken.observed_status == 400 else "Unprocessable entity"
        return outcome(broken.observed_status, "invalid", text)

    def _routed(self, tenant: Tenant, call: Call) -> Answer:
        if not call.path:
            return self._batch(tenant, call)
        name, _, rest = call.path.partition("/")
        kind = resource_types().get(name)
        if kind is None:
            raise not_found()
        if "$" in rest:
            return self._operation(tenant, kind, rest, call)
        if not rest:
            if call.method == "GET":
                return self._search(tenant, kind, call)
            if call.method == "POST":
                return self._create(tenant, kind, call)
            raise _unsupported()
        interaction = {"GET": "read", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
        chosen = interaction.get(call.method)
        if chosen is None or "/" in rest:
            raise not_found()
        self._permit(kind, chosen, call)
        record = tenant.chart.get(name, rest)
        if record is None:
            raise not_found()
        if chosen == "read":
            return _read(record, call)
        self._match(record, call)
        obstacle = tenant.chart.obstacles.get((name, rest))
        if obstacle is not None:
            raise nothing(obstacle)
        if chosen == "delete":
            tenant.chart.remove(record)
            return Answer(status=204, content_type=HTML)
        return self._change(tenant, record, chosen, call)

    def _operation(self, tenant: Tenant, kind: ResourceType, rest: str, call: Call) -> Answer:
        """`ChargeItem/$create`, `$modify`, `{id}/$credit`; no other is simulated."""
        identity, _, name = rest.rpartition("/")
        if kind.name != "ChargeItem" or call.method != "POST":
            raise not_found()
        if call.scopes is not None and not permits(call.scopes, kind.name, "c"):
            raise insufficient_scope()
        body, scene = decoded(call.body), tenant.scene()
        if name == "$create" and not identity:
            answer = written(200, charges.create(scene, body), call.root)
            headers = {**answer.headers, "Location": f"{call.root}/ChargeItem/$create"}
            return dataclasses.replace(answer, headers=headers)
        if name == "$modify" and not identity:
            return written(201, charges.modify(scene, body), call.root)
        if name == "$credit" and identity:
            return written(201, charges.credit(scene, identity, body), call.root)
        raise not_found()

    def _batch(self, tenant: Tenant, call: Call) -> Answer:
        """A batch of reads and searches. Writes in one are refused, as a user reported."""
        if call.method != "POST":
            raise _unsupported()
        bundle = check_form(decoded(call.body), "Bundle")
        entries = dicts(bundle.get("entry"))
        requests = [one.get("request", {}) for one in entries]
        if bundle.get("type") != "batch" or len(entries) > BATCH_MAX:
            raise RuleBrokenError("a batch is expected", code="not-supported")
        if any(one.get("method") != "GET" for one in requests):
            raise RuleBrokenError("a batch reads", code="not-supported", observed_status=422)
        answers = [self._entry(tenant, str(one.get("url", "")), call) for one in requests]
        return fhir({"resourceType": "Bundle", "type": "batch-response", "entry": answers})

    def _entry(self, tenant: Tenant, url: str, call: Call) -> dict[str, Any]:
        path, _, query = url.removeprefix(call.root).strip("/").partition("?")
        try:
            answer = self.answer(
                tenant, dataclasses.replace(call, method="GET", path=path or "-", query=query)
            )
        except RefusedError as refused:
            answer = refused.answer
        entry: dict[str, Any] = {"response": {"status": str(answer.status)}}
        if answer.status < 400:
            entry["resource"] = orjson.loads(answer.body)
        elif answer.content_type == FHIR_JSON:
            entry["response"]["outcome"] = orjson.loads(answer.body)
        return entry

    def _permit(self, kind: ResourceType, interaction: str, call: Call) -> None:
        needed = kind.scope and call.scopes is not None
        if needed and not permits_interaction(call.scopes or (), kind.name, interaction):
            raise insufficient_scope()
        if interaction not in kind.does:
            raise _unsupported()

    def _search(self, tenant: Tenant, kind: ResourceType, call: Call) -> Answer:
        self._permit(kind, "search", call)
        return fhir(tenant.searches.search(kind, call.query, call.root))

    def _create(self, tenant: Tenant, kind: ResourceType, call: Call) -> Answer:
        """If-None-Exist is not looked at: a second resource is made."""
        self._permit(kind, "create", call)
        resource = check_form(decoded(call.body), kind.name)
        kept = self._checked(tenant, resource, "create")
        kept = rules_of(kind.name).create(tenant.scene(), kept)
        kept.pop("id", None)
        if kind.name == "Observation" and self.options.errors is Errors.OBSERVED:
            _refuse_duplicate(tenant, kept)
        record = tenant.chart.add(kind.name, kept)
        return written(201, record, call.root)

    def _change(self, tenant: Tenant, record: Record, interaction: str, call: Call) -> Answer:
        rules, scene = rules_of(record.kind), tenant.scene()
        if interaction == "patch":
            operations = decoded(call.body)
            after, listed = patched(record.resource, operations, _rules(record.kind).patch)
            check_codings({"value": [one.get("value") for one in listed]}, tenant.codes)
            check_references({"value": [one.get("value") for one in listed]}, tenant.chart)
            for name in rules.listed & after.keys():
                after[name] = as_list(after[name])
            rules.patch(scene, check_form(after, record.kind), listed)
        else:
            sent = check_form(decoded(call.body), record.kind)
            if sent.get("id") != record.identity:
                raise invalid_request()
            kept = self._checked(tenant, sent, "update")
            after = rules.update(scene, record.resource, kept)
        tenant.chart.replace(record, after, interaction)
        return written(200, record, call.root)

    def _checked(self, tenant: Tenant, resource: Resource, interaction: str) -> Resource:
        """The resource with what the interaction lists of it."""
        kind = resource["resourceType"]
        fields = getattr(_rules(kind), interaction)
        check_modifiers(resource, allowed=NESTED_MODIFIERS.get(kind, frozenset()))
        refuse = self.options.unsupported_fields is UnsupportedFields.REFUSE
        kept = keep_supported(resource, fields, refuse=refuse)
        check_codings(kept, tenant.codes)
        check_references(kept, tenant.chart)
        return kept

    def _match(self, record: Record, call: Call) -> None:
        """If-Match against the version there is."""
        given = call.headers.get("If-Match", "")
        if not given:
            accept = self.options.missing_if_match is MissingIfMatch.ACCEPT
            if not accept or record.kind in ALWAYS_MATCHED:
                raise nothing(412)
            return
        if given != f'W/"{record.etag}"':
            raise nothing(409)


def _refuse_duplicate(tenant: Tenant, resource: Resource) -> None:
    """409 for a result that is there already, as a user of the sandbox reported."""
    keys = business_keys(resource)
    for record in tenant.chart.of_patient("Observation", patient_of(resource)):
        if business_keys(record.resource) == keys:
            raise nothing(409)


def _rules(kind: str) -> WriteRules:
    return write_rules().get(kind) or WriteRules()


def _read(record: Record, call: Call) -> Answer:
    """A resource; a Binary in its own media type unless FHIR is asked for. Report 1.2."""
    headers = {"ETag": f'W/"{record.etag}"'}
    if record.kind == "Binary":
        accepted = call.headers.get("Accept", "*/*").split(";")[0].strip().lower()
        media = str(record.resource["contentType"])
        if accepted not in ("application/fhir+json", "application/json+fhir", "application/json"):
            if accepted not in ("*/*", media.partition(";")[0].strip().lower()):
                raise nothing(406)
            data = base64.b64decode(record.resource["data"])
            return Answer(status=200, body=data, content_type=media, headers=headers)
    return dataclasses.replace(fhir(shown(record, call.root)), headers=headers)


def _unsupported() -> RefusedError:
    return outcome(405, "not-supported", "the interaction is not supported")


def decoded(body: bytes) -> Any:
    """The body as JSON. Refuses with 400."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise invalid_request() from None


def written(status: int, record: Record, root: str) -> Answer:
    """What a write answers: no body, the version in ETag, the place of a new one in Location."""
    headers = {
        "ETag": f'W/"{record.etag}"',
        "Last-Modified": formatdate(record.updated_at, usegmt=True),
        "Cache-Control": "no-cache",
        "Vary": "Origin",
    }
    if status == 201:
        headers["Location"] = f"{root}/{record.kind}/{record.identity}"
    return Answer(status=status, content_type=HTML, headers=headers)
