"""Rim. Edited copies: change a copy, try it, store it, follow it to the message it becomes."""

import secrets
from typing import Any

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from engine.runtime.desk.edited_copy import (
    Draft,
    Edit,
    Trial,
    draft,
    find_copy,
    store_copy,
    try_copy,
)
from engine.runtime.desk.message_edits import EDITS_MAX, EditRefused, FieldEdit
from engine.runtime.desk.rights import Right
from engine.web.access import Visit, needs, refusal
from engine.web.screens.message_page import NOT_THERE, message_id_of
from engine.web.screens.messages import kind_of

BLANK_ROWS = 3
NO_CHANNEL = "No configuration in force has the channel of this message."


def routes() -> list[Route]:
    """The routes of this screen."""
    return [
        Route("/messages/{message_id:int}/copy", show, methods=["GET"]),
        Route("/messages/{message_id:int}/copy", store, methods=["POST"]),
        Route("/messages/{message_id:int}/copy/try", attempt, methods=["POST"]),
        Route("/copies/{copy_id:int}", show_copy, methods=["GET"]),
    ]


@needs(Right.EDIT_COPY)
def show(visit: Visit) -> Response:
    """The form."""
    found = _draft(visit)
    if found is None:
        return refusal(visit, 404, NOT_THERE)
    return _form(visit, found, found.text, ())


@needs(Right.EDIT_COPY)
def attempt(visit: Visit) -> Response:
    """What would become of the copy."""
    found = _draft(visit)
    if found is None:
        return refusal(visit, 404, NOT_THERE)
    edit = _edit(visit, found)
    try:
        trial = try_copy(
            visit.desk,
            visit.viewer,
            visit.console.settings.masking,
            visit.console.benches,
            found.message_id,
            edit,
        )
    except EditRefused as problem:
        return _form(visit, found, edit.text, edit.fields, problem=f"{problem}.")
    except LookupError:
        return _form(visit, found, edit.text, edit.fields, problem=NO_CHANNEL)
    return _form(visit, found, edit.text, edit.fields, trial=trial)


@needs(Right.EDIT_COPY)
def store(visit: Visit) -> Response:
    """Keep the copy: it becomes a message of its own."""
    found = _draft(visit)
    if found is None:
        return refusal(visit, 404, NOT_THERE)
    edit = _edit(visit, found)

    def keep() -> str:
        copy_id = store_copy(
            visit.desk,
            visit.viewer,
            visit.console.settings.masking,
            found.message_id,
            edit,
            visit.value("reason"),
        )
        return "" if copy_id is None else f"/copies/{copy_id}"

    try:
        path = visit.console.once.do(visit.viewer.name, visit.value("once")[:40], keep)
    except EditRefused as problem:
        return _form(visit, found, edit.text, edit.fields, problem=f"{problem}.")
    if not path:
        return refusal(visit, 404, NOT_THERE)
    return visit.redirect(path)


@needs(Right.SEE_MESSAGES)
def show_copy(visit: Visit) -> Response:
    """The message that a copy became; until then that it is on its way."""
    found = find_copy(visit.desk, visit.viewer, visit.request.path_params["copy_id"])
    if found is None:
        return refusal(visit, 404, "There is no such copy, or you may not see its channel.")
    if found.message_id is not None:
        path = f"/messages/{found.message_id}"
        if visit.is_part:
            return Response(status_code=204, headers={"HX-Redirect": path})
        return RedirectResponse(path, status_code=303)
    if visit.is_part:
        return visit.page("message/copy_state.html", copy=found)
    return visit.page("message/copy.html", copy=found)


def _draft(visit: Visit) -> Draft | None:
    masking = visit.console.settings.masking
    return draft(visit.desk, visit.viewer, masking, message_id_of(visit))


def _edit(visit: Visit, found: Draft) -> Edit:
    """What the form says. The text counts where it was changed."""
    text = visit.value("text") if found.text is not None and "text" in visit.form else None
    if text is not None and text.replace("\r\n", "\n") == found.text:
        text = None
    pairs = zip(visit.values("path"), visit.values("value"), strict=False)
    fields = [FieldEdit(path=path.strip(), value=value) for path, value in pairs if path.strip()]
    return Edit(text=text, fields=tuple(fields[: EDITS_MAX + 1]))


def _form(
    visit: Visit,
    found: Draft,
    text: str | None,
    fields: tuple[FieldEdit, ...],
    *,
    problem: str = "",
    trial: Trial | None = None,
) -> Response:
    rows: list[Any] = [*fields, *(FieldEdit(path="", value="") for _ in range(BLANK_ROWS))]
    return visit.page(
        "message/edit.html",
        422 if problem else 200,
        draft=found,
        text=found.text if text is None else text,
        rows=rows,
        reason=visit.value("reason"),
        problem=problem,
        trial=trial,
        kind_of=kind_of,
        once=secrets.token_urlsafe(12),
    )
