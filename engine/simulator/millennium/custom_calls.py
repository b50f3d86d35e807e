"""Rim. Calls of a tenant's own (`/custom/`): recorded from the site's service, or replayed. Nothing
is invented for them: what has not been recorded is not answered.

A recording holds what the service said, patients' data included; it belongs to the site.
"""

import hashlib
from base64 import b64decode, b64encode
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import orjson

from engine.simulator.millennium.answers import Answer, json
from engine.simulator.millennium.options import SimulatorOptions
from engine.simulator.millennium.services import Incoming

KEPT_HEADERS = ("ETag", "Location", "Last-Modified")
SENT_HEADERS = ("Authorization", "Accept", "Content-Type", "If-Match")
TIMEOUT_SECONDS = 60.0
RECORDINGS_MAX = 10_000


class CustomCalls:
    """Answers `/custom/` by recording or by replaying."""

    def __init__(self, options: SimulatorOptions) -> None:
        """Raises ValueError for options that do not go together."""
        self._record = options.record_folder
        self._replay = options.replay_folder
        self._from = options.record_from.rstrip("/")
        self._session: aiohttp.ClientSession | None = None
        self._turns: dict[str, int] = {}
        if self._record is not None and self._replay is not None:
            raise ValueError("calls are recorded or replayed, not both")
        if (self._record is None) != (not self._from):
            raise ValueError("recording needs a folder and the root of the service to record")
        if self._replay is not None and not self._replay.is_dir():
            raise ValueError(f"{self._replay} is no folder with recordings")
        if self._from and urlsplit(self._from).scheme not in ("http", "https"):
            raise ValueError("the service to record is an http or https URL")

    async def answer(self, request: Incoming) -> Answer:
        """What the service says, or said."""
        if self._record is not None:
            return await self._recorded(request, self._record)
        if self._replay is not None:
            return self._replayed(request, self._replay)
        return json({"error": "neither --record nor --replay was given"}, 501)

    async def close(self) -> None:
        """Close the connections to the service."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _recorded(self, request: Incoming, folder: Path) -> Answer:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
            self._session = aiohttp.ClientSession(timeout=timeout)
        path = request.path.removeprefix("/custom")
        url = f"{self._from}{path}" + (f"?{request.query}" if request.query else "")
        headers = {name: request.headers[name] for name in SENT_HEADERS if name in request.headers}
        try:
            async with self._session.request(
                request.method, url, data=request.body or None, headers=headers
            ) as said:
                body, status = await said.read(), said.status
                content_type = said.headers.get("Content-Type", "application/octet-stream")
                kept = {name: said.headers[name] for name in KEPT_HEADERS if name in said.headers}
        except (aiohttp.ClientError, TimeoutError) as failure:
            return json({"error": f"the service was not reached: {type(failure).__name__}"}, 502)
        answer = Answer(status=status, body=body, content_type=content_type, headers=kept)
        _keep(folder, request, answer)
        return answer

    def _replayed(self, request: Incoming, folder: Path) -> Answer:
        """Recordings of one request in their order; the last one again and again."""
        key = _key(request)
        found = sorted(folder.glob(f"{key}-*.json"))
        if not found:
            return json({"error": f"nothing was recorded for this call ({key})"}, 404)
        turn = self._turns.get(key, 0)
        self._turns[key] = turn + 1
        said = orjson.loads(found[min(turn, len(found) - 1)].read_bytes())
        return Answer(
            status=said["status"],
            body=b64decode(said["body"]),
            content_type=said["content_type"],
            headers=said["headers"],
        )


def _keep(folder: Path, request: Incoming, answer: Answer) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    key = _key(request)
    turn = sum(1 for _ in folder.glob(f"{key}-*.json"))
    if turn >= RECORDINGS_MAX:
        return
    said = {
        "method": request.method,
        "path": request.path,
        "status": answer.status,
        "content_type": answer.content_type,
        "headers": dict(answer.headers),
        "body": b64encode(answer.body).decode(),
    }
    text = orjson.dumps(said, option=orjson.OPT_INDENT_2)
    (folder / f"{key}-{turn:05d}.json").write_bytes(text)


def _key(request: Incoming) -> str:
    """The same for the same method, path, query and body; tells none of them."""
    parts = (request.method.encode(), request.path.encode(), request.query.encode(), request.body)
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:24]
