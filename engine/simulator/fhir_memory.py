"""Rim. A plain FHIR R4 server without its sockets: resources in memory, the interactions on them.

What it answers is what the specification says a server with all optional abilities answers, so that
the FHIR destination can be tried against it. FHIR R4 http.html and search.html#token.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from engine.diagnostics import Severity
from engine.fhir import checker, definitions, outcome

RESOURCES_MAX = 200_000
"""The oldest are forgotten beyond this; the counts go on."""
DEFAULT_COUNT = 50

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """What one interaction answers."""

    status: int
    body: Resource | None = None
    location: str = ""

    @property
    def etag(self) -> str:
        """The version of the resource answered, as `W/"3"`; empty when it has none."""
        version = (self.body or {}).get("meta", {}).get("versionId")
        return f'W/"{version}"' if version else ""


class RefusedError(Exception):
    """An interaction is refused; carries the answer."""

    def __init__(self, status: int, body: Resource) -> None:
        super().__init__(status)
        self.reply = Reply(status, body)


def refuse(status: int, issue: str, text: str) -> RefusedError:
    """A refusal with an OperationOutcome; the text names no values."""
    detail = {"severity": "error", "code": issue, "details": {"text": text}}
    return RefusedError(status, {"resourceType": "OperationOutcome", "issue": [detail]})


@dataclass(slots=True)
class FhirMemory:
    """The resources, newest last."""

    new_id: Callable[[], str]
    instant: Callable[[], str]
    rule: Callable[[Resource], str] = lambda _resource: ""
    """A rule of the site: the reason why a valid resource is refused, or nothing."""
    resources_max: int = RESOURCES_MAX
    counts: Counter[str] = field(default_factory=Counter)
    """`Patient created`, `Patient updated`, `Patient unchanged`, ..."""
    _resources: OrderedDict[tuple[str, str], Resource] = field(default_factory=OrderedDict)
    _by_identifier: dict[tuple[str, str], dict[str, None]] = field(default_factory=dict)
    """(type, `system|value`) -> ids."""

    # -- reading --

    def read(self, kind: str, identity: str) -> Reply:
        """`GET Type/id`."""
        found = self._resources.get((kind, identity))
        if found is None:
            raise refuse(404, "not-found", "there is no such resource")
        return Reply(200, found)

    def search(self, kind: str, query: str) -> Reply:
        """`GET Type?identifier=...&_id=...&_count=n&_summary=count`."""
        parameters = dict(parse_qsl(query, keep_blank_values=True))
        ids = self.matches(kind, query)
        total = {"resourceType": "Bundle", "type": "searchset", "total": len(ids)}
        if parameters.get("_summary") == "count":
            return Reply(200, total)
        count = parameters.get("_count", "")
        limit = int(count) if count.isdigit() else DEFAULT_COUNT
        entries = [
            {"resource": self._resources[kind, each], "search": {"mode": "match"}}
            for each in ids[:limit]
        ]
        return Reply(200, {**total, "entry": entries} if entries else total)

    def matches(self, kind: str, query: str) -> list[str]:
        """The ids that meet all criteria of a search."""
        wanted = [
            (name, value)
            for name, value in parse_qsl(query, keep_blank_values=True)
            if name not in ("_count", "_summary", "_format")
        ]
        if not wanted:
            return [identity for found, identity in self._resources if found == kind]
        sets = [self._matching(kind, name, value) for name, value in wanted]
        return [each for each in sets[0] if all(each in other for other in sets[1:])]

    def _matching(self, kind: str, name: str, value: str) -> dict[str, None]:
        if name == "_id":
            return {value: None} if (kind, value) in self._resources else {}
        if name != "identifier":
            raise refuse(400, "not-supported", "the search parameter is not supported")
        plain = value.replace("\\|", "\0").replace("\\,", ",").replace("\\$", "$")
        system, mark, code = plain.partition("|")
        if not mark:
            system, code = "", system
        token = f"{system}|{code}".replace("\0", "|").replace("\\\\", "\\")
        if mark:
            return self._by_identifier.get((kind, token), {})
        ending = "|" + token.partition("|")[2]
        return {
            identity: None
            for (found, text), ids in self._by_identifier.items()
            if found == kind and text.endswith(ending)
            for identity in ids
        }

    # -- writing --

    def create(self, kind: str, resource: Resource, if_none_exist: str = "") -> Reply:
        """`POST Type`, with If-None-Exist where given."""
        self.check(kind, resource)
        if if_none_exist:
            found = self._only(kind, if_none_exist)
            if found is not None:
                return self.keep(kind, found)
        return self.store(kind, self.new_id(), resource)

    def update(self, kind: str, identity: str, resource: Resource, if_match: str = "") -> Reply:
        """`PUT Type/id`, with If-Match where given; creates it where there is none."""
        self.check(kind, resource)
        self.check_version(kind, identity, if_match)
        if resource.get("id") not in (None, identity):
            raise refuse(400, "invalid", "the id of the resource is not that of the URL")
        return self.store(kind, identity, resource)

    def check_version(self, kind: str, identity: str, if_match: str) -> None:
        """Refuse an If-Match that names another version than the resource has."""
        if not if_match:
            return
        found = self._resources.get((kind, identity))
        if found is None or if_match != f'W/"{found["meta"]["versionId"]}"':
            raise refuse(412, "conflict", "the resource has another version")

    def update_where(self, kind: str, query: str, resource: Resource) -> Reply:
        """`PUT Type?criteria`: creates, updates the one, or 412 when there are several."""
        self.check(kind, resource)
        identity = self._only(kind, query) or resource.get("id") or self.new_id()
        return self.store(kind, str(identity), resource)

    def keep(self, kind: str, identity: str) -> Reply:
        """A conditional create that found its resource changes nothing."""
        self.counts[f"{kind} unchanged"] += 1
        return Reply(200, self._resources[kind, identity], f"{kind}/{identity}")

    def delete(self, kind: str, identity: str) -> Reply:
        """`DELETE Type/id`."""
        self._forget(kind, identity)
        return Reply(204)

    def check(self, kind: str, resource: object) -> None:
        """Refuse what is no valid resource of the type."""
        if kind not in definitions.resource_types():
            raise refuse(404, "not-supported", "the resource type is not R4")
        if not isinstance(resource, dict) or resource.get("resourceType") != kind:
            raise refuse(400, "invalid", "the resource is not of the type of the URL")
        problems = [found for found in checker.check(resource) if found.severity is Severity.ERROR]
        if problems:
            raise RefusedError(422, outcome.build(problems))
        reason = self.rule(resource)
        if reason:
            raise refuse(422, "business-rule", reason)

    def identify(self, kind: str, query: str) -> str | None:
        """The id that a conditional reference means. Raises RefusedError for none or several."""
        return self._only(kind, query)

    def _only(self, kind: str, query: str) -> str | None:
        ids = self.matches(kind, query)
        if len(ids) > 1:
            raise refuse(412, "multiple-matches", "several resources match")
        return ids[0] if ids else None

    def store(self, kind: str, identity: str, resource: Resource) -> Reply:
        """Keep a resource that has been checked."""
        before = self._resources.get((kind, identity))
        version = int(before["meta"]["versionId"]) + 1 if before is not None else 1
        meta = {
            **resource.get("meta", {}),
            "versionId": str(version),
            "lastUpdated": self.instant(),
        }
        self._forget(kind, identity)
        self._resources[kind, identity] = {**resource, "id": identity, "meta": meta}
        for token in tokens(resource):
            self._by_identifier.setdefault((kind, token), {})[identity] = None
        while len(self._resources) > self.resources_max:
            oldest = next(iter(self._resources))
            self._forget(*oldest)
        self.counts[f"{kind} {'created' if before is None else 'updated'}"] += 1
        location = f"{kind}/{identity}/_history/{version}"
        return Reply(201 if before is None else 200, self._resources[kind, identity], location)

    def _forget(self, kind: str, identity: str) -> None:
        resource = self._resources.pop((kind, identity), None)
        if resource is None:
            return
        for token in tokens(resource):
            ids = self._by_identifier.get((kind, token))
            if ids is not None:
                ids.pop(identity, None)
                if not ids:
                    del self._by_identifier[kind, token]

    def resource_counts(self) -> dict[str, int]:
        """How many resources of each type there are."""
        return dict(Counter(kind for kind, _ in self._resources))


def tokens(resource: Resource) -> list[str]:
    """`system|value` of each identifier."""
    found = resource.get("identifier", [])
    listed = found if isinstance(found, list) else [found]
    return [
        f"{each.get('system', '')}|{each['value']}"
        for each in listed
        if isinstance(each, dict) and "value" in each
    ]


def split_url(url: str) -> tuple[str, str, str]:
    """(type, id, query) of a relative URL such as `Patient/1` or `Patient?identifier=a%7Cb`."""
    path, _, query = url.partition("?")
    kind, _, identity = path.strip("/").partition("/")
    return kind, unquote(identity), query
