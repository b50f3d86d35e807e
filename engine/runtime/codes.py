"""Rim. The diagnostic codes of intake: S740 to S759. Codes are never reused."""

from engine.diagnostics import error, warning

CONTROL_ID_REUSED = warning(
    "S740",
    "MSH-10 was used before by this sender, with other bytes",
    "ask the sender whether it corrected a message or reset its counter",
)
NO_CHANNEL_TAKES_IT = error(
    "S741",
    "no channel of the listener takes this message (table 0357: {reason})",
    "give a channel a route for it, or ask the sender not to send it here",
)
"""Stored with the refused message; its sender is answered AR or CR."""
