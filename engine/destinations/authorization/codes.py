"""Rim. Why there is no token: S770 to S789. Codes are never reused.

The words of the vendor's token host are those of report section 2; a text never holds a secret, a
token or an answer's body.
"""

from engine.diagnostics import error

CLIENT_REFUSED = error(
    "S770",
    "the token endpoint does not accept the client {client}{instance}",
    "compare client id and secret with the registration; for private_key_jwt register the key that "
    "`engine jwks` prints under the same key id, and check this machine's clock",
)
PROOF_NOT_UNDERSTOOD = error(
    "S771",
    "the token endpoint does not understand how the client {client} proves itself{instance}",
    "choose the `method` that the client is registered with",
)
TENANT_REFUSED = error(
    "S772",
    "the token endpoint does not know this tenant for the client {client}{instance}",
    "compare `tenant` with the site's; the site must have enabled the client for it",
)
NO_SCOPE_GRANTED = error(
    "S773",
    "none of the scopes asked for is granted to the client {client}: {scopes}{instance}",
    "register the client for them; a client registered for the other version of SMART scopes gets "
    "none: try `scope_syntax`",
)
GRANT_REFUSED = error(
    "S774",
    "the client {client} may not use client credentials{instance}",
    "register it as a system account, not as an application of users",
)
REFUSED = error(
    "S775",
    "the token endpoint refuses the client {client}: {reason}{instance}",
    "ask the vendor's support, with the correlation id where there is one",
)
UNREACHABLE = error(
    "S776",
    "{what} of {host} cannot be reached: {fault}",
    "check the address, name resolution, the firewall and the TLS authorities",
)
NOT_NOW = error(
    "S777",
    "the token endpoint of {host} answers {status}",
    "wait: it is asked again, at most once a minute",
)
ANSWER_UNREADABLE = error(
    "S778",
    "{what} of {host} answers what cannot be read: {problem}",
    "check that the address is that of the service and not of a proxy",
)
NO_DISCOVERY = error(
    "S779",
    "{host} has no smart-configuration below this service root (status {status})",
    "correct `fhir` and `tenant`, or write `token_url`; the open sandbox has none",
)
ENDPOINT_REFUSED = error(
    "S780",
    "the discovered token endpoint at {host} is not used: {problem}",
    "check the service root; write `token_url` when the endpoint is right",
)
METHOD_NOT_OFFERED = error(
    "S781",
    "{host} offers no {what} {value}, but {offered}",
    "choose one that is offered, and register the client with it",
)
SCOPES_TRIMMED = error(
    "S782",
    "the token of the client {client} lacks {missing}, which this call needs; granted: {granted}",
    "register the client for the scopes that are missing; a change takes some minutes to arrive",
)
TOKEN_REFUSED = error(
    "S783",
    "the API refuses the token of the client {client} even after a renewal",
    "check that the client is enabled for the tenant, and that token and API are of one "
    "environment",
)
KEY_UNUSABLE = error(
    "S784",
    "the private key {reference} cannot be used: {problem}",
    "give an RSA key of 2048 bits or more for RS384, a P-384 key for ES384, as PEM or JWK",
)
SECRET_ABSENT = error(
    "S785",
    "the secret {reference} cannot be read",
    "set the variable, or check that the file is there and readable",
)
