"""Rim. `engine simulate millennium | fhir | mllp`: simulated receivers on a port."""

import asyncio
import signal
import ssl
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from engine.cli.terminal import Exit, data_json, fail, note

if TYPE_CHECKING:
    from engine.simulator.millennium.fault_rules import FaultRule
    from engine.simulator.millennium.options import RegisteredClient
    from engine.simulator.millennium.server import MillenniumSimulator

app = typer.Typer(
    help="Simulated receivers for tests and training; their data is synthetic.",
    no_args_is_help=True,
)
PAGE = "docs/simulator.md"
Word = TypeVar("Word", bound=StrEnum)


Port = Annotated[int, typer.Option(help="0: any free port.", min=0, max=65535)]
Address = Annotated[str, typer.Option(help="Where to listen.")]
Certificate = Annotated[Path | None, typer.Option(help="PEM; serves HTTPS.")]
Key = Annotated[Path | None, typer.Option(help="PEM of the certificate's key.")]
Tenants = Annotated[list[str] | None, typer.Option(help="May be repeated.")]
Clients = Annotated[list[str] | None, typer.Option(help="ID:SECRET of a client; may be repeated.")]
ClientKeys = Annotated[
    list[str] | None,
    typer.Option(help="ID=FILE with the public keys (JWKS) of a client; may be repeated."),
]
Withheld = Annotated[
    list[str] | None, typer.Option(help="A scope no client is registered for; may be repeated.")
]
Persona = Annotated[str, typer.Option(help="system, the only one there is.")]
Syntax = Annotated[str, typer.Option(help="v1 or v2: syntax of the scopes.")]
Unsupported = Annotated[str, typer.Option(help="ignore or 422.")]
ErrorsLike = Annotated[str, typer.Option(help="documented or observed.")]
NoIfMatch = Annotated[str, typer.Option(help="412 or accept; 412 for an Appointment always.")]
Repeating = Annotated[
    bool, typer.Option("--repeat-across-pages", help="An entry may come on two pages.")
]
Lifetime = Annotated[int, typer.Option(help="Seconds a token lives.", min=1)]
ShortFaults = Annotated[
    list[str] | None,
    typer.Option(help="503,share=0.2,seed=7,method=POST,path=*/Patient; may be repeated."),
]
FaultFile = Annotated[Path | None, typer.Option(help="JSON file with fault rules.")]
State = Annotated[Path | None, typer.Option(help="File that keeps the resources between runs.")]
Record = Annotated[
    Path | None, typer.Option(help="Folder that calls under /custom/ are recorded into.")
]
RecordFrom = Annotated[str, typer.Option(help="URL of the service to record.")]
Replay = Annotated[
    Path | None, typer.Option(help="Folder that calls under /custom/ are answered from.")
]


@app.command()
def millennium(
    port: Port = 9000,
    address: Address = "127.0.0.1",
    tls_cert: Certificate = None,
    tls_key: Key = None,
    tenant: Tenants = None,
    client: Clients = None,
    client_jwks: ClientKeys = None,
    withhold: Withheld = None,
    persona: Persona = "system",
    smart: Syntax = "v2",
    unsupported_fields: Unsupported = "ignore",
    errors: ErrorsLike = "documented",
    missing_if_match: NoIfMatch = "accept",
    repeat_across_pages: Repeating = False,
    token_lifetime: Lifetime = 570,
    fault: ShortFaults = None,
    faults: FaultFile = None,
    state: State = None,
    record: Record = None,
    record_from: RecordFrom = "",
    replay: Replay = None,
) -> None:
    """Serve a simulated Millennium: FHIR R4, token host and EHR API of several tenants."""
    from engine.simulator.millennium.options import (
        Errors,
        MissingIfMatch,
        SimulatorOptions,
        Smart,
        UnsupportedFields,
    )
    from engine.simulator.millennium.server import MillenniumSimulator

    if persona != "system":
        fail(Exit.USAGE, "--persona is system: no other is simulated")
    if (tls_cert is None) != (tls_key is None):
        fail(Exit.USAGE, "--tls-cert and --tls-key go together")
    for file in (tls_cert, tls_key):
        if file is not None and not file.is_file():
            fail(Exit.ENVIRONMENT, f"{file} is not there")
    try:
        options = SimulatorOptions(
            address=address,
            port=port,
            tls_certificate=tls_cert,
            tls_key=tls_key,
            tenants=tuple(dict.fromkeys(tenant or ("sandbox",))),
            clients=_clients(client or [], client_jwks or [], frozenset(withhold or ())),
            smart=_word(Smart, smart, "--smart"),
            unsupported_fields=_word(UnsupportedFields, unsupported_fields, "--unsupported-fields"),
            errors=_word(Errors, errors, "--errors"),
            missing_if_match=_word(MissingIfMatch, missing_if_match, "--missing-if-match"),
            repeat_across_pages=repeat_across_pages,
            token_lifetime_seconds=token_lifetime,
            state_file=state,
            record_folder=record,
            record_from=record_from,
            replay_folder=replay,
        )
        simulator = MillenniumSimulator(options)
        simulator.faults.set(_rules(fault or [], faults))
    except ValueError as problem:
        fail(Exit.USAGE, str(problem))
    except OSError as problem:
        fail(Exit.ENVIRONMENT, str(problem))
    _run(simulator)


@app.command()
def fhir(
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8090,
    address: Address = "127.0.0.1",
    faults: FaultFile = None,
    refuse_future_births: Annotated[
        bool, typer.Option("--refuse-future-births", help="Refuse patients not yet born.")
    ] = False,
) -> None:
    """Serve a plain FHIR R4 server with all optional abilities, under /fhir."""
    import msgspec

    from engine.simulator.faults import read_rules
    from engine.simulator.fhir_server import FhirServer, run

    server = FhirServer(refuse_future_births=refuse_future_births)
    try:
        if faults is not None:
            server.faults.set(read_rules(faults.read_bytes()))
        note(f"FHIR R4 on http://{address}:{port}/fhir; Ctrl-C ends it")
        run(server, address=address, port=port)
    except (msgspec.MsgspecError, ValueError) as problem:
        fail(Exit.USAGE, str(problem))
    except OSError as problem:
        fail(Exit.ENVIRONMENT, str(problem))


@app.command()
def mllp(port: Port = 2577, address: Address = "127.0.0.1") -> None:
    """Take HL7 v2 messages over MLLP and say AA, as Open Engine would; prints counts at the end."""
    from engine.simulator.mllp_receiver import MllpReceiver

    async def serve() -> None:
        async with MllpReceiver(address=address, port=port) as receiver:
            note(f"MLLP on mllp://{address}:{receiver.port}; Ctrl-C ends it")
            await _told_to_end()
        data_json({"received": receiver.counts.total(), **receiver.counts})

    try:
        asyncio.run(serve())
    except OSError as problem:
        fail(Exit.ENVIRONMENT, f"cannot listen on {address}:{port}: {problem.strerror or problem}")


def _clients(
    secrets: list[str], jwks: list[str], withheld: frozenset[str]
) -> "tuple[RegisteredClient, ...]":
    from engine.simulator.millennium.options import CLIENT_ID, CLIENT_SECRET, RegisteredClient

    known: dict[str, RegisteredClient] = {}
    for text in secrets or ([] if jwks else [f"{CLIENT_ID}:{CLIENT_SECRET}"]):
        client_id, mark, secret = text.partition(":")
        if not client_id or not mark or not secret:
            raise ValueError("--client is ID:SECRET")
        known[client_id] = RegisteredClient(client_id=client_id, secret=secret, withheld=withheld)
    for text in jwks:
        client_id, _, name = text.partition("=")
        if not client_id or not name:
            raise ValueError("--client-jwks is ID=FILE")
        keys = _keys(Path(name))
        before = known.get(client_id)
        known[client_id] = RegisteredClient(
            client_id=client_id,
            secret=before.secret if before else "",
            jwks=keys,
            withheld=withheld,
        )
    return tuple(known.values())


def _keys(file: Path) -> "dict[str, Any]":
    """The public keys of a file. Raises ValueError for one that holds none."""
    import orjson
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    try:
        keys: dict[str, Any] = orjson.loads(file.read_bytes())
        KeySet.import_key_set(keys)  # type: ignore[arg-type]
    except (JoseError, KeyError, TypeError, ValueError):
        raise ValueError(f"{file} is no JWKS") from None
    return keys


def _word(known: type[Word], text: str, option: str) -> Word:
    """One of the words of an option. Raises ValueError that names them."""
    try:
        return known(text)
    except ValueError:
        words = " or ".join(one.value for one in known)
        raise ValueError(f"{option} is {words}, not {text}") from None


def _rules(short: list[str], file: Path | None) -> "list[FaultRule]":
    import msgspec

    from engine.simulator.millennium.fault_rules import Kind, parse_rule, read_rules

    try:
        rules = [parse_rule(text) for text in short]
    except msgspec.MsgspecError as problem:
        words = ", ".join(one.value for one in Kind)
        raise ValueError(f"--fault: {problem}; a status, or one of {words}") from None
    if file is not None:
        try:
            rules += read_rules(file.read_bytes())
        except msgspec.MsgspecError as problem:
            raise ValueError(f"{file}: {problem}") from None
    return rules


def _run(simulator: "MillenniumSimulator") -> None:
    options = simulator.options
    try:
        asyncio.run(_serve(simulator))
    except ssl.SSLError as problem:
        fail(Exit.ENVIRONMENT, f"certificate and key cannot be used: {problem.reason}")
    except OSError as problem:
        where = f"{options.address}:{options.port}"
        fail(Exit.ENVIRONMENT, f"cannot listen on {where}: {problem.strerror or problem}")


async def _told_to_end() -> None:
    """Ctrl-C, or a signal to end."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    await ended.wait()


async def _serve(simulator: "MillenniumSimulator") -> None:
    async with simulator:
        for name in simulator.options.tenants:
            note(f"FHIR R4  {simulator.fhir_root(name)}")
            note(f"EHR API  {simulator.ehr_api_root(name)}")
            note(f"token    {simulator.token_url(name)}")
        note(f"admin    {simulator.url}/_simulator/counts   (see {PAGE}); Ctrl-C ends it")
        await _told_to_end()
