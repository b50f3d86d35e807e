"""Pure. What the checker of maps finds, T520 to T559. Codes are never reused."""

from engine.diagnostics import error, warning

# -- sources, against the HL7 v2 dictionary --

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
NOT_REPEATING = warning("T528", "{what} does not repeat", "`each` is not needed here")
MANY_SEGMENTS = error(
    "T529", "{what} repeats in {structure}", "write `each SOURCE as name`, or [1] behind it"
)

# -- targets, against FHIR R4 --

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

# -- steps and calls --

MAP_SOURCE = error(
    "T545", "{name} maps {wanted}; it is given {given}", "choose the map for this datatype"
)
MAP_KIND = error("T546", "{name} {problem}", "see the map")
FUNCTION_INPUT = error("T547", "{name} takes {wanted}, not {given}", "see `engine docs FUNCTION`")
WRONG_ARGUMENT = error(
    "T548", "{name}: `{argument}` takes {wanted}, not {given}", "see its parameters"
)

# -- maps --

IGNORE_UNKNOWN = error("T550", "this ignores {path}, but {problem}", "correct or remove it")
EVENT_TWICE = error("T551", "{event} is served by {other} too", "an event belongs to one map")
EVENT_UNKNOWN = warning("T552", "HL7 knows no {event} with the structure {structure}", "correct it")
NO_KEY = warning(
    "T553",
    "{name} has no key: ids derive from the whole content, so a correction makes a new resource",
    "add `key:`",
)
