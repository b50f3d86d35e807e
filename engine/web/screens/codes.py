"""Rim. Codes: what no table knows; a row shown and written, tried on its messages, in force."""

from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from engine.runtime.codetables.any_table import is_alias_table
from engine.runtime.codetables.lines import Refused
from engine.runtime.desk.code_list import (
    CodeLine,
    RowWish,
    WorkListView,
    code_line,
    dry_run,
    plan_row,
    work_list,
    write_row,
)
from engine.runtime.desk.project_folder import FileChange, FolderUnknown
from engine.runtime.desk.replays import ReplayRefused
from engine.runtime.desk.rights import Right
from engine.web.access import Visit, needs, refusal
from engine.web.looks import Written

NOBODY_LOOKS = "This console has no node beside it: codes are looked for where the engine runs."
NOT_LISTED = "This code is not on the list any more: it was mapped, or its messages are gone."
FIELDS = ("target", "alias_meaning", "display", "target_system", "comment", "overlay")
CODES_SHOWN = 500


def routes() -> list[Route]:
    """The routes of this screen."""
    return [
        Route("/codes", show, methods=["GET"]),
        Route("/codes/state", state, methods=["GET"]),
        Route("/codes/look", look, methods=["POST"]),
        Route("/codes/reload", reload, methods=["POST"]),
        Route("/codes/{line_id}", show_code, methods=["GET"]),
        Route("/codes/{line_id}/row", row, methods=["POST"]),
        Route("/codes/{line_id}/try", try_it, methods=["POST"]),
    ]


@needs(Right.SEE_MESSAGES)
def show(visit: Visit) -> Response:
    """The list; the first who asks begins the first look."""
    looks = visit.console.looks
    if looks is not None and looks.state.look is None and not looks.state.failure:
        looks.start()
    return visit.page("codes/codes.html", **_shown(visit))


@needs(Right.SEE_MESSAGES, touch=False)
def state(visit: Visit) -> Response:
    """The list, for the refresh while a look is under way."""
    return visit.page("codes/state.html", **_shown(visit))


@needs(Right.SEE_MESSAGES)
def look(visit: Visit) -> Response:
    """Look again."""
    if visit.console.looks is None:
        return refusal(visit, 503, NOBODY_LOOKS)
    visit.console.looks.start()
    return visit.redirect("/codes")


@needs(Right.DEPLOY)
def reload(visit: Visit) -> Response:
    """Bring the project folder into force; runs that were held are processed again."""
    folder = visit.console.folder
    if folder is None:
        return refusal(visit, 503, NOBODY_LOOKS)
    try:
        done = folder.reload(visit.desk, visit.viewer)
    except (FolderUnknown, TimeoutError) as problem:
        return refusal(visit, 503, f"{problem}.")
    if done.accepted and visit.console.looks is not None:
        visit.console.looks.start()
    status_code = 200 if done.accepted else 422
    return visit.page("codes/reloaded.html", status_code, done=done)


@needs(Right.SEE_MESSAGES)
def show_code(visit: Visit) -> Response:
    """One code."""
    line = _line(visit)
    if line is None:
        return refusal(visit, 404, NOT_LISTED)
    return _code_page(visit, line)


@needs(Right.DEPLOY)
def row(visit: Visit) -> Response:
    """Show what a row would change; with the digest of what was shown: write it."""
    line, folder = _line(visit), visit.console.folder
    if line is None or folder is None:
        return refusal(visit, 404, NOT_LISTED)
    wish = RowWish(
        any_system=visit.value("any_system") == "on",
        unchecked=visit.value("unchecked") == "on",
        **{name: visit.value(name) for name in FIELDS},
    )
    expected = visit.value("expected")
    try:
        if not expected:
            planned = plan_row(visit.viewer, folder, line, wish)
            return visit.page("codes/planned.html", line=line, wish=wish, planned=planned)
        added = write_row(visit.desk, visit.viewer, folder, line, wish, expected)
    except (Refused, FolderUnknown) as problem:
        return _code_page(visit, line, wish=wish, problem=str(problem), status_code=422)
    if visit.console.looks is not None:
        written = Written(
            file=added.file, line=added.line, by=visit.viewer.name, at=visit.desk.clock()
        )
        visit.console.looks.note(_row_of(line), written)
    return visit.redirect(f"/codes/{line.line_id}")


@needs(Right.REPLAY)
def try_it(visit: Visit) -> Response:
    """Draft a replay of its messages under the folder as it is, and begin the dry run."""
    line, folder = _line(visit), visit.console.folder
    if line is None or folder is None:
        return refusal(visit, 404, NOT_LISTED)
    try:
        every = visit.value("which") == "all"
        job_id = dry_run(visit.desk, visit.viewer, folder, line, every=every)
    except ReplayRefused as problem:
        return refusal(visit, 422, f"{problem}.")
    except FolderUnknown as problem:
        return refusal(visit, 503, f"{problem}.")
    if visit.console.previews is not None:
        visit.console.previews.start(job_id)
    return visit.redirect(f"/replays/{job_id}")


def _view(visit: Visit) -> WorkListView:
    looks = visit.console.looks
    if looks is None or looks.state.look is None:
        return WorkListView()
    policy = visit.console.settings.masking
    return work_list(visit.desk, visit.viewer, looks.state.look, policy)


def _line(visit: Visit) -> CodeLine | None:
    return code_line(_view(visit), visit.request.path_params["line_id"])


def _row_of(line: CodeLine) -> tuple[str, str, str]:
    key = line.entry.key
    return key.table, key.code, key.system


def _written(visit: Visit, line: CodeLine) -> Written | None:
    looks = visit.console.looks
    return looks.written(_row_of(line)) if looks is not None else None


def _shown(visit: Visit) -> dict[str, Any]:
    looks = visit.console.looks
    changes, unknown = _changes(visit)
    view = _view(visit)
    return {
        "stands": looks.state if looks is not None else None,
        "nobody_looks": NOBODY_LOOKS,
        "codes": view.codes[:CODES_SHOWN],
        "codes_total": len(view.codes),
        "fields": view.fields[:CODES_SHOWN],
        "looked_at": view.looked_at,
        "fields_looked_at": view.fields_looked_at,
        "written": lambda line: _written(visit, line),
        "changes": changes,
        "unknown": unknown,
    }


def _changes(visit: Visit) -> tuple[list[FileChange], str]:
    """What a reload would bring, for those who may; and why it is not known."""
    folder = visit.console.folder
    if folder is None or not visit.viewer.may(Right.DEPLOY):
        return [], ""
    try:
        return folder.changes(), ""
    except FolderUnknown as problem:
        return [], str(problem)


def _code_page(
    visit: Visit,
    line: CodeLine,
    *,
    wish: RowWish | None = None,
    problem: str = "",
    status_code: int = 200,
) -> Response:
    changes, unknown = _changes(visit)
    return visit.page(
        "codes/code.html",
        status_code,
        line=line,
        entry=line.entry,
        is_alias=is_alias_table(line.entry.key.table),
        wish=wish or RowWish(target=line.entry.suggestion, display=line.display),
        written=_written(visit, line),
        problem=problem,
        changes=changes,
        unknown=unknown,
    )
