"""Pure. The diagnostics of the mapping language.

T500 to T519: reading maps, tables and overlays. T520 to T559: the checker. T560 to T589: data met
while a message is converted; these name the place in the message and the rule, never the value.
"""

from engine.diagnostics import error, warning

# -- reading --

NOT_A_MAP = error(
    "T500", "this file is not a map: {problem}", "begin with `map:`, `part:` or `overlay:`"
)
UNKNOWN_KEY = error("T501", 'unknown key "{key}"', "see the keys in docs/mapping-language.md")
MISSING_KEY = error("T502", 'the key "{key}" is missing', "add it")
WRONG_SHAPE = error("T503", "{what} must be {shape}", "see docs/mapping-language.md")
EXPRESSION = error("T504", "{problem}", "see the grammar in docs/mapping-language.md")
DUPLICATE_TARGET = error(
    "T505", 'the target "{target}" is written twice', "write one rule with alternatives"
)
DUPLICATE_MAP = error("T506", '"{name}" exists already, in {other}', "rename one of them")
UNKNOWN_NAME = error("T507", 'nothing is called "{name}" here', "name a parameter or variable")
TABLE_SHAPE = error("T508", "{problem}", "the columns are listed in docs/mapping-language.md")
DUPLICATE_ROW = error(
    "T509", 'the code "{code}" has two rows (the other is line {other})', "keep one of them"
)
OVERLAY_UNKNOWN = error(
    "T510", 'the overlay names {what} "{name}", which does not exist', "name what is there"
)
LIMIT = error("T511", "there are more than {limit} {what}", "split the file")
UNKNOWN_MAP = error("T512", 'no map is called "{name}"', "check the name")
UNKNOWN_TABLE = error("T513", 'no table is called "{name}"', "check the name, or add the CSV file")
UNKNOWN_FUNCTION = error("T514", 'no function is called "{name}"', "see the list of functions")
ARGUMENT = error("T515", "{problem}", "see the function's or map's parameters")
CYCLE = error("T516", "the maps call each other in a circle: {names}", "break the circle")

UNKNOWN_PART = error("T517", 'no part is called "{name}"', "check the name")
PART_CYCLE = error("T518", "the parts use each other in a circle: {names}", "break the circle")
PART_EMPTY = error(
    "T519", "nothing of the part {name} fits {structure}", "leave it out, or say in which group"
)

# -- checking: sources, against the HL7 v2 dictionary --

UNKNOWN_SEGMENT = error("T520", "HL7 has no segment {segment}", "see `engine docs`")
UNKNOWN_FIELD = error("T521", "{segment} has no field {field}", "see `engine docs SEGMENT`")
UNKNOWN_COMPONENT = error(
    "T522", "{where} ({datatype}) has no component {number}", "see `engine docs FIELD`"
)
UNKNOWN_SELECTOR = error(
    "T523", '{where} ({datatype}) has no component named "{name}"', "use its number, such as [5=MR]"
)
WHICH_REPETITION = error(
    "T524",
    "{where} repeats, and this does not say which repetition is meant",
    "write [1], [type=..], `each FIELD as name`, or a target that ends in []",
)
UNKNOWN_FROM = error(
    "T525", 'there is no segment, datatype or structure "{name}"', "correct `from`"
)
OUT_OF_REACH = error(
    "T526",
    "this map is given {given}; it cannot read {what}",
    "read its source, MSH or a parameter",
)
UNKNOWN_IN_STRUCTURE = error(
    "T527",
    "{owner} has no {what} in the grammar of {structure}",
    "see the grammar with `engine docs`",
)
UNKNOWN_NODE = error("T556", "{holder} has no {step}", "see CDA R2")
NOT_REPEATING = warning("T528", "{what} does not repeat", "`each` is not needed here")
MANY_SEGMENTS = error(
    "T529", "{what} repeats in {structure}", "write `each SOURCE as name`, or [1] behind it"
)

# -- checking: targets, against FHIR R4 --

UNKNOWN_TYPE = error("T530", 'FHIR R4 has no type "{name}"', "correct `to`")
UNKNOWN_ELEMENT = error(
    "T531", "{owner} has no element `{name}` in FHIR R4", "see http://hl7.org/fhir/R4"
)
WRONG_TYPE = error("T532", "{target} takes {wanted}, not {given}", "convert it in a step")
ONE_ONLY = error("T533", "{target} is a single value; [] is for lists", "leave the [] out")
LIST_NEEDED = error(
    "T534", "{target} is a list", "write [] behind it to add items, or label one: [name]"
)
CHOICE_NEEDED = error(
    "T535", "{target} is a choice of types", "write [x] behind it and the types below it"
)
NOT_A_CHOICE = error("T536", "{target} cannot be {given}", "choose one of its types")
NEVER_FILLED = error(
    "T537",
    "{owner} requires `{name}`, and no rule fills it",
    "add a rule; a fixed value or a data-absent-reason will do when the source has none",
)
NOT_IN_BINDING = error(
    "T538", '"{value}" is not in the value set {target} is bound to', "use a code of the value set"
)
TABLE_NOT_IN_BINDING = error(
    "T539",
    'the table {table} yields "{value}", which is not in the value set {target} is bound to',
    "correct the row",
)
WRONG_REFERENCE = error(
    "T540", "{target} cannot refer to {given}", "see the targets of the element in FHIR R4"
)
BAD_LITERAL = error("T541", '"{value}" is not a valid {wanted}', "see the FHIR datatypes")
UNMAPPED_KEPT = error(
    "T542",
    "unmapped={policy} would write the sender's own code into {target}, whose codes are fixed",
    "reject, hold, or name a fixed code",
)

NOT_IN_SYSTEM = error(
    "T543",
    'the code system {system} has no code "{value}"',
    "correct the row, or its target_system",
)

# -- checking: steps and calls --

MAP_SOURCE = error(
    "T545", "{name} maps {wanted}; it is given {given}", "choose the map for this datatype"
)
MAP_KIND = error("T546", "{name} {problem}", "see the map")
FUNCTION_INPUT = error("T547", "{name} takes {wanted}, not {given}", "see `engine docs FUNCTION`")
WRONG_ARGUMENT = error(
    "T548", "{name}: `{argument}` takes {wanted}, not {given}", "see its parameters"
)

# -- checking: maps --

IGNORE_UNKNOWN = error("T550", "this ignores {path}, but {problem}", "correct or remove it")
DIFFERS_UNKNOWN = error(
    "T553", "this differs from the guide at {path}, but {problem}", "correct or remove it"
)
GUIDE_FILE = error(
    "T554",
    "this table of HL7's guide cannot be read: {problem}",
    "take the file from the guide's `mappings` folder as it is",
)
GUIDE_FOLDER = error(
    "T555",
    "there are no tables of HL7's guide here: {problem}",
    "name the folder `mappings` of the v2-to-FHIR guide",
)
EVENT_TWICE = error("T551", "{event} is served by {other} too", "an event belongs to one map")
EVENT_UNKNOWN = warning("T552", "HL7 knows no {event} with the structure {structure}", "correct it")

# -- converting --

NO_MAP = error("T560", "no map serves {message_type}", "write a map, or route it elsewhere")
BAD_DATE = warning("T561", "this is no date or time", "ask the sender, or map it as text")
ZONE_UNKNOWN = warning(
    "T562", "the time has no zone, so only its date is kept", "set the channel's time_zone"
)
TIME_GAP = warning(
    "T563",
    "this time does not exist on that day (clocks went forward); the offset before is used",
    "ask the sender for an offset",
)
BAD_NUMBER = warning("T564", "this is no number", "ask the sender, or map it as text")
UNMAPPED_CODE = warning(
    "T565",
    "the code has no row in table {table}; the element is left out",
    "add a row to the table",
)
HELD_CODE = error(
    "T566",
    "the code has no row in table {table}; the message is held",
    "add a row, then `engine reload`",
)
BAD_VALUE = warning("T567", "this is no {what}", "ask the sender, or map it as text")
UNKNOWN_AUTHORITY = warning(
    "T568",
    "the assigning authority has no URI, so the identifier has no system",
    "name it in the channel's authorities",
)
RULE_FAILED = error(
    "T569", "the rule failed: {problem}", "report this: it is a fault of the engine"
)
MAP_FAILED = error("T570", "the map failed: {problem}", "report this: it is a fault of the engine")
TOO_MANY = error("T571", "more than {limit} {what} from one message", "split the message")
END_BEFORE_START = warning("T573", "the end is before the start; it is left out", "ask the sender")
SAME_KEY = warning(
    "T574",
    "two segments make the same {type}; what the second says otherwise is left out",
    "give the map a key that tells them apart, or ask the sender for a number",
)
NO_TIME = warning(
    "T575",
    "this has no time of day, which the element needs; it is left out",
    "ask the sender, or map it to a dateTime",
)
TYPE_UNKNOWN = warning(
    "T576",
    "the type of this value is not named or no HL7 datatype; it was taken for what it looks like",
    "ask the sender to fill OBX-2",
)
NOT_SENT = warning(
    "T577",
    "what this element needs was not sent; it is left out",
    "ask the sender, or hold such messages by a filter",
)
STOOD_IN = warning(
    "T578",
    'the code has no row in table {table}; "{fixed}" stands in for it',
    "add a row to the table",
)
LEFT_OUT = warning("T579", "this is left out: {reason}", "ask the sender whether it was meant")
