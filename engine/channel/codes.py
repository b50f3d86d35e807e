"""Pure. The problems a channel file can have, C410 to C499. Codes are never reused."""

from engine.diagnostics import Code, Severity, error, warning

# -- one option against its specification --

UNKNOWN_OPTION = error(
    "C410", 'unknown option "{option}" of {owner}', "see the option table in docs/channels.md"
)
MISSING_OPTION = error("C411", "{owner} needs the option `{option}`", "add it")
WRONG_KIND = error(
    "C412", "`{option}` must be {expected}, not {found}", "see the option in docs/channels.md"
)
NOT_A_NUMBER = error("C413", "`{option}` must be {expected}", "write a plain number, no unit")
OUT_OF_RANGE = error("C414", "`{option}` must be {expected}", "choose a value in the range")
NOT_A_CHOICE = error("C415", '`{option}` cannot be "{value}"', "write one of the known values")
BAD_FORM = error(
    "C416",
    "`{option}` is not {expected}: {problem}",
    "see the option in docs/channels.md, of an environment in docs/environments.md",
)
ONE_VARIANT = error(
    "C417", "{owner} needs exactly one type, one of: {choices}", "write one of them as the key"
)
EMPTY_LIST = error("C418", "`{option}` has no entry", "write at least one, or leave the option out")

# -- values from outside --

ENVIRONMENT_UNSET = error(
    "C420",
    "the environment variable {name} is not set",
    "set it, or give a default: ${env:NAME:default}",
)
REFERENCE_SYNTAX = error(
    "C421",
    "this is not a reference: {problem}",
    "write ${env:NAME}, ${env:NAME:default}, ${secret:env:NAME} or ${secret:file:/path}",
)
REFERENCE_NOT_ALLOWED = error(
    "C422",
    "`{option}` takes no {kind} reference",
    "write the value; docs/channels.md marks the options that take references",
)
SECRET_LITERAL = error(
    "C423",
    "`{option}` is secret and must not be written in the file",
    "write ${secret:env:NAME} or ${secret:file:/path}, and change the secret that was here",
)

# -- options that depend on each other --

TLS_PAIR = error(
    "C430", "`{present}` is given without `{missing}`", "a certificate and its key come in pairs"
)
CAPABILITY_MISSING = error(
    "C431",
    "{option}: {value} needs the capability {capability}, which this destination is said to lack",
    "add it to `capabilities` when the server has it, or choose another form",
)
CANNOT_TAKE = error(
    "C432", "the destination {destination} cannot take {made}", "change the map or the destination"
)
NO_DESTINATION = warning(
    "C433", "the channel has no destination: messages are only stored", "add `destinations:`"
)
DELIVERED_NOWHERE = error(
    "C434",
    "`acknowledge: delivered` on a channel without a destination would never be answered",
    "add a destination, or acknowledge `stored` or `transformed`",
)
DUPLICATE_DESTINATION = error(
    "C435", 'two destinations of this channel are named "{name}"', "names tell deliveries apart"
)
RETRY_ORDER = error(
    "C436",
    "`initial_seconds` is longer than `maximum_seconds`",
    "the delay grows from the one to the other",
)

# -- route, filter, map, tests --

PATH_FORM = error("C440", "{what} is not usable here", "write a path such as PID-3[type=MR].1")
ROUTE_PATH = error(
    "C442", "a route reads only MSH, not {path}", "use a filter for the rest of the message"
)
ROUTE_VALUE = warning(
    "C443", 'HL7 knows no {what} "{value}"', "no standard message will take this route"
)
FILTER_FORM = error(
    "C444", "a filter cannot use {what}", "use paths, literals, `and`, `or`, `not`, `in`, `matches`"
)
UNKNOWN_MAP = error("C445", 'there is no message map "{name}"', "see transforms/hl7v2/messages")
UNKNOWN_OVERLAY = error(
    "C446", 'there is no overlay folder "{name}"', "overlay folders lie beside channels/"
)
TEST_FORM = error("C447", "this test {problem}", "see Tests in docs/channels.md")

FILTERED = Code(
    "C448",
    Severity.INFO,
    "the channel's filter did not let it pass: {tests}",
    "it was meant to be left out; else change the filter and replay",
)

# -- across channels --

DUPLICATE_CHANNEL = error(
    "C450", 'the channel "{name}" is also in {other}', "channel names are unique"
)
PORT_CLASH = error(
    "C451",
    'port {port} is also taken by the channel "{other}" in {file}',
    "use another port, or the same listener block in both and routes that tell them apart",
)
LISTENERS_DIFFER = error(
    "C452",
    'the channel "{other}" in {file} shares this listener, but `{option}` differs',
    "channels on one listener write the same listener block",
)
ROUTES_OVERLAP = error(
    "C453",
    'some messages match this route and that of the channel "{other}" in {file}',
    "make the routes differ in the values of at least one field",
)
UNREACHABLE = error(
    "C454",
    'this channel gets no message: the channel "{other}" in {file} takes all that match its route',
    "make the routes differ in the values of at least one field",
)
SHARED_FOLDER = error(
    "C455",
    'the file destination "{destination}" writes into the folder that "{other}" polls',
    "use separate folders",
)
PREPROCESS_FORM = error(
    "C457",
    "a preprocess rule cannot use {what}",
    "name one field, repetition or component; values are texts, paths and functions of text",
)
PREPROCESS_OF_DOCUMENTS = error(
    "C458",
    "this channel takes documents alone, and a preprocess rule edits messages of HL7 v2",
    "take the rule out: what differs in documents is said by `overlays`, in their folder cda/",
)
NOT_OF_DOCUMENTS = warning(
    "C459",
    "this channel takes documents alone, and none has {path}",
    "see what conditions read of a document in docs/channels.md, Documents",
)
NO_CHANNEL = error("C456", "there is no channel file", "write channels/NAME.yaml")

# -- environments --

UNKNOWN_ENVIRONMENT = error(
    "C470", 'there is no environment "{name}"', "environments are the files of environments/"
)
FILE_NAME = error(
    "C471",
    "the environment {name} stands in {file}",
    "the file is named after the environment: rename one of them",
)
TENANT_CLASS = error(
    "C472",
    "the tenant {tenant} is of class {kind}, its environment of class {environment}",
    "a tenant belongs in the environment of its class; production is never mixed with others",
)
CLASS_MISMATCH = error(
    "C473",
    "{what} is of class {serves}, but this tenant says class {kind}",
    "write the address of this environment, or move the tenant to the right one",
)
PRODUCTION_CREDENTIAL = error(
    "C474",
    "`{option}` is that of production, written in {file} too",
    "get a credential of its own for this environment; production's is used nowhere else",
)
CLIENT_SHARED = warning(
    "C475",
    "`{option}` is also that of production in {file}",
    "one client with a secret or key of its own for each environment, or better two clients",
)
PLAIN_HTTP_PRODUCTION = error(
    "C476",
    "production at {host} is addressed without TLS",
    "write https://: tokens and patients' data must not cross a network in the open",
)
PLAIN_HTTP = warning(
    "C477", "{host} is addressed without TLS", "write https://, or keep to this machine"
)
TOKEN_TENANT = error(
    "C478",
    "the token URL is that of the tenant {other}, not of {tenant}",
    "correct it, or leave the option out: it is discovered",
)
CREDENTIAL_MISSING = error(
    "C479",
    "`method: {method}` needs `{option}`",
    "add it as a reference, or choose the other method",
)
CREDENTIAL_UNUSED = warning(
    "C480", "`method: {method}` does not use `{option}`", "leave it out, or change the method"
)
AUTHORIZATION_MISSING = error(
    "C481",
    "a tenant of class {kind} needs `authorization`",
    "only the open sandbox answers without a token",
)
NO_ENVIRONMENT = error(
    "C482",
    "the destination {destination} names a tenant, but no environment is in force",
    "say --env NAME, set ENGINE_ENVIRONMENT, or keep a single file in environments/",
)
UNKNOWN_TENANT = error(
    "C483",
    'the environment {environment} has no tenant "{tenant}"',
    "name one of its tenants, or add it to the environment",
)
TWO_AUTHORIZATIONS = error(
    "C484",
    "`authorization` beside a bearer token or an Authorization header",
    "keep one of them: a request has one Authorization header",
)
CALL_IMPOSSIBLE = error(
    "C485",
    "the call {call} cannot be made at the tenant {tenant}: {capability} is off there",
    "do what the environment says in its place, and leave the call out",
)
CALL_NARROWED = warning(
    "C486",
    "at the tenant {tenant} the call {call} finds and creates, and changes nothing: {capability} "
    "is off there",
    "do what the environment says in its place",
)
DESTINATION_CLASS = error(
    "C487",
    "{host} is of class {serves}, and so is not for the environment {environment}",
    "write the address as ${env:NAME}, so that each environment has its own",
)
LISTED_SCOPES = warning(
    "C488",
    "`scopes` of the tenant {tenant} lack {missing}, which the calls of the channels need",
    "add them there and register the client for them, or write `scopes: auto`",
)

# -- the console --

CONSOLE_EXPOSED = error(
    "C490",
    "the console would listen on {address} without TLS",
    "give it `tls:`, or say `url: https://...` when a proxy before it has TLS",
)
MAIL_IN_CLEAR = error(
    "C492",
    "the password of the mail server would be sent in the clear",
    "use security: starttls or tls",
)
ISSUER_WITHOUT_TLS = error(
    "C491",
    "the OpenID provider {host} is addressed without TLS",
    "write https://: who answers there decides who may sign in",
)
