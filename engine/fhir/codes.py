"""Pure. The diagnostics of the FHIR part: F60x to F62x resources, F63x bundles, F64x answers.

A text names elements, types and value sets, never a value: values of resources are patients' data.
"""

from engine.diagnostics import error, warning

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
    "refer to a resource of a type the element may point to",
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
INVARIANT = error(
    "F619", "R4 {key} does not hold: {text}", "map what is missing, or leave out what is too much"
)

DANGLING = error(
    "F630",
    "the reference names a {type} that is not in the bundle",
    "map the resource too, or leave the reference out",
)
TRANSACTION_MISSING = warning(
    "F631",
    "the destination takes no transactions: sent as a batch, whose entries stand alone",
    "add transaction to its capabilities when it has it, or set interaction: batch",
)
CONDITIONAL_UPDATE_MISSING = warning(
    "F632",
    "the destination has no conditional update: {instead} instead",
    "add conditional-update to its capabilities when it has it, or choose another identity",
)
UPDATE_CREATE_MISSING = warning(
    "F633",
    "the destination does not take our ids: {instead} instead",
    "add update-create to its capabilities when it has it, or choose another identity",
)
CONDITIONAL_CREATE_MISSING = warning(
    "F634",
    "the destination has no conditional create: a plain create, which may make a second copy",
    "add conditional-create to its capabilities when it has it, or choose another identity",
)
UNREPEATABLE = warning(
    "F635",
    "the resource has no identifier: a plain create, which may make a second copy",
    "map an identifier, or use identity: update",
)
LOGICAL_REFERENCE = warning(
    "F636",
    "the reference is sent as an identifier only: outside a transaction its target has no id yet",
    "use interaction: transaction, identity: update, or the capability conditional-reference",
)
UNRESOLVABLE = error(
    "F637",
    "the server gives the target of this reference its id, and it has no identifier to name it by",
    "use interaction: transaction or identity: update",
)
