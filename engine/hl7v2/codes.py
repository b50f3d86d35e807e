"""Pure. Every diagnostic of the HL7 v2 package, H2xx. Codes are never reused."""

from engine.diagnostics import Code, Severity, error, warning

# 200 to 219: the message as a whole
NO_MSH = error("H201", "no MSH segment was found", "check that the bytes are an HL7 v2 message")
EMPTY = error("H202", "there is nothing in it", "check what the sender sent")
SEVERAL_MESSAGES = error(
    "H203", "{count} MSH segments stand in one message", "split a batch before parsing"
)
BATCH_ENVELOPE = error(
    "H204", "a batch segment {name} stands in the message", "split a batch before parsing"
)
TOO_LARGE = error("H205", "more than {limit} {unit}", "raise the limit or ask the sender to split")
TEXT_BEFORE_MSH = warning(
    "H206", "{count} bytes stand before MSH and were passed over", "ask the sender to remove them"
)
FRAME_BYTES = warning(
    "H207", "MLLP frame bytes stand in the message and were removed", "store messages without them"
)
LINE_ENDS = warning(
    "H208", "{ends} ends segments where the standard asks for CR", "ask the sender to end with CR"
)
LINE_END_REFUSED = error(
    "H209",
    "a line feed ends a segment and the channel accepts CR only",
    "set line_ends: any, or ask the sender to end segments with CR",
)
CONTINUATION = warning(
    "H210",
    "line {line} does not begin with a segment name; it was joined to {name}",
    "line breaks in text belong in the message as \\.br\\",
)
SEGMENT_NAME = warning(
    "H211", "the segment name of line {line} is not three capitals or digits", "correct the name"
)
CONTROL_CHARACTER = warning(
    "H212",
    "the control character {character} stands in the text",
    "remove it or escape it as \\Xdd\\",
)
LONE_ESCAPE = warning(
    "H213",
    "an escape character begins no escape sequence; it was kept as it is",
    "write the escape character in text as \\E\\",
)
ENDS_WITHOUT_CR = Code(
    "H214", Severity.INFO, "the last segment has no CR at its end", "end every segment with CR"
)
BLANK_LINE = Code("H215", Severity.INFO, "a blank line was passed over", "end segments with one CR")

# 220 to 229: MSH
DELIMITERS_MISSING = warning(
    "H220", "MSH-2 has {count} characters; the standard ones were taken for the rest", "send ^~\\&"
)
DELIMITERS_EXTRA = warning(
    "H221",
    "MSH-2 has {count} characters; those after the fifth mean nothing",
    "send ^~\\& or ^~\\&#",
)
DELIMITERS_EQUAL = warning(
    "H222", "a delimiter stands twice in MSH-1 and MSH-2; it was counted once", "send ^~\\&"
)
DELIMITER_UNUSUAL = error(
    "H223", "MSH-1 is a letter, digit or space", "MSH is followed by the field separator"
)
NO_VERSION = warning(
    "H224", "MSH-12 has no version; {version} was taken", "ask the sender for MSH-12"
)
VERSION_UNKNOWN = warning(
    "H225", "the version in MSH-12 is not known; {version} was taken", "check MSH-12"
)
NO_MESSAGE_TYPE = error("H226", "MSH-9 names no message type", "ask the sender for MSH-9")
STRUCTURE_UNKNOWN = warning(
    "H227", "MSH-9 names no message structure of version {version}", "check MSH-9 and MSH-12"
)
NO_CONTROL_ID = warning("H228", "MSH-10 has no control id", "ask the sender for MSH-10")
DELIMITER_IMPLAUSIBLE = warning(
    "H229", "MSH-2 has a letter, digit or blank, which delimits nothing", "send ^~\\&"
)

# 230 to 239: character sets
CHARSET_UNKNOWN = warning(
    "H230",
    "the character set in MSH-18 is not known; {codec} was taken",
    "set charset in the channel",
)
UNDECODABLE = error(
    "H231",
    "the bytes are not {codec}; the first fault is at byte {offset}",
    "set charset in the channel, or repair_cp1252",
)
REPAIRED_CP1252 = warning(
    "H232",
    "the bytes are not {codec} and were read as Windows-1252",
    "ask the sender to declare its character set in MSH-18",
)
REALLY_UTF8 = warning(
    "H233",
    "the bytes are not {codec} as declared but well-formed UTF-8, and were read so",
    "ask the sender to correct MSH-18",
)
MAYBE_UTF8 = warning(
    "H234",
    "MSH-18 declares {codec} but the bytes are well-formed UTF-8",
    "set charset in the channel if names look wrong",
)
BOM = warning("H235", "a byte order mark stands before MSH and was removed", "save without a BOM")
MAYBE_CP1252 = warning(
    "H236",
    "MSH-18 declares {codec} but the text holds control codes that Windows-1252 uses for letters",
    "set repair_cp1252 in the channel",
)

# 240 to 259: message grammar
Z_SEGMENT = Code(
    "H240",
    Severity.INFO,
    "the segment {name} is a site's own; it was kept where it stands",
    "map it or ignore it by name",
)
NOT_IN_STRUCTURE = warning(
    "H241",
    "{name} has no place in {structure}; it was kept where it stands",
    "check MSH-9 and the order of segments",
)
OUT_OF_ORDER = warning(
    "H242", "{name} stands out of order in {structure}", "compare with the message grammar"
)
REQUIRED_MISSING = warning(
    "H243", "{name} is required before {next} in {structure}", "ask the sender for the segment"
)
REPEATED = warning(
    "H244",
    "{name} stands more than once where {structure} allows one; the first one counts",
    "ask the sender which one is right",
)
OTHER_VERSION = warning(
    "H245",
    "{name} is no part of {structure} in version {version}; the groups follow {other}",
    "check MSH-12",
)
SEGMENT_UNKNOWN = warning(
    "H246",
    "{name} is no segment of version {version}; it was kept where it stands",
    "check its name",
)
NO_GRAMMAR = warning(
    "H247", "no grammar fits the message; its segments were not grouped", "check MSH-9"
)

# 260 to 269: batches
BATCH_COUNT = warning(
    "H260",
    "{name}-1 says {declared} and there are {found}",
    "ask the sender whether some are missing",
)
BATCH_UNCLOSED = warning(
    "H261", "{opened} has no {closed}", "ask the sender whether the file is whole"
)
BATCH_NO_HEADERS = warning(
    "H262",
    "{count} messages follow each other without a batch header",
    "send FHS and BHS around them",
)
BATCH_STRAY = warning(
    "H263", "line {line} belongs to no message of the batch", "compare with the batch as sent"
)
BATCH_TOO_MANY = error("H264", "more than {limit} messages in one batch", "split the batch")

# 270 to 279: paths
PATH_SYNTAX = error(
    "H270", 'this is no path: "{text}": {problem}', "write PID-3[1].4.2 or GROUP.OBX-5"
)
