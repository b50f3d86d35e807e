"""The watch over a real store: learns, begins, ends, and tells by real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from engine.channel.alerts import AlertsConfig, EmailConfig, WebhookConfig
from engine.channel.console import ConsoleConfig
from engine.channel.model import ChannelConfig, Configuration, MllpListenerConfig
from engine.runtime.configuration import Loaded, ProjectFiles
from engine.runtime.desk.desk import Desk
from engine.runtime.watch.watch import Watch, WatchSettings
from engine.telemetry.recorder import MemoryRecorder

DAY = 86_400.0


@dataclass
class Town:
    """A mail server and a webhook that take note."""

    mails: list[str] = field(default_factory=list)
    calls: list[tuple[dict[str, str], Any]] = field(default_factory=list)
    hook_status: int = 204
    mail_port: int = 0
    hook_url: str = ""

    async def mail(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 town\r\n")
        data: list[str] | None = None
        while raw := await reader.readline():
            line = raw.decode().rstrip("\r\n")
            if data is not None and line != ".":
                data.append(line)
            elif data is not None:
                self.mails.append("\n".join(data))
                data = None
                writer.write(b"250 kept\r\n")
            elif line.upper() == "DATA":
                data = []
                writer.write(b"354 go on\r\n")
            elif line.upper() == "QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 well\r\n")
        writer.close()

    async def hook(self, request: web.Request) -> web.Response:
        self.calls.append((dict(request.headers), await request.json()))
        return web.Response(status=self.hook_status)


@pytest_asyncio.fixture
async def town() -> AsyncIterator[Town]:
    found = Town()
    server = await asyncio.start_server(found.mail, "127.0.0.1", 0)
    found.mail_port = server.sockets[0].getsockname()[1]
    application = web.Application()
    application.router.add_post("/hook", found.hook)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    found.hook_url = f"http://127.0.0.1:{port}/hook"
    yield found
    server.close()
    await runner.cleanup()


class Clock:
    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


def loaded_with(alerts: AlertsConfig) -> Loaded:
    channel = ChannelConfig(name="adt_in", listener=MllpListenerConfig(port=1))
    return Loaded(
        files=ProjectFiles(channels={}, transforms={}, overlays={}),
        configuration=Configuration(channels=(channel,), revision="r"),
        libraries={},
        console=ConsoleConfig(alerts=alerts),
    )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(store: Any, clock: Clock) -> Iterator[Desk]:
    found = Desk(store.url, clock=clock)
    yield found
    found.close()


def watch_of(desk: Desk, alerts: AlertsConfig, tmp_path: Path) -> Watch:
    return Watch(
        desk,
        lambda: loaded_with(alerts),
        tmp_path,
        MemoryRecorder(),
        WatchSettings(environment="test", console_url="https://console.example.org"),
    )


async def test_a_queue_is_told_once_when_it_begins_and_once_when_it_ends(
    desk, clock, log, worker, receipt, tmp_path, town
) -> None:
    alerts = AlertsConfig(
        disk_percent=0,
        email=EmailConfig(
            host="127.0.0.1", port=town.mail_port, security="none",
            sender="engine@example.org", to=("support@example.org", "night@example.org"),
        ),
        webhook=WebhookConfig(url=town.hook_url),
    )  # fmt: skip
    watch = watch_of(desk, alerts, tmp_path)
    log.append([receipt(received_at=clock.now - 1800)])
    (run,) = worker.runs()
    for _ in range(3):
        await asyncio.to_thread(watch.look)
        await watch.tell()
    worker.send(run)
    for _ in range(2):
        await asyncio.to_thread(watch.look)
        await watch.tell()
    assert [call["state"] for _, call in town.calls] == ["began", "ended"]
    first = town.calls[0][1]
    assert (first["alert"], first["subject"]) == ("queue", "adt_in")
    assert first["text"] == "1 wait, the oldest for 30 min"
    began, over = town.mails
    assert "Subject: [test] queue adt_in: began" in began
    assert "To: support@example.org, night@example.org" in began
    assert "https://console.example.org" in began
    assert "over at" in over


async def test_news_that_nobody_took_is_told_later(
    desk, clock, log, worker, receipt, tmp_path, town
) -> None:
    alerts = AlertsConfig(disk_percent=0, webhook=WebhookConfig(url=town.hook_url))
    watch = watch_of(desk, alerts, tmp_path)
    log.append([receipt(received_at=clock.now - 1800)])
    worker.runs()
    town.hook_status = 500
    await asyncio.to_thread(watch.look)
    await watch.tell()
    await watch.tell()
    assert len(town.calls) == 1
    assert "AlertNotTold" in [type(one).__name__ for one in watch.recorder.events]
    town.hook_status = 200
    clock.now += 121
    await watch.tell()
    await watch.tell()
    assert len(town.calls) == 2
    assert json.dumps(town.calls[1][1])


async def test_a_feed_that_falls_silent_is_found_and_its_return_ends_it(
    desk, clock, log, worker, receipt, tmp_path
) -> None:
    start = clock.now // 3600 * 3600 - 3 * DAY
    times = [start + minute * 60 for minute in range(0, 3 * 24 * 60, 4)]
    log.append([receipt(received_at=at) for at in times])
    while worker.state.follow(1000):
        pass
    watch = watch_of(desk, AlertsConfig(disk_percent=0, queue_seconds=1e9), tmp_path)
    clock.now = times[-1] + 300

    def lasting() -> list[str]:
        watch.look()
        with watch.desk.log() as opened:
            return [one.kind for one in opened.watch.alerts(clock.now) if one.ended_at is None]

    assert await asyncio.to_thread(lasting) == []
    clock.now = times[-1] + 1200
    assert await asyncio.to_thread(lasting) == ["silence"]
    log.append([receipt(received_at=clock.now)])
    worker.state.follow(1000)
    assert await asyncio.to_thread(lasting) == []


async def test_of_two_that_watch_one_has_the_turn_and_each_fault_is_told_once(
    desk, clock, log, worker, receipt, tmp_path, town
) -> None:
    alerts = AlertsConfig(disk_percent=101, webhook=WebhookConfig(url=town.hook_url))
    one, two = (watch_of(desk, alerts, tmp_path) for _ in range(2))
    one.host, one.owner = "north", "north 1"
    two.host, two.owner = "south", "south 1"
    log.append([receipt(received_at=clock.now - 1800)])
    (run,) = worker.runs()
    for _ in range(3):
        for watch in (one, two):
            await asyncio.to_thread(watch.look)
        await asyncio.gather(one.tell(), two.tell())
    began = [(call["alert"], call["subject"]) for _, call in town.calls]
    disks = [("disk", f"{tmp_path} on {host}") for host in ("north", "south")]
    assert sorted(began) == sorted([*disks, ("queue", "adt_in")])
    worker.send(run)
    await asyncio.to_thread(one.rest)
    await asyncio.to_thread(two.look)
    await two.tell()
    assert [(call["alert"], call["state"]) for _, call in town.calls[3:]] == [("queue", "ended")]
    await asyncio.to_thread(one.look)
    await one.tell()
    assert len(town.calls) == 4
