"""Pure. What texts of an environment file must look like.

As in `channel.forms`: None for a well-formed text, else what is wrong with it in a few words.
"""

import re

from engine.channel.forms import check_url
from engine.diagnostics import did_you_mean
from engine.fhir.definitions import resource_types

_SEGMENT = re.compile(r"[A-Za-z0-9._~-]{1,128}\Z")
_FHIR_ID = re.compile(r"[A-Za-z0-9.-]{1,64}\Z")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+\Z")
"""RFC 6749 section 3.3."""
_DRIVE = re.compile(r"[A-Za-z]:")
INTERACTIONS = ("read", "search", "create", "update", "patch", "delete")


def check_tenant_url(text: str) -> str | None:
    """A base URL in which `{tenant}` may stand."""
    rest = text.replace("{tenant}", "tenant")
    if "{" in rest or "}" in rest:
        return "only {tenant} can be filled in"
    return check_url(rest)


def check_path_segment(text: str) -> str | None:
    """The id of a tenant: opaque, but it must stand in a path (report section 1.1)."""
    return None if _SEGMENT.match(text) and text not in (".", "..") else "a path cannot hold it"


def check_fhir_id(text: str) -> str | None:
    """A FHIR id, R4 datatypes section 2.24.0.1."""
    if _FHIR_ID.match(text):
        return None
    return "write the id alone, without the resource type" if "/" in text else "it is no id of FHIR"


def check_reference(text: str) -> str | None:
    """A relative reference, `Organization/675844`."""
    kind, _, found = text.partition("/")
    if kind not in resource_types():
        near = did_you_mean(kind, resource_types())
        return near or "write type and id, such as Organization/675844"
    return check_fhir_id(found)


def check_interaction(text: str) -> str | None:
    """An interaction of a resource type, `Patient.patch`, or an operation, `ChargeItem.$create`."""
    kind, _, interaction = text.partition(".")
    if kind not in resource_types():
        near = did_you_mean(kind, resource_types())
        return near or "write a resource type and an interaction, such as Patient.patch"
    if interaction in INTERACTIONS or (interaction.startswith("$") and len(interaction) > 1):
        return None
    near = did_you_mean(interaction, INTERACTIONS)
    return near or f"known interactions: {', '.join(INTERACTIONS)}, or an operation such as $create"


def check_token(text: str) -> str | None:
    """An identifier as searched for: `system|value`."""
    system, bar, value = text.partition("|")
    return None if bar and system and value and "|" not in value else "write system|value"


def check_scope_characters(text: str) -> str | None:
    """One OAuth scope of any server."""
    return None if _SCOPE.match(text) else "a scope has no space and no quotes"


def check_scope(text: str) -> str | None:
    """One OAuth scope; wildcards are not supported by this authorization server (report 2)."""
    if wrong := check_scope_characters(text):
        return wrong
    if text.startswith("system/*") or text.endswith(".*"):
        return "this server supports no wildcard: name each resource type"
    if text.startswith(("user/", "patient/")):
        return "a system account takes scopes that begin with system/"
    return None


def check_relative_file(text: str) -> str | None:
    """A file below the project folder."""
    if text.startswith(("/", "\\")) or _DRIVE.match(text):
        return "write it relative to the project folder"
    if ".." in text.replace("\\", "/").split("/"):
        return "it must lie below the project folder"
    return None if text.strip() else "it is empty"
