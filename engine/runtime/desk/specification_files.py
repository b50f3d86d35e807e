"""Rim. Mapping specifications as CSV, as a spreadsheet and as one page of HTML."""

import csv
import io
from collections.abc import Sequence
from html import escape
from pathlib import Path

from engine.mapping.guide.specification import Specification

SHEET_NAME_MAX = 31
"""Of Excel."""
WIDTH_MAX = 60
INDEX = "Index"
_NOT_IN_SHEET_NAMES = str.maketrans({"[": "(", "]": ")", ":": "-", "*": "-", "?": "-", "/": "-",
                                     "\\": "-", "'": ""})  # fmt: skip


class NoSpreadsheets(Exception):  # noqa: N818  what is missing, not a fault
    """The library that writes spreadsheets is not installed."""


def as_csv(tables: Sequence[Specification]) -> str:
    """The tables one below the other: a line with the name, one with the columns, the rows."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    for number, table in enumerate(tables):
        if len(tables) > 1:
            if number:
                writer.writerow([])
            writer.writerow([table.name, table.title])
        writer.writerow(table.columns)
        writer.writerows(table.rows)
    return stream.getvalue()


def write_xlsx(tables: Sequence[Specification], file: Path) -> None:
    """A workbook with an index and a sheet for each table.

    Raises:
        NoSpreadsheets: XlsxWriter is not installed.
        OSError: the file cannot be written.
    """
    try:
        import xlsxwriter
        from xlsxwriter.exceptions import FileCreateError
    except ImportError as problem:
        raise NoSpreadsheets from problem
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(str(file), options)
    head = book.add_format({"bold": True, "bg_color": "#DCE6F1", "text_wrap": True, "border": 1})
    body = book.add_format({"text_wrap": True, "valign": "top"})
    names = _sheet_names(tables)
    index = book.add_worksheet(INDEX)
    for column, text in enumerate(("Map", "What", "Rows")):
        index.write_string(0, column, text, head)
    index.set_column(0, 0, 32)
    index.set_column(1, 1, 90)
    index.freeze_panes(1, 0)
    for row, (table, name) in enumerate(zip(tables, names, strict=True), 1):
        index.write_url(row, 0, f"internal:'{name}'!A1", string=table.name)
        index.write_string(row, 1, table.title)
        index.write_number(row, 2, len(table.rows))
        sheet = book.add_worksheet(name)
        for column, text in enumerate(table.columns):
            sheet.write_string(0, column, text, head)
            sheet.set_column(column, column, _width(table, column))
        for number, cells in enumerate(table.rows, 1):
            for column, text in enumerate(cells):
                if text:
                    sheet.write_string(number, column, text, body)
        sheet.freeze_panes(1, 2)
        sheet.autofilter(0, 0, max(1, len(table.rows)), len(table.columns) - 1)
    try:
        book.close()
    except FileCreateError as problem:
        raise OSError(str(problem)) from problem


def _width(table: Specification, column: int) -> int:
    longest = max((len(cells[column]) for cells in table.rows), default=0)
    return min(WIDTH_MAX, max(9, longest + 1))


def _sheet_names(tables: Sequence[Specification]) -> list[str]:
    """Names Excel takes, each once."""
    found: list[str] = []
    taken = {INDEX.lower()}
    for table in tables:
        plain = table.name.translate(_NOT_IN_SHEET_NAMES)
        name, number = plain[:SHEET_NAME_MAX], 1
        while name.lower() in taken:
            number += 1
            suffix = f" {number}"
            name = plain[: SHEET_NAME_MAX - len(suffix)] + suffix
        taken.add(name.lower())
        found.append(name)
    return found


_STYLE = """
:root { color-scheme: light dark; --line: #d5dbe3; --head: #eef2f7; --text: #1c2733; --back: #fff;
 --quiet: #66727f; --mark: #0b5cad }
@media (prefers-color-scheme: dark) { :root { --line: #37424e; --head: #202a35; --text: #e3e9f0;
 --back: #141a21; --quiet: #93a1b0; --mark: #7db8f5 } }
* { box-sizing: border-box }
body { margin: 0; font: 14px/1.45 system-ui, sans-serif; color: var(--text);
 background: var(--back) }
header { position: sticky; top: 0; z-index: 3; display: flex; gap: 1rem; align-items: center;
 padding: .6rem 1rem; background: var(--head); border-bottom: 1px solid var(--line);
 height: 3.4rem }
h1 { font-size: 1.05rem; margin: 0; white-space: nowrap }
input { flex: 1; max-width: 32rem; padding: .4rem .6rem; font: inherit; color: inherit;
 background: var(--back); border: 1px solid var(--line); border-radius: 6px }
output { color: var(--quiet); white-space: nowrap }
main { padding: 0 1rem 4rem }
section { margin-top: 1.6rem }
h2 { font-size: 1.05rem; margin: 0 0 .1rem }
p { margin: 0 0 .5rem; color: var(--quiet) }
table { border-collapse: collapse; min-width: 100% }
th { position: sticky; top: 3.4rem; z-index: 2; background: var(--head); text-align: left;
 font-weight: 600; font-size: .8rem }
th, td { border: 1px solid var(--line); padding: .25rem .45rem; vertical-align: top;
 overflow-wrap: break-word; min-width: 3.2rem; max-width: 26rem }
td:last-child { font-family: ui-monospace, monospace; font-size: .78rem; color: var(--quiet) }
td.attribute { color: var(--mark); font-weight: 600; overflow-wrap: anywhere; min-width: 12rem }
[hidden] { display: none }
"""

_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>{title}</title><style>{style}</style></head><body>
<header><h1>{title}</h1>
<input type="search" aria-label="Filter rows" autofocus
 placeholder="Filter: PID-3, identifier, ORU_R01 ..."><output></output></header><main>
"""

_SCRIPT = """
const box = document.querySelector("input"), said = document.querySelector("output");
const rows = [...document.querySelectorAll("tbody tr")].map(r => [r, r.textContent.toLowerCase()]);
const names = new Map([...document.querySelectorAll("section")].map(
 s => [s, s.querySelector("h2").textContent.toLowerCase()]));
function filter() {
 const words = box.value.toLowerCase().split(/\\s+/).filter(Boolean);
 let shown = 0;
 for (const [row, text] of rows) {
  const name = names.get(row.closest("section"));
  row.hidden = !words.every(w => text.includes(w) || name.includes(w));
  if (!row.hidden) shown++;
 }
 for (const section of names.keys())
  section.hidden = words.length > 0 && !section.querySelector("tbody tr:not([hidden])");
 said.textContent = shown.toLocaleString("en") + " rows";
}
let waiting;
box.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(filter, 120) });
filter();
"""


def as_html(tables: Sequence[Specification]) -> str:
    """One page that needs nothing else: a table for each map, and a box to filter rows."""
    title = tables[0].name if len(tables) == 1 else "Mapping specifications"
    parts = [_HEAD.format(title=escape(title), style=_STYLE)]
    for table in tables:
        parts.append(f"<section><h2>{escape(table.name)}</h2><p>{escape(table.title)}</p>")
        parts.append("<table><thead><tr>")
        parts += [f"<th>{escape(text)}</th>" for text in table.columns]
        parts.append("</tr></thead><tbody>\n")
        marked = _marked_column(table)
        for cells in table.rows:
            shown = "".join(
                f"<td{' class=attribute' if at == marked else ''}>{escape(text)}</td>"
                for at, text in enumerate(cells)
            )
            parts.append(f"<tr>{shown}</tr>\n")
        parts.append("</tbody></table></section>\n")
    parts.append(f"</main><script>{_SCRIPT}</script></body></html>\n")
    return "".join(parts)


def _marked_column(table: Specification) -> int:
    for name in ("FHIR Attribute", "Segment Map", "FHIR Code"):
        if name in table.columns:
            return table.columns.index(name)
    return -1
