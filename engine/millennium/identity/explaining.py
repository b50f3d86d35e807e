"""Pure. Why a delivery was stopped over an identity, and what a person does about it."""

from collections.abc import Mapping, Sequence

from engine.millennium.identity.steps import Reason

_TEXTS: Mapping[Reason, str] = {
    Reason.AMBIGUOUS: "one number leads to several: combine or correct them in Millennium",
    Reason.SEVERAL: "the numbers of this message lead to different ones: find out which is right,"
    " combine them or correct the sender",
    Reason.MISMATCH: "the number leads to somebody else (birth date, family name and gender were"
    " compared, of a visit its patient): correct the number at the sender",
    Reason.UNVERIFIED: "found by number, and too little can be compared: look at it in Millennium",
    Reason.DUPLICATE: "it was created twice, by us and by another system: combine the two in"
    " Millennium, nothing is written to either until then",
    Reason.CIRCLE: "its merges lead in a circle, or on and on: look at them in Millennium",
    Reason.UNSETTLED: "the answer to a create was lost, and Millennium cannot tell whether it was"
    " made: look for it, and settle as sent when it is there",
    Reason.ASKING: "the answer to a create was lost; Millennium does not have it yet, and is asked"
    " again before anything is sent",
    Reason.CLAIMED: "another delivery is creating it",
    Reason.NO_ANSWER: "Millennium could not be asked, and nothing is created unasked",
    Reason.NO_NUMBER: "it has no number that Millennium can be asked for, so that it would be made"
    " again with every message",
    Reason.MISSING: "what it refers to is not in Millennium",
}


def explain(reason: Reason, resource_type: str, ids: Sequence[str] = ()) -> str:
    """One sentence, with the ids of the resources it is about and no patient's data."""
    about = f" ({', '.join(f'{resource_type}/{one}' for one in ids)})" if ids else ""
    return f"{resource_type}: {_TEXTS[reason]}{about}"
