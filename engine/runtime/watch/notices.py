"""Rim. Telling people: one mail, one webhook call for each beginning and each end of a fault."""

import asyncio
import json
import smtplib
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from http import HTTPStatus
from urllib.parse import urlsplit

import aiohttp

from engine.channel.alerts import AlertsConfig, EmailConfig, WebhookConfig
from engine.channel.connection import SecretReference
from engine.runtime.secrets import read_secret
from engine.store.watch_interface import BEGAN, ENDED, AlertRow

TIMEOUT_SECONDS = 20.0


class NotTold(Exception):  # noqa: N818  a condition: it is tried again
    """Nobody could be told. The text names the way and the kind of failure, no address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One piece of news."""

    alert: AlertRow
    news: str
    """BEGAN or ENDED."""
    environment: str
    console_url: str

    @property
    def subject(self) -> str:
        """One line."""
        state = "over" if self.news == ENDED else "began"
        where = f"[{self.environment}] " if self.environment else ""
        return f"{where}{self.alert.kind} {self.alert.subject}: {state}"

    @property
    def text(self) -> str:
        """All of it."""
        lines = [f"{self.alert.kind}: {self.alert.subject}", self.alert.said, ""]
        lines.append(f"since {_utc(self.alert.began_at)}")
        if self.alert.ended_at is not None:
            minutes = (self.alert.ended_at - self.alert.began_at) / 60
            lines.append(f"over at {_utc(self.alert.ended_at)}, after {minutes:.0f} min")
        if self.console_url:
            lines += ["", self.console_url]
        return "\n".join(lines) + "\n"

    def as_dict(self) -> dict[str, object]:
        """What a webhook is sent."""
        return {
            "alert": self.alert.kind,
            "subject": self.alert.subject,
            "state": self.news,
            "since": _utc(self.alert.began_at),
            "until": None if self.alert.ended_at is None else _utc(self.alert.ended_at),
            "text": self.alert.said,
            "environment": self.environment,
            "console": self.console_url,
        }


def _utc(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


def news_of(alert: AlertRow) -> str:
    """What is to be told of it."""
    return BEGAN if alert.ended_at is None else ENDED


async def tell(config: AlertsConfig, notice: Notice) -> None:
    """Tell everybody. Raises NotTold when one way failed; all ways are tried."""
    failed: list[str] = []
    if config.email is not None:
        try:
            await asyncio.to_thread(send_mail, config.email, notice)
        except (OSError, smtplib.SMTPException, KeyError) as problem:
            failed.append(f"e-mail ({type(problem).__name__})")
    if config.webhook is not None:
        try:
            await call_webhook(config.webhook, notice)
        except (OSError, TimeoutError, aiohttp.ClientError, KeyError, NotTold) as problem:
            failed.append(f"webhook ({type(problem).__name__})")
    if failed:
        raise NotTold(", ".join(failed))


def send_mail(config: EmailConfig, notice: Notice) -> None:
    """Send one mail (RFC 5321). Raises OSError, SMTPException, KeyError."""
    message = EmailMessage()
    message["Subject"] = " ".join(notice.subject.split())
    message["From"] = config.sender
    message["To"] = ", ".join(config.to)
    message.set_content(notice.text)
    secure = ssl.create_default_context()
    if config.security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            config.host, config.port, timeout=TIMEOUT_SECONDS, context=secure
        )
    else:
        server = smtplib.SMTP(config.host, config.port, timeout=TIMEOUT_SECONDS)
    with server:
        if config.security == "starttls":
            server.starttls(context=secure)
        if config.user:
            server.login(config.user, _secret(config.password))
        server.send_message(message)


async def call_webhook(config: WebhookConfig, notice: Notice) -> None:
    """POST the news as JSON; any answer below 300 is good. Raises as `aiohttp`, and NotTold."""
    headers = {"Content-Type": "application/json"}
    if config.token is not None:
        headers["Authorization"] = f"Bearer {_secret(config.token)}"
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    body = json.dumps(notice.as_dict()).encode()
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.post(config.url, data=body, headers=headers, allow_redirects=False) as answer,
    ):
        if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise NotTold(f"{urlsplit(config.url).hostname}: {answer.status}")


def _secret(reference: SecretReference | None) -> str:
    return "" if reference is None else read_secret(reference)
