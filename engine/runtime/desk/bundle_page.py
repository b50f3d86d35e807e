"""Rim. The page of a bundle: everything about one message in HTML that loads and runs nothing.

Texts of senders and servers are escaped, characters without a shape are told by number, and the
page's own policy forbids all but its style, should a text find a way past both.
"""

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from html import escape
from typing import Any

from engine.runtime.desk.element_lines import Made
from engine.runtime.desk.message_contents import Contents
from engine.runtime.desk.message_view import MessageView
from engine.runtime.desk.timeline import Event

_ODD = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff"
    "\ufff9-\ufffb]"
)
STYLE = """
:root { color-scheme: light dark; }
body {
  font: 14px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 75rem; padding: 1.5rem;
  overflow-wrap: anywhere;
}
h1 { font-size: 1.4rem; margin: 0 0 0.5rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 0.5rem; }
h3 { font-size: 1rem; margin: 1rem 0 0.3rem; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; font-weight: 600; padding: 0.6rem 0 0.2rem; }
th, td {
  text-align: left; vertical-align: top; padding: 0.15rem 0.6rem 0.15rem 0;
  border-bottom: 1px solid #8884;
}
pre { font: 13px/1.4 ui-monospace, "DejaVu Sans Mono", Consolas, monospace; }
pre { white-space: pre-wrap; border: 1px solid #8886; padding: 0.5rem; margin: 0.3rem 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.1rem 1rem; margin: 0; }
dt { font-weight: 600; }
dd { margin: 0; }
.note { border-left: 4px solid #888; padding: 0.3rem 0.8rem; margin: 0.6rem 0; }
"""
_POLICY = "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleFacts:
    """What is said of the file itself."""

    made_at: float
    made_by: str
    engine: str
    """Its version."""
    revision: str
    """The configuration that made what the message became last."""
    sha256: str
    """Of the bytes as received."""
    masked: bool


def bundle_page(view: MessageView, facts: BundleFacts, data: str) -> str:
    """The page.

    Args:
        view: the message, with its contents.
        facts: of the file.
        data: the same as JSON in which no `<` stands.
    """
    style_hash = b64encode(sha256(STYLE.encode()).digest()).decode()
    title = f"{view.message_type or 'Bytes'} {view.control_id}"
    body = [f"<h1>{_text(title)}</h1>", _about(view, facts)]
    contents = view.contents or Contents()
    body += [f'<p class="note">{_text(note)}</p>' for note in contents.notes]
    body += [_errors(contents), _timeline(view.events), _received(contents)]
    body += [_made(contents.made), _lost(contents), _sent(contents)]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY.format(style_hash)}">\n'
        f"<title>Message {view.message_id}</title>\n<style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(part for part in body if part)
        + f'\n<script type="application/json" id="bundle">{data}</script>\n</body></html>\n'
    )


def _text(text: object) -> str:
    return _ODD.sub(lambda match: f"[U+{ord(match[0]):04X}]", escape(str(text)))


def _at(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def _table(caption: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = "".join(
        f"<tr>{''.join(f'<td>{_text(cell)}</td>' for cell in row)}</tr>" for row in rows
    )
    top = "".join(f'<th scope="col">{_text(one)}</th>' for one in head)
    return f"<table><caption>{_text(caption)}</caption><tr>{top}</tr>{lines}</table>"


def _about(view: MessageView, facts: BundleFacts) -> str:
    masks = "masked" if facts.masked else "shown: this file holds data of a patient"
    pairs: list[tuple[str, object]] = [
        ("Message", view.message_id), ("Channel", view.channel), ("Status", view.state.lower()),
        ("Received", f"{_at(view.received_at)} UTC"), ("Sender", view.sender.replace("|", " ")),
        ("Size", f"{view.size:,} bytes"), ("SHA-256", facts.sha256),
        ("Configuration", facts.revision or "none"), ("Values of the patient", masks),
        ("This file", f"by {facts.made_by} at {_at(facts.made_at)} UTC, engine {facts.engine}"),
    ]  # fmt: skip
    if view.copy is not None:
        note = f"of message {view.copy.parent_message_id} by {view.copy.author}: {view.copy.reason}"
        pairs.append(("Edited copy", note))
    return f"<dl>{''.join(f'<dt>{name}</dt><dd>{_text(text)}</dd>' for name, text in pairs)}</dl>"


def _errors(contents: Contents) -> str:
    if not contents.errors:
        return ""
    rows = [(one.code, one.path, one.origin, one.rule, one.words) for one in contents.errors]
    head = ("Code", "Element", "From", "Rule", "Its words")
    return f"<h2>What the server complained about</h2>{_table('Errors of the answer', head, rows)}"


def _timeline(events: Sequence[Event]) -> str:
    return "<h2>Timeline (UTC)</h2>" + "".join(map(_event, events))


def _event(event: Event) -> str:
    parts = [f"<h3>{_text(event.title)}</h3><p>{_at(event.at)} {_text(event.text)}</p>"]
    if event.problems:
        head = ("Severity", "Code", "Place", "What", "Rule", "What to do")
        parts.append(_table("Diagnostics", head, map(_problem, event.problems)))
    if event.problems_left:
        parts.append(f"<p>and {event.problems_left:,} more</p>")
    if event.exchange is not None:
        parts.append(f"<p>Request</p><pre>{_text(event.exchange.request)}</pre>")
        parts.append(f"<p>Answer</p><pre>{_text(event.exchange.response)}</pre>")
    return "".join(parts)


def _problem(one: Mapping[str, Any]) -> tuple[object, ...]:
    place = f"{one['file']}:{one.get('line', '')}" if one.get("file") else ""
    names = ("severity", "code", "path", "message")
    return (*(one.get(name, "") for name in names), place, one.get("hint", ""))


def _received(contents: Contents) -> str:
    parts = ["<h2>Received</h2>"]
    if contents.raw is not None:
        lines = ("".join(piece.text for piece in line) for line in contents.raw.lines)
        parts.append("<pre>" + "\n".join(map(_text, lines)) + "</pre>")
        if not contents.raw.is_all:
            parts.append("<p>It is longer than is shown here.</p>")
    if contents.tree is not None:
        rows = [
            (row.path, row.name, f"{row.datatype} {row.table}", row.value, row.meaning, row.state)
            for row in contents.tree.rows
        ]
        head = ("Path", "Name", "Type", "Value", "Meaning", "Became")
        parts.append(_table("By segment and field", head, rows))
    if contents.document:
        found = [
            (row.path, " ".join(f"{name}={value}" for name, value in row.attributes), row.text)
            for row in contents.document
        ]
        parts.append(_table("By element", ("Element", "Attributes", "Text"), found))
    return "".join(parts)


def _made(made: Made | None) -> str:
    if made is None:
        return "<h2>Made</h2><p>Nothing was made of it.</p>"
    return "<h2>Made, and by which rule</h2>" + "".join(_resources(made))


def _resources(made: Made) -> Iterator[str]:
    for resource in made.resources:
        left_out = "" if resource.is_sent else ", left out by checks"
        yield _table(
            f"{resource.resource_type} {resource.resource_id}{left_out}",
            ("Element", "Value", "From", "Rule"),
            [(one.path, one.value, one.origin, one.rule) for one in resource.lines if one.value],
        )
    if not made.is_all:
        yield "<p>More was made than is shown here.</p>"


def _lost(contents: Contents) -> str:
    if not contents.lost:
        return ""
    rows = [(one.path, one.name, one.state) for one in contents.lost]
    return _table("Populated, and in no element", ("Place", "Name", "What became of it"), rows)


def _sent(contents: Contents) -> str:
    parts = ["<h2>Sent</h2>"]
    for one in contents.sent:
        parts.append(f"<h3>{_text(one.destination)}: {_text(one.state)}</h3>")
        parts += [f"<p>{_text(step)}</p>" for step in one.steps]
        parts.append(f"<pre>{_text(one.text)}</pre>")
    return "".join(parts) if contents.sent else "<h2>Sent</h2><p>Nothing was to be sent.</p>"
