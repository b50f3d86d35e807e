"""Rim. Coverage, FinancialTransaction, Communication, Provenance, QuestionnaireResponse. Report
1.4.
"""

from engine.simulator.millennium.answers import Resource, RuleBrokenError
from engine.simulator.millennium.elements import codes_of, dicts, reference_of
from engine.simulator.millennium.fields import one_of
from engine.simulator.millennium.rules.demands import be_one_of, have_time, refer_to, stay
from engine.simulator.millennium.rules.scene import Scene, TypeRules

COMMUNICATIONS = frozenset({"notification", "reminder", "312853008"})
TRANSACTION_PARTS = ("type", "alias", "amount", "allocation")
"""Extensions of a financial transaction that are always there; one of the alias is the tenant's."""


def _coverage(_scene: Scene, resource: Resource) -> Resource:
    be_one_of(resource["status"], "status", {"active"})
    refer_to(resource["subscriber"], "subscriber", "Patient")
    refer_to(resource["beneficiary"], "beneficiary", "Patient")
    refer_to(one_of(resource, "payor"), "payor", "Organization")
    return resource


def _transaction(_scene: Scene, resource: Resource) -> Resource:
    urls = [str(one.get("url", "")) for one in dicts(resource.get("extension"))]
    for part in TRANSACTION_PARTS:
        if not any(url.endswith(f"financial-transaction-{part}") for url in urls):
            raise RuleBrokenError(f"the extension financial-transaction-{part} is required")
    return resource


def _communication(_scene: Scene, resource: Resource) -> Resource:
    be_one_of(resource["status"], "status", {"completed"})
    if not codes_of(resource["category"]) & COMMUNICATIONS:
        raise RuleBrokenError("category must be one of notification, reminder, 312853008")
    for recipient in dicts(resource["recipient"]):
        refer_to(recipient, "recipient", "Practitioner", "Group")
    refer_to(resource["sender"], "sender", "Practitioner")
    return resource


def _provenance(scene: Scene, resource: Resource) -> Resource:
    target = one_of(resource, "target")
    kind, _, identity = str(target.get("reference", "")).rpartition("/")
    if scene.chart.get(kind.rpartition("/")[2], identity) is None:
        raise RuleBrokenError("target refers to nothing of this tenant", code="not-found")
    have_time({"start": str(resource["recorded"])}, "recorded")
    if not all(reference_of(one.get("who")) for one in dicts(resource["agent"])):
        raise RuleBrokenError("agent.who is a reference")
    return resource


def _answers(_scene: Scene, before: Resource, after: Resource) -> Resource:
    stay(before, after, "subject", "questionnaire")
    return after


COVERAGE = TypeRules(create=_coverage)
TRANSACTION = TypeRules(create=_transaction)
COMMUNICATION = TypeRules(create=_communication)
PROVENANCE = TypeRules(create=_provenance)
ANSWERS = TypeRules(update=_answers)
