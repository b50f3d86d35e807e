"""Rim. A folder: one file a message, written aside, synced and renamed, so that a reader sees
whole files.

The name comes from a pattern whose fields hold no patient data. It is the same at every attempt, so
an attempt made twice leaves one file. Disk work runs in threads: a slow share stops no other lane.
"""

import asyncio
import contextlib
import errno
import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

from engine.channel.model import FileDestinationConfig
from engine.destinations.interface import AttemptResult, Outgoing, Presence, Settlement
from engine.pipeline.response import Classification, Fault, classify_fault

_NAME_CHARACTERS_MAX = 200
_HASH_CHARACTERS = 16
_WRITTEN = Classification(None, "file-written")


class FileDestination:
    """Writes files into one folder."""

    def __init__(self, config: FileDestinationConfig) -> None:
        """Args: the checked configuration."""
        self._config = config
        self._folder = Path(config.path)

    async def send(self, outgoing: Outgoing) -> AttemptResult:
        """Write the file and give it its name."""
        name = file_name(self._config.pattern, outgoing)
        if name is None:
            return AttemptResult(classification=classify_fault(Fault.FILE_NAME))
        target = self._folder / name
        fault = await asyncio.to_thread(_write, target, outgoing.body, outgoing.delivery_id)
        return AttemptResult(
            classification=_WRITTEN if fault is None else classify_fault(fault),
            request=f"file {target}\n".encode(),
        )

    def settlement(self, outgoing: Outgoing) -> Settlement:  # noqa: ARG002
        """Repeat: the same name is written again."""
        return Settlement.REPEAT

    async def probe(self, outgoing: Outgoing) -> Presence:  # noqa: ARG002
        """Whether the file is there says nothing: a reader may have taken it away."""
        return Presence.UNKNOWABLE

    async def close(self) -> None:
        """Nothing is held open."""


def file_name(pattern: str, outgoing: Outgoing) -> str | None:
    """The name of a message's file, or None when the pattern gives none that is safe.

    Values are cut to letters, digits, `-` and `_`: a control id or type cannot name another folder.
    """
    digest = hashlib.sha256(outgoing.control_id.encode()).hexdigest()[:_HASH_CHARACTERS]
    try:
        name = pattern.format(
            received=datetime.fromtimestamp(outgoing.received_at, UTC),
            message_id=outgoing.message_id,
            channel=_safe(outgoing.channel),
            message_type=_safe(outgoing.message_type.replace("^", "_")),
            control_id_hash=digest,
        )
    except (KeyError, ValueError, IndexError, AttributeError, OverflowError):
        return None
    plain = Path(name).name == name and not name.startswith(".")
    return name if plain and len(name) <= _NAME_CHARACTERS_MAX else None


def _safe(text: str) -> str:
    return "".join(
        letter for letter in text if letter.isascii() and (letter.isalnum() or letter in "-_")
    )


def _write(target: Path, body: bytes, delivery_id: int) -> Fault | None:
    """Write aside, sync, rename, sync the folder; the fault, or None.

    The folder is made where its parent is there; a whole missing path is more likely a mistake.
    """
    aside = target.with_name(f".{target.name}.{delivery_id}.part")
    try:
        if not target.parent.is_dir():
            target.parent.mkdir(exist_ok=True)
        with aside.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
    except OSError as problem:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
        return _write_fault(problem)
    try:
        aside.replace(target)
        _sync_folder(target.parent)
    except OSError:
        return Fault.FILE_RENAME
    return None


def _write_fault(problem: OSError) -> Fault:
    match problem.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return Fault.FOLDER_MISSING
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return Fault.FILE_DENIED
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            return Fault.DISK_FULL
        case _:
            return Fault.FILE_WRITE


def _sync_folder(folder: Path) -> None:
    """The rename survives a power cut only when the folder is on disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
