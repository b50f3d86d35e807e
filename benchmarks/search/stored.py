"""A store filled directly, without an engine: messages of many patients in every state."""

import hashlib
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from engine.pipeline.states import FailureClass, State, Verdict
from engine.store.interface import (
    LaneLease,
    Log,
    NewDelivery,
    Outcome,
    Processed,
    Receipt,
    Run,
    StateBatch,
    StateStore,
)
from engine.store.open_store import open_log, open_state

TURN = 500
SECONDS_BETWEEN = 2.6
"""A million messages are thirty days."""
START = 1_790_000_000.0
CHANNELS = 20
MESSAGES_PER_PATIENT = 8
RESOURCES = 12
TYPES = (
    ("ADT^A08", 40), ("ORU^R01", 25), ("ADT^A01", 8), ("ADT^A03", 7), ("ORM^O01", 8),
    ("SIU^S12", 5), ("MDM^T02", 4), ("VXU^V04", 2), ("DFT^P03", 1),
)  # fmt: skip
CODES = ("T512", "T503", "T566", "http-422", "http-503", "connect-refused")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a message can be found by."""

    number: int
    channel: str
    message_type: str
    mrn: str
    visit: str
    order: str
    control_id: str
    resource_ids: tuple[str, ...]
    request_id: str
    failed: str
    """A code, or nothing."""

    @property
    def raw(self) -> bytes:
        """The message."""
        return (
            f"MSH|^~\\&|REG|NORTH|HUB|HUB|20260105083000||{self.message_type}|{self.control_id}|P"
            f"|2.5.1\rPID|1||{self.mrn}^^^NORTH^MR||Muster{self.number % 97}^Anna||19800101"
            f"|{'MFX'[self.number % 50 // 24]}\rPV1|1|I|{self.number % 9}W|||||||||||||||"
            f"|{self.visit}\rNTE|1||note {self.number % 1000}\r"
        ).encode()


def facts(number: int, total: int) -> Facts:
    """The same for the same numbers."""
    chance = random.Random(number)
    patient = chance.randrange(max(1, total // MESSAGES_PER_PATIENT))
    kind = chance.choices([one for one, _ in TYPES], [weight for _, weight in TYPES])[0]
    own = [str(uuid.UUID(int=chance.getrandbits(128))) for _ in range(RESOURCES - 4)]
    shared = [str(uuid.UUID(int=patient * 10 + n)) for n in range(2)]
    shared += [str(uuid.UUID(int=10**12 + chance.randrange(500))) for _ in range(2)]
    return Facts(
        number=number,
        channel=f"channel_{chance.randrange(CHANNELS):02}",
        message_type=kind,
        mrn=f"{1_000_000 + patient}",
        visit=f"V{patient * 3 + chance.randrange(3)}",
        order=f"F{number}",
        control_id=f"MSG{number:09}",
        resource_ids=(*own, *shared),
        request_id=f"req-{chance.getrandbits(64):016x}",
        failed=chance.choice(CODES) if chance.random() < 0.01 else "",
    )


@dataclass
class Filler:
    """Fills one store."""

    url: str
    total: int
    log: Log = field(init=False)
    state: StateStore = field(init=False)
    lease: LaneLease = field(init=False)

    def fill(self) -> Iterator[int]:
        """Store all messages; gives how many are stored, now and then."""
        self.log, self.state = open_log(self.url), open_state(self.url)
        self.lease = self.state.acquire("benchmark", 36_000.0, 1.0)
        for first in range(0, self.total, TURN):
            turn = [facts(number, self.total) for number in range(first, first + TURN)]
            self.log.append([self._receipt(one) for one in turn])
            while self.state.follow(TURN):
                pass
            self._process({one.control_id: one for one in turn})
            if first % 20_000 == 0:
                yield first
        self.log.close()
        self.state.close()

    def _receipt(self, one: Facts) -> Receipt:
        duplicate = one.number % 50 == 49
        return Receipt(
            channel=one.channel,
            received_at=START + one.number * SECONDS_BETWEEN,
            source="mllp 10.1.4.7:51022",
            raw=one.raw,
            sha256=hashlib.sha256(one.raw).digest(),
            control_id=one.control_id,
            message_type=one.message_type,
            lanes=(f"patient {one.mrn}",),
            verdict=Verdict.DUPLICATE if duplicate else Verdict.NEW,
            runnable=not duplicate,
            acknowledgment=b"MSA|AA",
            acknowledgment_code="AA",
        )

    def _process(self, turn: dict[str, Facts]) -> None:
        runs = self.state.new_runs(self.lease, TURN)
        pairs = [(run, turn[run.control_id]) for run in runs]
        made = self._commit(processed=[_processed(run, one) for run, one in pairs])
        outcomes = [
            _outcome(delivery_id, one) for run, one in pairs for delivery_id in made[run.run_id]
        ]
        self._commit(outcomes=outcomes)

    def _commit(self, **parts: object) -> dict[int, list[int]]:
        return self.state.commit(StateBatch(lease=self.lease, now=START, **parts))  # type: ignore[arg-type]


def _processed(run: Run, one: Facts) -> Processed:
    if one.failed.startswith("T"):
        problem = {"code": one.failed, "severity": "error", "message": "no entry", "path": "PID-8"}
        return Processed(
            run_id=run.run_id,
            state=State.ERROR,
            diagnostics=(problem,),
            search_keys=_keys(one),
            event_at=run.received_at - 30,
        )
    entries = ",".join(f'{{"fullUrl":"urn:uuid:{found}"}}' for found in one.resource_ids)
    body = f'{{"resourceType":"Bundle","entry":[{entries}]}}'.encode()
    return Processed(
        run_id=run.run_id,
        state=State.TRANSFORMED,
        deliveries=(
            NewDelivery(destination="records", content_type="application/fhir+json", body=body),
        ),
        search_keys=_keys(one),
        resource_ids=one.resource_ids,
        event_at=run.received_at - 30,
    )


def _keys(one: Facts) -> tuple[tuple[str, str], ...]:
    return (("mrn", one.mrn), ("visit", one.visit), ("order", one.order))


def _outcome(delivery_id: int, one: Facts) -> Outcome:
    failed = bool(one.failed)
    return Outcome(
        delivery_id=delivery_id,
        number=1,
        started_at=START,
        finished_at=START,
        state=State.ERROR if failed else State.SENT,
        failure_class=FailureClass.PERMANENT if failed else None,
        failure_code=one.failed,
        status="422" if failed else "200",
        response=f"200\nX-Request-Id: {one.request_id}\n\n".encode(),
        answer_ids=(one.request_id,),
    )
