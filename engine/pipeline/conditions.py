"""Pure. Which destinations a message goes to: those whose `when` holds.

Of a document the conditions see its header as a message (`document_message`); what else they name
is empty.
"""

from dataclasses import replace

from engine.hl7v2.message import Message
from engine.pipeline.plan import ChannelPlan


def narrowed(plan: ChannelPlan, message: Message) -> ChannelPlan | None:
    """The plan with the destinations that take the message; None when none of them does."""
    refused = frozenset(name for name, holds in plan.conditions if not holds(message))
    if not refused:
        return plan
    if refused.issuperset(plan.order):
        return None
    forms = (
        replace(form, destinations=tuple(one for one in form.destinations if one not in refused))
        for form in plan.forms
    )
    return replace(
        plan,
        forms=tuple(form for form in forms if form.destinations),
        as_received=tuple(name for name in plan.as_received if name not in refused),
        composers=tuple(one for one in plan.composers if one.destination not in refused),
    )
