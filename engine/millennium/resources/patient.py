"""Pure. A Patient as Millennium creates one (reference 1.4, Patient C).

One identifier holds only the enrolling Organization as its assigner; each other one has type,
system and value, and neither assigner nor use. One name is official, with given and family names
and without an end; every name says its use. Beyond two given names the rest joins the second.
"""

from typing import Any

from engine.millennium.resources.shaping import Shaped, has_time

Json = dict[str, Any]

CHARACTERS_MAX = 100
POSTAL_CODE_MAX = 25
GIVEN_MAX = 2
PHONE_EXTENSION = "http://hl7.org/fhir/StructureDefinition/contactpoint-extension"
OFFICIAL = "official"
_NAMELESS_USES = ("official", "usual", None)
"""Uses of a name that may stand as the official one when none is."""


def shape_patient(shaped: Shaped, enrolling_organization: str) -> None:
    """Bring a Patient into the form of a create; what goes is reported in `shaped`."""
    patient = shaped.resource
    if enrolling_organization:
        first = [{"assigner": {"reference": f"Organization/{enrolling_organization}"}}]
    else:
        first = []
        shaped.lacking.append("the tenant's `enrolling_organization`")
    patient["identifier"] = first + usable_identifiers(shaped)
    patient["name"] = _names(shaped)
    usable_contacts(shaped)
    if patient.get("active") is False:
        shaped.lacking.append("an active record: this one was merged into another")
    languages = patient.get("communication", [])
    preferred = [one for one in languages if one.get("preferred") is True]
    if languages:
        patient["communication"] = (preferred or languages)[:1]


def usable_contacts(shaped: Shaped) -> None:
    """Telecoms and addresses with all that Millennium wants of them; others are left out."""
    person = shaped.resource
    for key, fields in (("telecom", ("system", "use", "value")), ("address", ("use",))):
        found = [item for item in person.pop(key, ()) if _is_whole(shaped, key, item, fields)]
        if found:
            person[key] = found
    for address in person.get("address", ()):
        address.pop("text", None)
    for telecom in person.get("telecom", ()):
        _keep_extension(telecom)


def _keep_extension(telecom: Json) -> None:
    """Of a telephone number's extensions only that for an extension number."""
    kept = [one for one in telecom.pop("extension", ()) if one.get("url") == PHONE_EXTENSION]
    if kept and telecom.get("system") == "phone":
        telecom["extension"] = kept


def usable_identifiers(shaped: Shaped) -> list[Json]:
    """Identifiers with type, system and value, and nothing else but a period."""
    found: list[Json] = []
    for item in shaped.resource.get("identifier", ()):
        missing = [key for key in ("type", "system", "value") if not item.get(key)]
        if missing:
            shaped.omit("identifier", f"it has no {' and no '.join(missing)}")
            continue
        kept = {key: item[key] for key in ("type", "system", "value")}
        period = _timed_period(item)
        found.append({**kept, **period})
    return found


def _timed_period(item: Json) -> Json:
    """The period with those ends that have a time; nothing where none has."""
    ends = {key: text for key, text in item.get("period", {}).items() if has_time(text)}
    return {"period": ends} if ends else {}


def official_name(shaped: Shaped) -> Json | None:
    """The name that is, or may stand as, the official one; without one that is reported."""
    return next(iter(_names(shaped)), None)


def _names(shaped: Shaped) -> list[Json]:
    """The official name first, then those that say their use."""
    names = [name for item in shaped.resource.get("name", ()) if (name := _name(shaped, item))]
    official = next((name for name in names if _may_be_official(name, (OFFICIAL,))), None)
    if official is None:
        official = next((name for name in names if _may_be_official(name, _NAMELESS_USES)), None)
    if official is None:
        shaped.lacking.append("a name with given and family that may be the official one")
        return []
    official["use"] = OFFICIAL
    rest = [name for name in names if name is not official]
    for name in rest:
        if "use" not in name:
            shaped.omit("name", "it does not say its use")
    return [official, *(name for name in rest if "use" in name)]


def _may_be_official(name: Json, uses: tuple[str | None, ...]) -> bool:
    whole = bool(name.get("given")) and bool(name.get("family"))
    return whole and name.get("use") in uses and "end" not in name.get("period", {})


def _name(shaped: Shaped, item: Json) -> Json | None:
    given = [text for text in item.get("given", ()) if text]
    joined = [*given[: GIVEN_MAX - 1], " ".join(given[GIVEN_MAX - 1 :])]
    name: Json = {
        **({"use": item["use"]} if item.get("use") else {}),
        **({"family": item["family"]} if item.get("family") else {}),
        **({"given": [text for text in joined if text]} if given else {}),
        **{key: item[key][:1] for key in ("prefix", "suffix") if item.get(key)},
        **_timed_period(item),
    }
    for key in ("prefix", "suffix"):
        if len(item.get(key, ())) > 1:
            shaped.omit(f"name.{key}", "more than 1 of it")
    texts = [name.get("family", ""), *name.get("given", ())]
    texts += [*name.get("prefix", ()), *name.get("suffix", ())]
    if not any(texts):
        shaped.omit("name", "it has neither given nor family")
        return None
    if any(len(text) > CHARACTERS_MAX for text in texts):
        shaped.omit("name", f"a part of it is longer than {CHARACTERS_MAX} characters")
        return None
    return name


def _is_whole(shaped: Shaped, key: str, item: Json, fields: tuple[str, ...]) -> bool:
    missing = [name for name in fields if not item.get(name)]
    if missing:
        shaped.omit(key, f"it has no {' and no '.join(missing)}")
        return False
    texts = [text for name, text in item.items() if name != "postalCode" and isinstance(text, str)]
    texts += [text for text in item.get("line", ()) if isinstance(text, str)]
    long = any(len(text) > CHARACTERS_MAX for text in texts)
    if long or len(item.get("postalCode", "")) > POSTAL_CODE_MAX:
        shaped.omit(key, "a part of it is too long")
        return False
    period = _timed_period(item)
    item.pop("period", None)
    item.update(period)
    return True
