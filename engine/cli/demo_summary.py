"""Rim. What `engine demo` says at its end."""

import json
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.cli.demo_code import Analyst
from engine.cli.demo_site import TENANT, VARIABLES, Site
from engine.cli.terminal import note, plural
from engine.pipeline.states import State

if TYPE_CHECKING:
    from engine.runtime.desk.message_log import MessageRow

DOCUMENTS = "documents"
"""The channel that takes the hospital's documents in."""
SHOWN = {
    "Patient": "patients",
    "Encounter": "encounters",
    "Observation": "observations",
    "Immunization": "immunizations",
    "DocumentReference": "documents",
}
CHANGES = ("update", "patch")
EVENTS = {"A02": "transfers", "A03": "discharges", "A40": "merges"}
ASK_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the simulated Millennium says of itself."""

    written: Mapping[str, Mapping[str, int]]
    """Resource type to what was done (create, update, patch), how often."""
    requests: int
    tokens: int


def ask_millennium(site: Site) -> Told | None:
    """What has come of it there; None when it does not answer."""
    url = f"{site.millennium}/_simulator/counts"
    try:
        with urllib.request.urlopen(url, timeout=ASK_SECONDS) as answer:  # noqa: S310  our own
            found: dict[str, Any] = json.load(answer)
    except (OSError, ValueError):
        return None
    written: dict[str, dict[str, int]] = {}
    for key, count in found["writes"].get(TENANT, {}).items():
        kind, _, interaction = key.partition(" ")
        written.setdefault(kind, {})[interaction] = count
    return Told(written=written, requests=found["requests"], tokens=found["tokens_issued"])


def summary(site: Site, analyst: Analyst, told: Told | None) -> None:
    """Say what happened, and what to look at.

    Args:
        site: whose processes have ended.
        analyst: what became of the held code.
        told: what the simulated Millennium said before it ended.
    """
    from rich.console import Console

    from engine.cli.board import board
    from engine.runtime.desk.message_log import open_message_log
    from engine.runtime.desk.search_query import parse_query

    now = time.time()
    with open_message_log(site.store) as log:
        Console(stderr=True).print(board(log.stats()))
        documents = log.search(parse_query(f"channel:{DOCUMENTS}", now=now, limit=10_000))
        errors = log.search(parse_query("status:ERROR", now=now, limit=50))
    _tell_millennium(site, told)
    _tell_code(analyst)
    _tell_documents(documents)
    failed = [one for one in errors if one.channel != DOCUMENTS]
    failed.sort(key=lambda one: not one.deliveries)  # what the server refused can be replayed
    if failed:
        _tell_failed(failed[0], site)
    note(f"These commands work in a shell after: . {site.folder}/{VARIABLES}")


def _tell_millennium(site: Site, told: Told | None) -> None:
    if told is None:
        note("the simulated Millennium did not answer at the end; see its log")
        return
    made = [f"{told.written.get(kind, {}).get('create', 0)} {word}" for kind, word in SHOWN.items()]
    updated = sum(
        done.get(interaction, 0) for done in told.written.values() for interaction in CHANGES
    )
    listed = ", ".join(
        f"{count} {EVENTS.get(event, 'others')} ({event})"
        for event, count in _by_mllp(site).items()
    )
    note(f"""
In the simulated Millennium: {", ".join(made)} written; {updated} updates.
  {plural(told.requests, "request")}, {told.tokens} of them for a token; \
to Open Engine by MLLP: {listed or "nothing yet"}
  find     engine log search "destination:chart"
           engine log search "destination:open-engine"   # what Millennium has no API for""")


def _by_mllp(site: Site) -> dict[str, int]:
    """What the simulated Open Engine counted, by event."""
    lines = (site.folder / "open-engine.log").read_text(encoding="utf-8").splitlines()
    found: dict[str, int] = next(
        (json.loads(line) for line in reversed(lines) if line.startswith("{")), {}
    )
    return {kind.split("^")[1]: count for kind, count in sorted(found.items()) if "^" in kind}


def _tell_code(analyst: Analyst) -> None:
    if not analyst.message_id:
        note("no message was held for a code this time; let the demo run a little longer")
        return
    if not analyst.mapped_at:
        note(f"\n{analyst.told()}; see engine log show {analyst.message_id}, engine tables missing")
        return
    row = f"{analyst.table} {analyst.code}={analyst.target}"
    note(f"""
The code {analyst.code} ({analyst.display}) of the laboratory was in no table of code values:
  held     {_clock(analyst.held_at)}  message {analyst.message_id}, before later ones of its patient
  mapped   {_clock(analyst.mapped_at)}  engine tables add {row}
  released {_clock(analyst.released_at)}  engine reload
  sent     {_clock(analyst.sent_at)}
  see      engine log show {analyst.message_id}
           engine tables missing""")


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at)) if at else "not yet "


def _tell_documents(found: Sequence["MessageRow"]) -> None:
    """How many documents came, and what to ask about one."""
    sent = [one for one in found if one.state == State.SENT]
    mended = [one for one in sent if one.codes]
    refused = [one for one in found if one.state == State.ERROR]
    if not sent:
        note("no document was delivered this time; let the demo run a little longer")
        return
    note(f"""
{len(found)} C-CDA documents: {len(sent)} delivered, {len(mended)} of them with a warning; \
{len(refused)} refused. {sent[0].message_id} is a good one, in which diabetes is denied:
  see      engine log show {sent[0].message_id}
  explain  engine explain {sent[0].message_id} "Condition[1].verificationStatus"
  find     engine log search "channel:{DOCUMENTS} code:D321"   # a dangling reference
           engine log search "channel:{DOCUMENTS} status:ERROR"   # not well-formed""")


def _tell_failed(example: "MessageRow", site: Site) -> None:
    note(f"""
One of the failed messages is {example.message_id}: {example.message_type} {" ".join(example.codes)}
  find     engine log search status:ERROR
  see      engine log show {example.message_id}
  explain  engine explain {example.message_id} --from PID-7
  prove    engine replay id:{example.message_id} --dry-run
To replay it, start a server that no longer refuses it, and the engine, each in a terminal:
           engine simulate fhir --port {site.ports.fhir}
           engine serve
  replay   engine replay id:{example.message_id} --yes --reason "server mended"
""")
