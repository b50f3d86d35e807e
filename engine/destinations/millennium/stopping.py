"""Rim. Why a delivery to Millennium goes no further now."""

from engine.destinations.interface import Awaited, Ending
from engine.destinations.millennium.exchanges import Failure
from engine.millennium.identity.explaining import explain
from engine.millennium.identity.steps import Hold, Reason, Wait
from engine.pipeline.response import Classification
from engine.pipeline.states import FailureClass

_WAITS = {Reason.ASKING: FailureClass.AMBIGUOUS, Reason.CLAIMED: FailureClass.TRANSIENT}


class Stopped(Exception):  # noqa: N818  the end of an attempt, not an error of the program
    """The attempt ends here."""

    def __init__(
        self, failure: Failure, ending: Ending = Ending.BY_CLASS, awaited: Awaited | None = None
    ) -> None:
        """Args: why; what follows; with PARK, what is waited for."""
        super().__init__(failure.classification.code)
        self.failure = failure
        self.ending = ending
        self.awaited = awaited


def stopped_by(decision: Hold | Wait, resource_type: str, failure: Failure | None) -> Stopped:
    """The end that a decision about an identity means.

    Args:
        decision: a person is needed, or time.
        resource_type: whose identity.
        failure: why the service gave no answer, where that is the reason.
    """
    reason = decision.reason
    if reason is Reason.NO_ANSWER and failure is not None:
        return Stopped(failure)
    if isinstance(decision, Hold):
        return held(reason, resource_type, decision.ids)
    kind = _WAITS.get(reason, FailureClass.TRANSIENT)
    return Stopped(Failure(Classification(kind, reason.value), explain(reason, resource_type)))


def held(reason: Reason, resource_type: str, ids: tuple[str, ...] = ()) -> Stopped:
    """A person decides."""
    found = Classification(FailureClass.PERMANENT, reason.value)
    return Stopped(Failure(found, explain(reason, resource_type, ids)), Ending.HOLD)


def parked(resource_type: str, awaited: Awaited) -> Stopped:
    """It waits beside its lane for what it refers to."""
    found = Classification(FailureClass.PERMANENT, Reason.MISSING.value)
    return Stopped(Failure(found, explain(Reason.MISSING, resource_type)), Ending.PARK, awaited)
