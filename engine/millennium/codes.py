"""Pure. The diagnostic codes of Millennium calls, their rules and their composing: O800 to O859.

Reading and checking stand first, then what composing the calls of a message notices.
"""

from engine.diagnostics import Code, Severity, error, warning

# -- files of calls, rules and capabilities --

NOT_A_CALL = error(
    "O800", "this file has no Millennium call or rules in it: {problem}", "see docs/millennium.md"
)
UNKNOWN_KEY = error("O801", '{owner} has no key "{key}"', "see docs/millennium.md")
MISSING_KEY = error("O802", "{owner} needs the key `{key}`", "add it; see docs/millennium.md")
WRONG_SHAPE = error("O803", "{what} must be {shape}", "see docs/millennium.md")
NOT_A_WORD = error("O804", '`{key}` cannot be "{value}"', "write one of the known words")
DUPLICATE_CALL = error(
    "O805", '"{name}" exists already, in {other}', "rename one of them, or change it in an overlay"
)
UNKNOWN_CALL = error("O806", 'no Millennium call is named "{name}"', "see docs/millennium.md")
UNKNOWN_ELEMENT = error(
    "O807", "{resource} has no element `{path}` in FHIR R4", "see http://hl7.org/fhir/R4"
)
NO_RULES = error(
    "O808",
    "the call writes {resource}, and there are no rules for that resource",
    "write them in transforms/millennium/resources",
)
CALL_SHAPE = error("O809", "the call {problem}", "see docs/millennium.md")

# -- destinations of channels --

NOT_COMPOSABLE = error(
    "O812",
    "the call {name} is not made of a message: {reason}",
    "name calls that write resources; look-ups are made by themselves",
)
TWO_CALLS = error("O813", "{name} and {other} both write {resource}", "leave one of them out")
UNKNOWN_FIELD = error(
    "O814",
    "`unmapped` names {field}, which no call of this destination resolves",
    "name a field such as Observation.code",
)
NOT_A_POLICY = error(
    "O815",
    '"{policy}" is no way to treat an unmapped code',
    "write reject, hold, text, pass, or fixed and what is sent: `fixed meaning:INPATIENT` in every "
    "tenant, `fixed 1234` a code value of one",
)
GAP = error(
    "O816",
    "{messages} come to {destination}, and Millennium cannot {cannot}",
    "send them by another destination of the channel, or name them under `accept_gaps`",
)
NO_SUCH_GAP = error(
    "O817",
    "`accept_gaps` names {word}, of which Millennium can be told all, or which is not known",
    "name an event such as A02 or a type such as ORM from docs/millennium.md",
)

CANNOT_CALL = error(
    "O818",
    "{name} cannot be called at the tenant {tenant}: {reason}",
    "leave the call out, or complete the tenant in environments/",
)

FIXED_SYSTEM = error(
    "O819",
    "`{policy}` names no code that Millennium takes in {field}, but codes of {systems}",
    "write `fixed SYSTEM|CODE`",
)

# -- composing --

LEFT_OUT = Code(
    "O820",
    Severity.INFO,
    "Millennium takes no {fields} in {resource}: left out",
    "send them by another destination of the channel where they matter",
)
NOT_SENT = Code(
    "O821",
    Severity.INFO,
    "no call of {destination} writes {types}",
    "name a call for them under `calls`, or send them by another destination",
)
CANNOT_SEND = error(
    "O822",
    "{resource} cannot be sent to {destination}: it needs {what}",
    "ask the sender for it, or give it in the maps",
)
VALUE_LEFT_OUT = warning(
    "O823", "{field} is left out: {reason}", "ask the sender, or change the map"
)
SKIPPED = Code(
    "O825",
    Severity.INFO,
    "{resource} is not sent to {destination}: {reason}",
    "send it by another destination where it matters",
)
GAP_SENT = Code(
    "O826",
    Severity.INFO,
    "Millennium cannot {cannot}; what it is sent: {sent}",
    "the rest goes by another destination of the channel",
)
NO_IDENTIFIER = warning(
    "O824",
    "{resource} has no identifier with a system, so Millennium cannot be asked for it",
    "name the assigning authority in the channel's `authorities`",
)

# -- code values --

CODE_STOOD_IN = warning(
    "O830",
    "{field}: the sender's code has no value in Millennium; {sent} is sent in its place",
    "add it to the alias table (`engine tables missing` lists such codes)",
)
NO_STANDARD = error(
    "O831",
    "{field}: the code is of no system that Millennium takes there ({systems})",
    "map it in codevalues/standard, or choose another policy under `unmapped`",
)
FIXED_UNUSABLE = error(
    "O827",
    "{field} has a code without a value, and the fixed value {value} is no active code value of "
    "code set {code_set} in the tenant's snapshot",
    "correct `unmapped` of the destination, or take the snapshot anew; then `engine reload`",
)
