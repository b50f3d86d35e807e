"""Pure. The diagnostic codes of processing and delivery: S720 to S739."""

from engine.diagnostics import Code, Severity, error, warning

PROCESSING_FAILED = error(
    "S720",
    "processing stopped in step {step}: {kind}",
    "this is a fault of the engine, not of the message: report the code and the message type",
)
NOTHING_MADE = error(
    "S721",
    "the map made nothing to send",
    "filter such messages out in the channel, or give the map rules for them",
)
CHANNEL_GONE = error(
    "S723",
    'channel "{name}" is no longer in the configuration',
    "put the channel back, then release the message",
)
BYTES_DAMAGED = error(
    "S724",
    "the stored bytes of the message are gone or do not match their checksum",
    "restore the message log from a backup, or ask the sender for the message again",
)
ELEMENT_REMOVED = warning(
    "S725",
    "{path} is not valid R4 ({code}) and was left out",
    "correct the source value, or the rule that makes the element",
)
RESOURCE_REMOVED = error(
    "S726",
    "{path} cannot be made valid R4 ({code}) and was left out",
    "correct the source value, or the rule that makes the resource",
)
STRICT_REFUSED = error(
    "S727",
    "{path} is refused by the second validator: {reason}",
    "correct the rule that makes the element, or use `validate: compiled`",
)
NULLS_SENT = Code(
    "S728",
    Severity.INFO,
    'sent as the explicit null "", and no rule knows what that deletes: {paths}',
    "map the field, or delete by hand at the destination",
)
EMBEDDED_UNREADABLE = warning(
    "S729",
    "the document inside is not converted: {problem} ({code})",
    "ask the sender to mend it; the message holds it as received",
)
EMBEDDED_TOO_MANY = warning(
    "S730",
    "more than {limit} {unit} of documents inside: the rest is not converted",
    "ask the sender to send documents by themselves",
)
EMBEDDED_OTHER_PATIENT = warning(
    "S731",
    "the document inside shares no identifier of its patient with the message",
    "map the assigner in `authorities`, or ask the sender whose document it is",
)
REVISION_GONE = error(
    "S732",
    "the configuration {revision} is not kept any more",
    "replay on the configuration in force, or put its snapshot back into the data folder",
)
NOBODY_TAKES = Code(
    "S733",
    Severity.INFO,
    "no destination of the channel takes it: the `when` of each does not hold",
    "it was meant to be left out; else change a `when` and replay",
)
LATE_VERSION = warning(
    "S734",
    "message {message} brought a newer version of this document: of this one nothing is sent but"
    " its DocumentReference, as superseded",
    "nothing; to send it all the same, over what the newer one said, replay it with"
    " `--overwrite-newer`",
)
LATE_PASSED_ON = warning(
    "S735",
    "message {message} brought a newer version of this document: it is passed on all the same",
    "nothing, where the receiver knows versions; else look at what it shows",
)
