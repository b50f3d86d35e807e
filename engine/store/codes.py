"""Rim. What the store itself has to say about a message (S760 to S769)."""

from engine.diagnostics import error

NOTHING_TO_RESEND = error(
    "S760",
    "there is no stored output to send again",
    "replay the message instead: it is processed again from its stored bytes",
)
