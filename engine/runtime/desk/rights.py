"""Rim. What a person may do: rights, roles that bundle them, and the viewer every desk call is for.

Values only. A desk function that shows or does something takes a `Viewer`, leaves out channels
beyond its scope, masks unless it may see values, and records what was done (`audit`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum


class Right(StrEnum):
    """One thing a person may do. Sites tell rights apart; roles only bundle them."""

    SEE_MESSAGES = "see-messages"
    """That messages exist: channel, type, time, state, codes. No content."""
    SEE_BODIES = "see-bodies"
    """Contents, with the values of patients masked."""
    UNMASK = "unmask"
    """The values of patients, after giving a reason."""
    EMERGENCY = "emergency"
    """Contents and values of every channel for a short time, with a reason; somebody is told."""
    SEARCH_PATIENT = "search-patient"
    """Find messages by identifiers of patients, and see a patient's thread."""
    EDIT_COPY = "edit-copy"
    """Make an edited copy of a message."""
    REPLAY = "replay"
    """Process or send again, and settle deliveries that wait for a person."""
    BULK = "bulk"
    """Replay or settle many at once."""
    EXPORT = "export"
    """Take contents out of the engine."""
    CONTROL = "control"
    """Pause, resume and drain channels."""
    DEPLOY = "deploy"
    """Bring another configuration into force."""
    USERS = "users"
    """Say who may do what."""
    READ_AUDIT = "read-audit"
    """See what others did."""


_SUPPORT = frozenset(
    {
        Right.SEE_MESSAGES,
        Right.SEE_BODIES,
        Right.UNMASK,
        Right.SEARCH_PATIENT,
        Right.EDIT_COPY,
        Right.REPLAY,
    }
)

ROLES: Mapping[str, frozenset[Right]] = {
    "viewer": frozenset({Right.SEE_MESSAGES, Right.EMERGENCY}),
    "support": _SUPPORT | {Right.EMERGENCY},
    "analyst": _SUPPORT | {Right.BULK, Right.EXPORT, Right.DEPLOY},
    "operator": frozenset(
        {
            Right.SEE_MESSAGES,
            Right.SEE_BODIES,
            Right.EMERGENCY,
            Right.REPLAY,
            Right.BULK,
            Right.CONTROL,
            Right.DEPLOY,
        }
    ),
    "auditor": frozenset({Right.SEE_MESSAGES, Right.READ_AUDIT}),
    "administrator": frozenset(Right),
}

ROLE_SUMMARIES: Mapping[str, str] = {
    "viewer": "sees that messages come and go, never what they say, but in an emergency",
    "support": "finds a failed message, sees why, fixes a copy, replays it",
    "analyst": "support, and many messages at once, exports and deployments",
    "operator": "pauses, drains and replays; sees contents masked only",
    "auditor": "reads who did what",
    "administrator": "everything, and who may do what",
}

EMERGENCY_RIGHTS = frozenset(
    {Right.SEE_MESSAGES, Right.SEE_BODIES, Right.UNMASK, Right.SEARCH_PATIENT}
)
"""What emergency access adds."""


WHOLE_ENGINE = frozenset({Right.USERS, Right.DEPLOY})
"""What concerns all channels at once: whoever is kept to some does not have it."""


class NotAllowed(Exception):  # noqa: N818  said to the user in these words
    """The viewer lacks a right. The text names it."""

    def __init__(self, right: Right) -> None:
        super().__init__(f"this needs the right {right.value}")
        self.right = right


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who asks."""

    name: str
    rights: frozenset[Right] = field(repr=False)
    channels: frozenset[str] | None = None
    """The only channels to be shown; None: all."""
    unmasked: bool = False
    """Values of patients are shown; a reason was given and recorded."""
    reason: str = ""
    """Why they are, for the record of each view."""
    origin: str = ""
    """`console 10.1.2.3`, `command root@host`."""
    emergency: bool = False

    def may(self, right: Right) -> bool:
        """True when the viewer has the right."""
        return right in self.rights

    def require(self, *rights: Right) -> None:
        """Raises NotAllowed for the first right that is missing."""
        for right in rights:
            if right not in self.rights:
                raise NotAllowed(right)

    def sees(self, channel: str) -> bool:
        """True when the channel is within the scope."""
        return self.channels is None or channel in self.channels

    def sees_file(self, name: str) -> bool:
        """True for a file of the project that is no channel's, or of a channel within the scope."""
        folder, _, file = name.partition("/")
        return folder != "channels" or self.sees(file.rpartition(".")[0])

    def in_emergency(self, reason: str) -> "Viewer":
        """The same person with emergency access.

        It shows contents of all channels: who is kept to some may do nothing else meanwhile.
        """
        kept = self.rights if self.channels is None else self.rights & {Right.EMERGENCY}
        return replace(
            self,
            rights=kept | EMERGENCY_RIGHTS,
            channels=None,
            unmasked=True,
            reason=reason,
            emergency=True,
        )


def rights_of(roles: Iterable[str]) -> frozenset[Right]:
    """The rights of these roles together; an unknown role gives none."""
    found: frozenset[Right] = frozenset()
    for role in roles:
        found |= ROLES.get(role, frozenset())
    return found


def rights_within(roles: Iterable[str], channels: object) -> frozenset[Right]:
    """The rights of these roles for who sees these channels; None: all of them."""
    found = rights_of(roles)
    return found if channels is None else found - WHOLE_ENGINE


def everything(name: str, origin: str) -> Viewer:
    """A viewer with every right, for a project that has no users yet. Values stay masked."""
    return Viewer(name=name, rights=frozenset(Right), origin=origin)
