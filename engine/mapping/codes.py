"""Pure. The diagnostics of the mapping language.

T500 to T519: reading maps, tables and overlays. T520 to T559: the checker. T560 to T589: data met while
a message is converted; these name the place in the message and the rule, never the value.
"""

from engine.diagnostics import error, warning

# -- reading --

NOT_A_MAP = error("T500", "this file is not a map: {problem}", "begin with `map:` or `overlay:`")
UNKNOWN_KEY = error("T501", 'unknown key "{key}"', "see the keys in docs/mapping-language.md")
MISSING_KEY = error("T502", 'the key "{key}" is missing', "add it")
WRONG_SHAPE = error("T503", "{what} must be {shape}", "see docs/mapping-language.md")
EXPRESSION = error("T504", "{problem}", "see the grammar in docs/mapping-language.md")
DUPLICATE_TARGET = error(
    "T505", 'the target "{target}" is written twice', "write one rule with alternatives"
)
DUPLICATE_MAP = error("T506", 'the map "{name}" exists already, in {other}', "rename one of them")
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
    "T566", "the code has no row in table {table}; the message is held", "add a row, then replay"
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
TEXT_DECODING = warning("T572", "an escape sequence could not be decoded", "ask the sender")
