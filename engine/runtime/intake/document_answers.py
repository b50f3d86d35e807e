"""Rim. What the sender of a document is told: a small JSON object, as HL7 has no answer for it.

    {"status": "accepted", "document": "2.16.840.1.113883.19.5^D1"}
    {"status": "error", "document": "", "problems": [{"code": "D303", "message": "..."}]}

The message names places, never values of the document; its id is the sender's own.
"""

from collections.abc import Sequence

import orjson

from engine.diagnostics import Diagnostic
from engine.hl7v2.acknowledgment import ERROR_CONDITIONS

BEGIN = b"{"
"""How every answer to a document begins, and none to a message."""
PROBLEMS_MAX = 20
_STATUS = {"AA": "accepted", "CA": "accepted", "AR": "rejected", "CR": "rejected"}


def document_answer(
    identifier: str, code: str, condition: str | None, problems: Sequence[Diagnostic]
) -> bytes:
    """The answer to one document.

    Args:
        identifier: of the document, as the log has it; empty when it could not be read.
        code: as MSA-1 would have it.
        condition: of table 0357, where it was refused for a reason of its own.
        problems: what is wrong with it.
    """
    answer: dict[str, object] = {"status": _STATUS.get(code, "error"), "document": identifier}
    listed = [
        {"code": found.code, "message": found.message, **_place(found)}
        for found in problems[:PROBLEMS_MAX]
    ]
    if condition is not None and not listed:
        listed = [{"code": condition, "message": ERROR_CONDITIONS.get(condition, "")}]
    if listed:
        answer["problems"] = listed
    return orjson.dumps(answer)


def _place(found: Diagnostic) -> dict[str, object]:
    return {"path": found.place.path} if found.place.path else {}


def answers_of_package(answers: Sequence[bytes]) -> bytes:
    """One answer for documents that came together: all of theirs, in order.

    A message that came among them has its acknowledgment there as text.
    """
    listed = [
        orjson.Fragment(answer)
        if answer.startswith(BEGIN)
        else {"acknowledgment": answer.decode("utf-8", "replace")}
        for answer in answers
    ]
    return orjson.dumps({"documents": listed})
