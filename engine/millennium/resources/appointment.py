"""Pure. Appointments in Millennium's form, and the steps of one that is there (reference 1.4).

An appointment is requested (`proposed`), or booked where the message has a slot of Millennium's, an
id that only the site's own maps can know. One that is there takes documented steps alone: proposed
to booked, with its slot; booked to another slot, arrived or checked in; arrived to checked in; any
of them to cancelled, with its reason. Which operations go together is documented too, so the patch
is made here and not element by element. What has no step is said to be left out.
"""

from collections.abc import Mapping
from typing import Any

from engine.millennium.resources.patching import PatchMade, Refused
from engine.millennium.resources.shaping import Shaped

Json = dict[str, Any]

_PERSON = ("urn:engine:Patient/", "Patient/")
_PLACE = ("urn:engine:Location/", "Location/")
REASON_CHARACTERS_MAX = 255
CANCELLED = "cancelled"
STEPS: Mapping[str, frozenset[str]] = {
    "proposed": frozenset({"booked", CANCELLED}),
    "booked": frozenset({"arrived", "checked-in", CANCELLED}),
    "arrived": frozenset({"checked-in", CANCELLED}),
    "checked-in": frozenset({CANCELLED}),
}
"""Status -> those a patch can bring it to. Fulfilled follows too, and no patch says it."""
_REACHED: Mapping[str, frozenset[str]] = {
    "arrived": frozenset({"checked-in", "fulfilled"}),
    "checked-in": frozenset({"fulfilled"}),
}
"""Status -> those that come after it: an appointment that is there has been through it."""
_UNSAYABLE: Mapping[str, str] = {
    "noshow": "no API says that a patient did not come; send it by MLLP",
    "fulfilled": "no patch ends an appointment; send it by MLLP",
    "entered-in-error": "no API deletes an appointment; send it by MLLP",
}


def shape_appointment(shaped: Shaped) -> None:
    """Booked needs a slot of Millennium's; without one the time is proposed.

    Patients and places take part; staff are Millennium's own business. A cancellation gives its
    reason; an arrival is said of an appointment that is there.
    """
    appointment = shaped.resource
    status = str(appointment.get("status", ""))
    if status in _UNSAYABLE:
        shaped.skipped = _UNSAYABLE[status]
        return
    if status == CANCELLED or status in _REACHED:
        _change(shaped, status)
        return
    slots = [one for one in appointment.get("slot", ()) if _slot_id(one)]
    appointment.pop("slot", None)
    if slots:
        appointment["slot"] = slots[:1]
    booked = bool(slots) and status == "booked"
    appointment["status"] = "booked" if booked else "proposed"
    takes_part = "accepted" if booked else "needs-action"
    listed = [one.get("actor", {}) for one in appointment.get("participant", ())]
    actors = [one for start in (_PERSON, _PLACE) for one in listed if _refers(one, start)]
    appointment["participant"] = [{"actor": one, "status": takes_part} for one in actors]
    if not booked:
        _propose(shaped, appointment, actors)
    for reason in appointment.get("reasonCode", ()):
        text = reason.get("text") or next(
            (one["display"] for one in reason.get("coding", ()) if one.get("display")), ""
        )
        reason["text"] = text[:REASON_CHARACTERS_MAX]


def _change(shaped: Shaped, status: str) -> None:
    """What a step of an appointment that is there says: whose it is, and the step."""
    appointment = shaped.resource
    listed = [one for one in appointment.get("participant", ()) if "actor" in one]
    appointment["participant"] = [one for one in listed if _refers(one["actor"], _PERSON)]
    said = ("resourceType", "identifier", "status", "participant", "cancelationReason")
    for name in [name for name in appointment if name not in said or not appointment[name]]:
        del appointment[name]
    if status != CANCELLED:
        appointment.pop("cancelationReason", None)
    elif not appointment.get("cancelationReason"):
        shaped.lacking.append("cancelationReason of a cancelled appointment")


def _propose(shaped: Shaped, appointment: Json, actors: list[Json]) -> None:
    shaped.demanded.append("participant:Location")
    if not any(_refers(one, _PLACE) for one in actors):
        shaped.lacking.append("a Location that takes part in a proposed appointment")
    if not appointment.get("serviceType"):
        shaped.lacking.append("serviceType of a proposed appointment")
    start, end = appointment.get("start"), appointment.get("end")
    if start and end:
        appointment["requestedPeriod"] = [{"start": start, "end": end}]
    if not appointment.get("requestedPeriod"):
        shaped.lacking.append("start and end of a proposed appointment")


def _refers(actor: Json, start: tuple[str, ...]) -> bool:
    return str(actor.get("reference", "")).startswith(start)


def _slot_id(reference: Any) -> str:
    """The id of a slot of Millennium's; empty for a reference to anything else."""
    text = str(reference.get("reference", "")) if isinstance(reference, dict) else ""
    kind, _, identity = text.rpartition("/")
    return identity if kind == "Slot" or kind.endswith("/Slot") else ""


# -- one that is there --


def patch_appointment(present: Json, wanted: Json) -> PatchMade:
    """The patch that brings the server's appointment where the message says it is.

    Args:
        present: the server's copy.
        wanted: what the message says, shaped.
    """
    made = PatchMade()
    before, after = str(present.get("status", "")), str(wanted.get("status", ""))
    slot, taken = _slot_of(wanted), _slot_of(present)
    if after in ("proposed", before) or before in _REACHED.get(after, ()):
        _stay(made, present, wanted)
    elif after not in STEPS.get(before, frozenset()):
        made.refused.append(_refused("status", f"one that is {before} cannot be {after}"))
    elif after == "booked":
        made.operations += [_replace("/status", after), _add("/slot", [_slot(slot)])]
        if wanted.get("reasonCode"):
            made.operations.append(_add("/reasonCode", wanted["reasonCode"][:1]))
    elif after == CANCELLED:
        reason = wanted.get("cancelationReason")
        made.operations += [_replace("/status", after), _add("/cancelationReason", reason)]
    else:
        made.operations.append(_replace("/status", after))
    if after == before == "booked" and slot and slot != taken:
        made.operations.append(_replace("/slot", [_slot(slot)]))
    return made


def _stay(made: PatchMade, present: Json, wanted: Json) -> None:
    """Nothing happens to it. That its time moved cannot be said without a slot."""
    if _slot_of(wanted) or not wanted.get("requestedPeriod"):
        return
    asked = wanted["requestedPeriod"][0].get("start")
    there = present.get("start") or next(
        (one.get("start") for one in present.get("requestedPeriod", ())), None
    )
    if asked and there and asked != there:
        made.refused.append(_refused("start", "it moves to a slot of Millennium's alone"))


def _slot_of(appointment: Json) -> str:
    listed = appointment.get("slot")
    return next((_slot_id(one) for one in listed if _slot_id(one)), "") if listed else ""


def _slot(identity: str) -> Json:
    return {"reference": f"Slot/{identity}"}


def _replace(path: str, value: Any) -> Json:
    return {"op": "replace", "path": path, "value": value}


def _add(path: str, value: Any) -> Json:
    return {"op": "add", "path": path, "value": value}


def _refused(name: str, reason: str) -> Refused:
    return Refused(path=f"Appointment.{name}", reason=reason)
