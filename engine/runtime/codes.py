"""Rim. The diagnostic codes of intake: S740 to S759. Codes are never reused."""

from engine.diagnostics import error, warning

CONTROL_ID_REUSED = warning(
    "S740",
    "its control id (MSH-10, or the id of a document) was used before by this sender, with other "
    "bytes",
    "ask the sender whether it corrected a message or reset its counter",
)
NO_CHANNEL_TAKES_IT = error(
    "S741",
    "no channel of the listener takes this message (table 0357: {reason})",
    "give a channel a route for it, or ask the sender not to send it here",
)
"""Stored with the refused message; its sender is answered AR or CR."""

PORT_UNAVAILABLE = error(
    "S742",
    'listener "{name}" cannot be opened: {reason}',
    "choose another port or address, or end the program that has it",
)
FOLDER_UNAVAILABLE = error(
    "S743",
    'the folder of listener "{name}" is not there or not writable',
    "make the folder, or correct its path",
)
TLS_UNUSABLE = error(
    "S744",
    'the TLS files of listener "{name}" cannot be used',
    "check that certificate, key and ca exist, are PEM and belong together",
)
FILES_UNREADABLE = error(
    "S745", "the project cannot be read: {reason}", "check the folder, its rights and its encoding"
)
INTAKE_FAILED = error(
    "S746",
    "intake failed on this message: {kind}",
    "this is a fault of the engine, not of the sender: report the code and the message type",
)
