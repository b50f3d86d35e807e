"""Pure. The diagnostics of the FHIR part: F60x to F62x resources, F63x bundles, F64x answers.

A text names elements, types and value sets, never a value: values of resources are patients' data.
"""

from engine.diagnostics import error

UNKNOWN_RESOURCE = error(
    "F601",
    "resourceType does not name an R4 resource",
    "give the object a resourceType of FHIR R4, such as Patient",
)
UNKNOWN_ELEMENT = error(
    "F602", "{type} has no such element in R4", "remove the element or correct its name"
)
MISSING = error("F603", "{type}.{name} is required", "map the element, or do not make the resource")
LIST_EXPECTED = error(
    "F604", "the element repeats: a list is expected", "put the value into a list"
)
LIST_UNEXPECTED = error(
    "F605", "the element holds one value, not a list", "give one value, without a list"
)
WRONG_TYPE = error("F606", "a value of type {type} is expected", "give a value of that type")
EMPTY = error(
    "F607",
    "empty strings, lists, objects and null are not allowed",
    "leave the element out when there is nothing to say",
)
CHOICE_TWICE = error(
    "F608", "{name}[x] has more than one value", "keep one of the types of the choice"
)
BAD_FORMAT = error("F609", "this is not a valid {type}", "see the format of the type in FHIR R4")
NOT_IN_VALUE_SET = error(
    "F610",
    "the code is not in the required value set {url}",
    "map the code to one of the value set; the binding allows no other",
)
BAD_REFERENCE = error(
    "F611",
    "this is not a reference",
    "write Type/id, Type?search, #id, urn:uuid:... or an absolute URL",
)
WRONG_TARGET = error(
    "F612",
    "a reference to {type} is not allowed here",
    "the element may point to: {allowed}",
)
EXTENSION = error(
    "F613",
    "an extension has either a value or extensions of its own",
    "give the extension one value[x], or nested extensions",
)
UNALIGNED = error(
    "F614",
    "the list and its _list of extensions do not fit together",
    "both lists must be equally long, with a value or an extension at each position",
)
TOO_DEEP = error("F615", "the resource is nested deeper than {limit} levels", "nest it less")
MORE_PROBLEMS = error(
    "F616", "there are more than {limit} problems; the rest is not listed", "correct these first"
)
CONTAINED = error(
    "F617",
    "a contained resource needs an id and contains no others",
    "give it an id; put nested contained resources next to it",
)
UNKNOWN_FRAGMENT = error(
    "F618", "no contained resource has the id this reference names", "contain it or refer elsewhere"
)
