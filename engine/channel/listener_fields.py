"""Pure. The options of listeners: MLLP, HTTP, folder. Feeds lint, documentation and JSON Schema."""

from engine.channel import codes, forms
from engine.channel.connection import TlsConfig
from engine.channel.fields import ComponentSpec, FieldSpec, Kind, PlaceOf, Values
from engine.channel.model import DirectoryListenerConfig, HttpListenerConfig, MllpListenerConfig
from engine.diagnostics import Diagnostic


def _check_listener_tls(values: Values, place: PlaceOf) -> list[Diagnostic]:
    found = []
    for present, missing in (("certificate", "key"), ("key", "certificate"), ("ca", "certificate")):
        if values[present] and not values[missing]:
            found.append(codes.TLS_PAIR(place(present), present=present, missing=missing))
    if not any(values.values()):
        found.append(codes.TLS_PAIR(place(""), present="tls", missing="certificate"))
    return found


def tls_file(name: str, description: str) -> FieldSpec:
    """A PEM file option."""
    return FieldSpec(
        name=name,
        description=description,
        example=f"/etc/engine/{name}.pem",
        environment=True,
        form=forms.check_not_empty,
        form_name="a file name",
    )


LISTENER_TLS = ComponentSpec(
    key="tls",
    title="TLS of the listener",
    summary="Encrypts the port. Files are read again when they change; connections stay.",
    model=TlsConfig,
    fields=(
        tls_file("certificate", "PEM file of the certificate with its chain."),
        tls_file("key", "PEM file of its private key."),
        tls_file("ca", "PEM file of authorities; clients must then show a certificate of theirs."),
    ),
    checks=(_check_listener_tls,),
)


def port(description: str) -> FieldSpec:
    """A TCP port."""
    return FieldSpec(
        name="port",
        kind=Kind.INTEGER,
        description=description,
        example="2575",
        required=True,
        minimum=1,
        maximum=65535,
        environment=True,
    )


ADDRESS = FieldSpec(
    name="address",
    description="IP address to listen on; 0.0.0.0 for all.",
    example="0.0.0.0",  # noqa: S104  an example in the documentation
    environment=True,
    form=forms.check_address,
    form_name="an IP address",
)
TLS = FieldSpec(
    name="tls",
    kind=Kind.OBJECT,
    description="Encrypt the port, and ask for client certificates when `ca` is given.",
    component=LISTENER_TLS,
)
ALLOW = FieldSpec(
    name="allow",
    kind=Kind.LIST,
    description="Networks that may connect; without it all may.",
    example="[10.20.0.0/16]",
    item=FieldSpec(
        name="",
        description="A CIDR network.",
        environment=True,
        form=forms.check_network,
        form_name="a CIDR network",
    ),
)


def count(name: str, description: str, maximum: float, minimum: float = 1) -> FieldSpec:
    """A limit that counts something."""
    return FieldSpec(
        name=name,
        kind=Kind.INTEGER,
        description=description,
        minimum=minimum,
        maximum=maximum,
        environment=True,
    )


def seconds(
    name: str, description: str, *, minimum: float = 0.1, maximum: float = 86400
) -> FieldSpec:
    """A time limit."""
    return FieldSpec(
        name=name,
        kind=Kind.NUMBER,
        description=description,
        minimum=minimum,
        maximum=maximum,
        environment=True,
    )


MLLP_LISTENER = ComponentSpec(
    key="mllp",
    title="the MLLP listener",
    summary="An MLLP port. Channels may share one: the same block in each, told apart by `route`.",
    model=MllpListenerConfig,
    fields=(
        port("TCP port."),
        ADDRESS,
        TLS,
        ALLOW,
        count("connections_max", "Connections at the same time.", 100_000),
        count("frame_bytes_max", "A larger frame is refused and the connection closed.", 2**31),
        seconds("frame_timeout_seconds", "A frame that has begun must be complete in this time."),
        seconds(
            "idle_timeout_seconds",
            "A connection without a byte for this long is closed.",
            maximum=30 * 86400,
        ),
        FieldSpec(
            name="final_cr_required",
            kind=Kind.BOOLEAN,
            description="Whether CR must follow FS; false for senders that leave it out.",
        ),
        FieldSpec(
            name="junk_between_frames",
            kind=Kind.BOOLEAN,
            description="Record and skip bytes between frames, in place of closing.",
        ),
    ),
)
HTTP_LISTENER = ComponentSpec(
    key="http",
    title="the HTTP listener",
    summary="POST a message or a batch, get the acknowledgment back; or a C-CDA document, a form "
    "or an archive of documents, and get JSON back.",
    model=HttpListenerConfig,
    fields=(
        port("TCP port."),
        ADDRESS,
        FieldSpec(
            name="path",
            description="URL path that takes messages.",
            example="/hl7/adt",
            form=forms.check_url_path,
            form_name="a URL path",
        ),
        TLS,
        ALLOW,
        count("connections_max", "Connections at the same time.", 100_000),
        count("body_bytes_max", "A larger body is refused with 413.", 2**31),
        seconds("request_timeout_seconds", "A request must be complete within this time."),
    ),
)
DIRECTORY_LISTENER = ComponentSpec(
    key="directory",
    title="the folder listener",
    summary="A folder polled for files with a message, a batch, a document or an archive each.",
    model=DirectoryListenerConfig,
    fields=(
        FieldSpec(
            name="path",
            description="The folder.",
            example="/data/in",
            required=True,
            environment=True,
            form=forms.check_not_empty,
            form_name="a folder",
        ),
        FieldSpec(
            name="pattern",
            description="Names taken, with * and ?; several with commas. Archives (*.zip, XDM too) "
            "hold documents, each a message of its own.",
            example='"*.xml, *.zip"',
            form=forms.check_glob,
            form_name="a name pattern",
        ),
        seconds("poll_seconds", "Time between looks."),
        seconds(
            "settle_seconds",
            "A file is taken when its size has not changed for this long.",
            minimum=0,
        ),
        FieldSpec(
            name="done",
            description="Sub-folder for files taken in.",
            form=forms.check_folder_name,
            form_name="a sub-folder",
        ),
        FieldSpec(
            name="failed",
            description="Sub-folder for files refused.",
            form=forms.check_folder_name,
            form_name="a sub-folder",
        ),
        count("file_bytes_max", "A larger file is refused.", 2**33),
    ),
)
LISTENERS = (MLLP_LISTENER, HTTP_LISTENER, DIRECTORY_LISTENER)
