"""Pure. Every diagnostic of the C-CDA package, D3xx. Codes are never reused."""

from engine.diagnostics import error, warning

# 300 to 319: the document as XML
EMPTY = error("D301", "there is nothing in it", "check what the sender sent")
TOO_LARGE = error("D302", "more than {limit} {unit}", "raise the limit or ask the sender to split")
DOCTYPE = error(
    "D303",
    "a document type declaration stands in it",
    "ask the sender to leave it out: CDA has none, and it can change what the document says",
)
NOT_XML = error("D304", "it is not well-formed XML: {problem}", "ask the sender to mend it")
WRONG_ENCODING = error(
    "D305",
    "its bytes are not {encoding}, which it says they are",
    "ask the sender to label the encoding, or set repair_cp1252 on the channel",
)
TOO_DEEP = error("D306", "elements stand more than {limit} deep", "ask the sender to mend it")
TOO_MANY_ATTRIBUTES = error(
    "D307", "an element has more than {limit} attributes", "ask the sender to mend it"
)
NOT_A_DOCUMENT = error(
    "D308", "its root is {name}, not ClinicalDocument", "check what the sender sent"
)
NAMESPACE_ADDED = warning(
    "D309",
    "the prefix {prefix} was not declared, and was taken for what it usually is",
    "ask the sender to declare it",
)
TEXT_BEFORE = warning(
    "D310", "{count} bytes stand before the XML and were passed over", "ask the sender"
)
NO_NAMESPACE = warning(
    "D311", "its elements were in no namespace and were taken for CDA", "ask the sender"
)
CP1252_READ = warning(
    "D312", "bytes that are not {encoding} were read as cp1252", "ask the sender to label them"
)
SCHEMA_LOCATION_LEFT_OUT = warning(
    "D313", "xmlns:schemaLocation, which is no namespace, was left out", "ask the sender to mend it"
)
LABEL_PASSED_OVER = warning(
    "D314", "its bytes are not {encoding}, as it says: they were read as UTF-8", "ask the sender"
)
NEGATION_UNCLEAR = warning(
    "D315",
    "its negationInd is neither true nor false, and was taken for true",
    "ask the sender to mend it: the statement is told as denied",
)

# 320 to 339: references inside it
ID_TWICE = warning("D320", "the ID is given twice; the first one counts", "ask the sender")
ID_UNKNOWN = warning(
    "D321", "it refers to a part of the narrative that is not there", "ask the sender"
)

# 340 to 359: statements
NOT_MAPPED = warning(
    "D340",
    "no map takes this {kind}",
    "write a map for its template, or name it in `ignore:` of the map around it",
)
NEGATED = error(
    "D341",
    "this {kind} is negated and its map does not say what that means",
    "say it in the map's `negation:`",
)

# 360 to 379: several documents that come together, and documents inside messages
PACKAGE_BROKEN = error(
    "D360", "the {kind} cannot be read: {problem}", "ask the sender to send it again"
)
PACKAGE_TOO_LARGE = error(
    "D361", "the {kind} has more than {limit} {unit}", "ask the sender to split it"
)
PART_BROKEN = error("D362", "part {number} cannot be read: {problem}", "ask the sender")
PART_TOO_LARGE = error(
    "D363",
    "part {number} is larger than {limit} bytes, or than its packing allows",
    "ask the sender: so much out of so little is an attack or a mistake",
)
PART_NOT_TAKEN = error(
    "D364", "part {number} is {kind}, and no document", "send documents as XML of their own"
)
PACKAGE_EMPTY = error("D365", "there is no document in the {kind}", "check what the sender sent")
