"""Pure. Documents and reports with their content in Millennium's form (reference 1.4).

One content, in one of the types Millennium takes, as UTF-8: a whole C-CDA is application/xml. The
end of the documented period is required; where the source tells none, the time of the document is
its end.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from html import escape
from typing import Any

from engine.millennium.resources.shaping import Shaped, has_time

Json = dict[str, Any]

UTF8 = ";charset=utf-8"
_TYPES = {
    "application/pdf": "application/pdf",
    "text/plain": f"text/plain{UTF8}",
    "text/html": f"text/html{UTF8}",
    "text/rtf": f"text/rtf{UTF8}",
    "application/rtf": f"text/rtf{UTF8}",
    "text/richtext": f"text/richtext{UTF8}",
    "text/xml": f"application/xml{UTF8}",
    "application/xml": f"application/xml{UTF8}",
    "application/hl7-cda+xml": f"application/xml{UTF8}",
    "application/xhtml+xml": f"application/xhtml+xml{UTF8}",
}
_OTHER_ENCODING = re.compile(rb"^\s*<\?xml[^>]*encoding=[\"'](?!utf-8[\"'])", re.IGNORECASE)
LOINC = "http://loinc.org"
VOID = "entered-in-error"
CARDIOLOGY, PATHOLOGY = "LP29708-2", "LP7839-6"
_KINDS = {
    CARDIOLOGY: CARDIOLOGY,
    PATHOLOGY: PATHOLOGY,
    "CUS": CARDIOLOGY,
    "EC": CARDIOLOGY,
    "CTH": CARDIOLOGY,
    "SP": PATHOLOGY,
    "CP": PATHOLOGY,
    "PAT": PATHOLOGY,
    "CTY": PATHOLOGY,
}
"""LOINC parts, and sections of table 0074, to the two kinds of report there are."""


def shape_document(shaped: Shaped) -> None:
    """Bring a DocumentReference into the form of a create."""
    document = shaped.resource
    contents = [one for one in document.get("content", ()) if one.get("attachment", {}).get("data")]
    if not contents and VOID in (document.get("status"), document.get("docStatus")):
        _void(document)
        return
    if not contents:
        shaped.lacking.append("the content itself; a link cannot be filed")
    for one in contents:
        _settle_content(shaped, one["attachment"])
    document["content"] = [{"attachment": one["attachment"]} for one in contents]
    document["author"] = [one for one in document.get("author", ()) if "reference" in one]
    if not document["author"]:
        del document["author"]
    context = document.setdefault("context", {})
    period = context.setdefault("period", {})
    times = (period.get("end"), period.get("start"), document.get("date"))
    end = next((text for text in times if has_time(text)), None)
    if end is None:
        shaped.lacking.append("context.period.end, a time of day with an offset")
    else:
        period["end"] = end


def _void(document: Json) -> None:
    """A cancelled document whose message does not repeat it: which it is, and that it is void."""
    said = ("resourceType", "identifier", "masterIdentifier", "status", "docStatus", "subject")
    for name in [name for name in document if name not in said]:
        del document[name]
    document |= {"status": VOID, "docStatus": VOID}


def contents_unread(document: Json) -> list[Json]:
    """The attachments of a server's copy that say where their content is, and not what."""
    listed = (one.get("attachment", {}) for one in document.get("content", ()))
    return [one for one in listed if one.get("url") and not one.get("data")]


def with_contents(document: Json, data: Mapping[str, str]) -> Json:
    """The document with the content of each attachment, as an update takes it.

    Args:
        document: to be written; it stays as it is.
        data: URL of an attachment -> its content in base64.
    """
    contents = [
        {**one, "attachment": _filled(one.get("attachment", {}), data)}
        for one in document.get("content", ())
    ]
    return for_update({**document, "content": contents})


def _filled(attachment: Json, data: Mapping[str, str]) -> Json:
    found = data.get(str(attachment.get("url", "")))
    if found is None:
        return attachment
    return {**{name: one for name, one in attachment.items() if name != "url"}, "data": found}


def _settle_content(shaped: Shaped, attachment: Json) -> None:
    """The type as Millennium writes it; text must be UTF-8."""
    kind = str(attachment.get("contentType", "")).partition(";")[0].strip().lower()
    attachment["contentType"] = _TYPES.get(kind, kind)
    if not attachment["contentType"].endswith(UTF8):
        return
    try:
        raw = base64.b64decode(attachment["data"], validate=True)
        raw.decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        shaped.lacking.append("content in UTF-8")
        return
    if _OTHER_ENCODING.match(raw[:200]):
        shaped.lacking.append("content that is declared as UTF-8")


def for_update(document: Json) -> Json:
    """The document as an update takes it: plain text, which only a create takes, as HTML."""
    contents = [_as_html(one) for one in document.get("content", ())]
    return {**document, "content": contents} if contents else document


def _as_html(content: Json) -> Json:
    attachment = content["attachment"]
    if attachment.get("contentType") != f"text/plain{UTF8}":
        return content
    text = base64.b64decode(attachment["data"]).decode("utf-8")
    page = f"<html><body><pre>{escape(text, quote=False)}</pre></body></html>"
    data = base64.b64encode(page.encode()).decode("ascii")
    return {"attachment": {**attachment, "contentType": f"text/html{UTF8}", "data": data}}


def shape_report(shaped: Shaped) -> None:
    """Bring a DiagnosticReport of cardiology or pathology into the form of a create.

    Of others, laboratory reports first of all, Millennium takes the results alone.
    """
    report = shaped.resource
    found = [
        _KINDS[coding["code"]]
        for concept in report.get("category", ())
        for coding in concept.get("coding", ())
        if coding.get("code") in _KINDS
    ]
    if not found:
        shaped.skipped = "only reports of cardiology and anatomic pathology are filed as such"
        return
    report["category"] = [{"coding": [{"system": LOINC, "code": found[0]}]}]
    time = report.pop("effectiveDateTime", None)
    period = report.pop("effectivePeriod", None) or ({"start": time, "end": time} if time else {})
    if found[0] == CARDIOLOGY and period:
        report["effectivePeriod"] = period
    elif period:
        report["effectiveDateTime"] = time or period.get("end") or period.get("start")
