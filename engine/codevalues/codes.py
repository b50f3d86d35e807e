"""Pure. The diagnostics of code values: V80x and V81x files, V82x lint, V84x a message's codes.

A text names files, code sets and fields; never a code that a message held.
"""

from engine.diagnostics import error, warning

# -- files --

FILE_PLACE = error(
    "V801",
    "this is no place for a file of code values: {problem}",
    "see the folders in docs/codevalues.md",
)
TABLE_SHAPE = error("V802", "{problem}", "see the columns in docs/codevalues.md")
LIMIT = error("V803", "there are more than {limit} {what}", "split the file, or leave out rows")
BAD_TARGET = error(
    "V804",
    '"{target}" is no portable target',
    "write cki:, concept_cki:, meaning: or display: and the key; a code value differs per tenant",
)
DUPLICATE_ALIAS = warning(
    "V805", 'the code "{code}" is written twice (the other is line {other})', "keep one of them"
)
AMBIGUOUS_ALIAS = warning(
    "V806",
    'the code "{code}" has a second target (the other is line {other}); messages with it are held',
    "keep one of them, or tell them apart by system or alias_meaning",
)
SNAPSHOT_HEADER = error(
    "V807",
    "this is no snapshot: {problem}",
    "take it anew with `engine tables snapshot`; --from FILE reads a site's own export",
)
SNAPSHOT_CHANGED = error(
    "V808",
    "the rows of this snapshot are not those that were taken: their sha256 differs",
    "take it anew with `engine tables snapshot`; do not edit it by hand",
)
SNAPSHOT_TWICE = error(
    "V809",
    "the code value {value} is there twice (the other is line {other})",
    "take the snapshot anew; a code value belongs to one code set",
)
REGISTRY_SHAPE = error("V810", "{problem}", "see the registry in docs/codevalues.md")
UNKNOWN_EQUIVALENCE = error(
    "V811",
    '"{word}" is no equivalence of FHIR R4',
    "write equivalent, equal, wider, narrower or another; empty means equivalent",
)
NOT_A_CONCEPT_MAP = error(
    "V812", "this is no ConceptMap of FHIR R4: {problem}", "see http://hl7.org/fhir/R4/conceptmap"
)
CONCEPT_MAP_LOSS = warning(
    "V813", "a table of aliases cannot hold {what}", "check the rows it was to apply to"
)

# -- lint: tables against the snapshot of a tenant, and against what FHIR elements bind --

TARGET_ABSENT = warning(
    "V820",
    "the snapshot {snapshot} has no code value {target} in code set {code_set}",
    "correct the target, or take the snapshot anew",
)
TARGET_INACTIVE = warning(
    "V821",
    "{target} is inactive in the snapshot {snapshot}; messages with this code are held",
    "choose an active code value",
)
TARGET_AMBIGUOUS = warning(
    "V822",
    "{target} names {count} code values of the snapshot {snapshot}; messages with it are held",
    "name the code value by its cki or concept_cki",
)
CODE_SET_ABSENT = warning(
    "V823",
    "the snapshot {snapshot} holds nothing of code set {code_set}",
    "take it anew with `engine tables snapshot --code-sets`",
)
CODE_SET_UNBOUND = warning(
    "V824",
    "no element of a resource that Millennium takes is bound to code set {code_set}",
    "check the file name: it is the number of the code set",
)
WRONG_CODE_SET = error(
    "V825",
    "{element} takes codes of code set {wanted}, not {code_set}",
    "name the code set that the element binds",
)
SNAPSHOT_STALE = warning(
    "V826",
    "the snapshot {snapshot} was taken {days} days ago",
    "take it anew with `engine tables snapshot`",
)
SNAPSHOT_OTHER_TENANT = error(
    "V827",
    "the snapshot was taken from the tenant {other}, but is used for {tenant}",
    "code values differ per tenant: take one of this tenant",
)
STANDARD_SENT = warning(
    "V828",
    "{element} would send LOINC and other standard codes, which Millennium refuses unless it has"
    " mapped them to event codes (code set 72)",
    "map them to code values, or choose hold",
)
UNKNOWN_SYSTEM = warning(
    "V829",
    'no coding system is called "{name}"; rows with it apply to codes sent with that very name',
    "name it in codevalues/registry.yaml, or write the URI",
)
SNAPSHOT_MISSING = warning(
    "V830",
    "there is no snapshot {file} of the tenant {tenant}: every mapped code is held",
    "take it with `engine tables snapshot`",
)
NO_ALIASES = warning(
    "V831",
    "{element} needs codes of code set {code_set}, and there is no table {table}: messages are"
    " held",
    "add the first row with `engine tables add`, or correct `contributor_source`",
)
FIXED_VALUE = warning(
    "V832",
    "{element}: the value fixed for unmapped codes, {value}, is no active code value of code set "
    "{code_set} in the snapshot {snapshot}: messages are held",
    "correct it, or take the snapshot anew with `engine tables snapshot`",
)

# -- a message's codes --

CODE_UNMAPPED = error(
    "V840",
    "the code has no row in {table} (code set {code_set})",
    "see `engine tables missing`; add it with `engine tables add`, then `engine reload`",
)
CODE_AMBIGUOUS = error(
    "V841",
    "the code has more than one target in {table} (code set {code_set})",
    "keep one of the rows, or tell them apart by system or alias_meaning; then `engine reload`",
)
CODE_INACTIVE = error(
    "V842",
    "the code value that {table} names is inactive in the snapshot (code set {code_set})",
    "choose an active code value, then `engine reload`",
)
CODE_UNBOUND = error(
    "V843",
    "the target that {table} names is not in the tenant's snapshot (code set {code_set})",
    "correct the target, or take the snapshot anew with `engine tables snapshot`",
)
