"""Rim. `validate: strict`: fhir.resources as a second opinion on what the maps made.

It has no R4, only R4B (4.3.0), whose clinical resources are the same; it accepts some faults that
our checker refuses, and costs about 2 ms a bundle, so it comes after the checker and only where a
channel asks for it. Reasons are its error types, never its messages: those quote values.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

Refusals = Sequence[tuple[str, str]]


def strict_check() -> Callable[[dict[str, Any]], Refusals]:
    """The check of one resource: (path, reason) of everything refused.

    Raises ImportError when the package is not installed (the extra `strict`).
    """
    from pydantic import ValidationError

    models = import_module("fhir.resources.R4B")

    def check(resource: dict[str, Any]) -> Refusals:
        name = str(resource.get("resourceType"))
        try:
            models.get_fhir_model_class(name).model_validate(resource)
        except ValidationError as refused:
            return [
                (".".join([name, *map(str, found["loc"])]), found["type"])
                for found in refused.errors(include_input=False, include_url=False)
            ]
        except (KeyError, LookupError):
            return [(name, "unknown resource type")]
        return []

    return check
