"""Messages put into a store as if they had come in, been processed and delivered."""

import hashlib
import time

from engine.pipeline.result import FHIR_JSON
from engine.pipeline.states import State
from engine.store.interface import NewDelivery, Outcome, Processed, Receipt, StateBatch
from engine.store.open_store import open_log, open_state


def deliver(url: str, *raws: str, state: State = State.SENT, channel: str = "adt") -> list[int]:
    """Store them; each makes one delivery to `ehr`, which ends so. Returns the message ids."""
    log, store = open_log(url), open_state(url)
    now = time.time()
    ids = log.append([_receipt(raw.encode(), channel, now) for raw in raws])
    lease = store.acquire("tests", 60.0, 1.0)
    store.follow(10_000)
    code = "" if state is State.SENT else "http-422"
    for run in store.new_runs(lease, 10_000):
        made = NewDelivery(destination="ehr", content_type=FHIR_JSON, body=b"{}")
        done = Processed(run_id=run.run_id, state=State.TRANSFORMED, deliveries=(made,))
        created = store.commit(StateBatch(lease=lease, processed=[done], now=now))
        (delivery_id,) = created[run.run_id]
        ended = Outcome(
            delivery_id=delivery_id,
            number=1,
            started_at=now,
            finished_at=now,
            state=state,
            failure_code=code,
        )
        store.commit(StateBatch(lease=lease, started=[delivery_id], now=now))
        store.commit(StateBatch(lease=lease, outcomes=[ended], now=now))
    store.release(lease)
    store.close()
    log.close()
    return ids


def _receipt(raw: bytes, channel: str, now: float) -> Receipt:
    return Receipt(
        channel=channel,
        received_at=now,
        source="tests",
        raw=raw,
        sha256=hashlib.sha256(raw).digest(),
        control_id=raw.decode(),
        message_type="ADT^A01",
        lanes=(raw.decode(),),
    )
