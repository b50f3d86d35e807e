"""Rim. One tenant: its chart, its code values, its searches, and what is there from the start."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from engine.simulator.millennium.answers import Resource
from engine.simulator.millennium.chart import Chart, Record
from engine.simulator.millennium.code_values import SHIFT, CodeTable
from engine.simulator.millennium.options import SimulatorOptions
from engine.simulator.millennium.rules.scene import Scene
from engine.simulator.millennium.searching import Searches
from engine.simulator.millennium.seed import seed_resources

ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


@dataclass(slots=True)
class Tenant:
    """What one tenant holds."""

    name: str
    chart: Chart
    codes: CodeTable
    searches: Searches
    clock: Callable[[], float]

    def scene(self) -> Scene:
        """What the rules of a write are given."""
        return Scene(chart=self.chart, codes=self.codes, instant=instant(self.clock()))


def open_tenant(name: str, position: int, options: SimulatorOptions) -> Tenant:
    """A tenant with what is there from the start.

    Args:
        name: of the tenant.
        position: among the tenants; each has its own code values.
        options: of the simulator.
    """
    chart = Chart(options.clock, options.resources_max)
    codes = CodeTable(name, shift=position * SHIFT)
    searches = Searches(
        chart=chart,
        errors=options.errors,
        repeat_across_pages=options.repeat_across_pages,
        shown=shown,
    )
    for resource in seed_resources(codes):
        chart.add(resource["resourceType"], resource, resource["id"], why="seed")
    return Tenant(name, chart, codes, searches, options.clock)


def shown(record: Record, root: str = "") -> Resource:
    """A resource as it is read: with its version, and for combined ones what is left of them.

    Args:
        record: the resource.
        root: the service root, for the places of attachments.
    """
    meta = {
        **record.resource.get("meta", {}),
        "versionId": record.etag,
        "lastUpdated": instant(record.updated_at),
    }
    resource = {**record.resource, "id": record.identity, "meta": meta}
    if record.kind == "DocumentReference" and root:
        resource["content"] = [_placed(one, root) for one in resource["content"]]
    if not record.replaced_by:
        return resource
    if record.kind == "Encounter":
        return {
            **resource,
            "status": "unknown",
            "partOf": {"reference": f"Encounter/{record.replaced_by}"},
        }
    absent = {"extension": [{"url": ABSENT, "valueCode": "unknown"}]}
    return {
        "resourceType": record.kind,
        "id": record.identity,
        "meta": meta,
        "active": False,
        "name": [absent],
        "_gender": absent,
        "link": [{"other": {"reference": f"Patient/{record.replaced_by}"}, "type": "replaced-by"}],
    }


def _placed(content: Resource, root: str) -> Resource:
    attachment = content["attachment"]
    return {**content, "attachment": {**attachment, "url": f"{root}/{attachment['url']}"}}


def instant(seconds: float) -> str:
    """Seconds since 1970 as a FHIR instant."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
