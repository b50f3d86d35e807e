"""The ledger on both databases: what is known, one create at a time, merges."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.millennium.identity.entries import (
    Claim,
    EntryState,
    KeyKind,
    LedgerEntry,
    LedgerKey,
)
from engine.pipeline.states import State
from engine.store.ledger_interface import LedgerStep

ROOT = "https://fhir.example/r4/tenant-a"
OTHER_ROOT = "https://fhir.example/r4/tenant-b"


def key(value, system="urn:oid:1.2.3", resource_type="Patient", kind=KeyKind.IDENTIFIER):
    return LedgerKey(kind=kind, resource_type=resource_type, system=system, value=value)


def known(found, resource_id, **given):
    return LedgerEntry(key=found, state=EntryState.KNOWN, id=resource_id, **given)


@pytest.fixture
def ledger(state):
    return state.ledger


def test_a_resource_is_found_by_each_of_its_keys_at_its_root_only(ledger):
    mrn, cmrn = key("4711"), key("99", system="urn:oid:9")
    entries = [known(each, "12", etag='W/"0"', verified_at=5.0) for each in (mrn, cmrn)]
    ledger.record(ROOT, entries)
    found = ledger.find(ROOT, [mrn, cmrn, key("other")])
    assert set(found) == {mrn, cmrn}
    assert found[cmrn] == entries[1]
    assert ledger.find(OTHER_ROOT, [mrn]) == {}
    assert ledger.find(ROOT, []) == {}
    assert ledger.known_ids(ROOT, "Patient", ["12", "13"]) == {"12"}
    assert ledger.known_ids(ROOT, "Encounter", ["12"]) == set()


def test_one_value_may_be_a_patients_and_a_visits_number(ledger):
    patient, visit = key("1"), key("1", resource_type="Encounter")
    ledger.record(ROOT, [known(patient, "p1"), known(visit, "e1")])
    found = ledger.find(ROOT, [patient, visit])
    assert (found[patient].id, found[visit].id) == ("p1", "e1")


def test_many_keys_are_found_in_one_call(ledger):
    keys = [key(f"{number:03}") for number in range(120)]
    ledger.record(ROOT, [known(each, each.value) for each in keys])
    assert {each.value: entry.id for each, entry in ledger.find(ROOT, keys).items()} == {
        each.value: each.value for each in keys
    }


def test_text_that_no_database_takes_whole_is_still_the_same_key(ledger):
    odd = key("A\u00df\u4e2d'--; DROP TABLE runs")
    ledger.record(ROOT, [known(odd, "12")])
    assert ledger.find(ROOT, [odd])[odd].id == "12"


def test_the_later_event_of_each_field_group_stays(ledger):
    mrn = key("4711")
    ledger.record(ROOT, [known(mrn, "12", applied={"demographics": 50.0, "address": 10.0})])
    ledger.record(ROOT, [known(mrn, "12", applied={"demographics": 40.0, "address": 20.0})])
    assert ledger.find(ROOT, [mrn])[mrn].applied == {"demographics": 50.0, "address": 20.0}


def test_an_unknown_outcome_is_kept_with_how_often_it_was_asked_for(ledger):
    once = key("f00", system="observation.record", kind=KeyKind.ONCE, resource_type="Observation")
    entry = LedgerEntry(key=once, state=EntryState.UNKNOWN, creates=1, probes=2)
    ledger.record(ROOT, [entry])
    assert ledger.find(ROOT, [once])[once] == entry
    ledger.record(ROOT, [known(once, "L-1")])
    assert ledger.find(ROOT, [once])[once].state is EntryState.KNOWN


# -- claims --


def test_a_key_is_claimed_by_one_delivery_at_a_time(ledger):
    mrn, cmrn = key("4711"), key("99")
    assert ledger.claim(ROOT, [mrn, cmrn], "d1", 60.0) is Claim.GRANTED
    assert ledger.claim(ROOT, [cmrn], "d2", 60.0) is Claim.REFUSED
    assert ledger.claim(OTHER_ROOT, [cmrn], "d2", 60.0) is Claim.GRANTED
    ledger.release(ROOT, [cmrn], "d2")  # not its own
    assert ledger.claim(ROOT, [cmrn], "d2", 60.0) is Claim.REFUSED
    ledger.release(ROOT, [mrn, cmrn], "d1")
    assert ledger.claim(ROOT, [cmrn], "d2", 60.0) is Claim.GRANTED


def test_a_refused_claim_takes_none_of_its_keys(ledger):
    free, taken = key("1"), key("2")
    ledger.claim(ROOT, [taken], "d1", 60.0)
    assert ledger.claim(ROOT, [free, taken], "d2", 60.0) is Claim.REFUSED
    assert ledger.claim(ROOT, [free], "d3", 60.0) is Claim.GRANTED


def test_a_claim_that_was_left_behind_is_taken_over_and_says_so(ledger):
    mrn = key("4711")
    ledger.claim(ROOT, [mrn], "d1", -1.0)
    assert ledger.claim(ROOT, [mrn], "d2", 60.0) is Claim.TAKEN_OVER
    assert ledger.claim(ROOT, [mrn], "d2", 60.0) is Claim.TAKEN_OVER, "its own, after a crash"
    assert ledger.claim(ROOT, [mrn], "d1", 60.0) is Claim.REFUSED


def test_recording_ends_the_claim_and_notes_the_step_at_once(ledger):
    mrn = key("4711")
    ledger.claim(ROOT, [mrn], "d1", 60.0)
    step = LedgerStep(delivery_id=1000, position=0, outcome="created Patient/12")
    ledger.record(ROOT, [known(mrn, "12")], owner="d1", step=step)
    ledger.record(ROOT, [], step=step)
    assert ledger.claim(ROOT, [mrn], "d2", 60.0) is Claim.GRANTED
    assert ledger.steps(1000) == {0: "created Patient/12"}
    assert ledger.steps(1001) == {}


def test_of_many_who_claim_at_once_one_gets_it(store, log):
    threads = 6
    start = threading.Barrier(threads)
    keys = [key("4711"), key("4712"), key("4713")]

    def claim(number):
        ledger = store.open_state().ledger
        own = keys if number % 2 else keys[::-1]
        start.wait()
        return ledger.claim(ROOT, own, f"d{number}", 60.0)

    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(claim, range(threads)))
    assert sorted(found) == [Claim.GRANTED, *[Claim.REFUSED] * (threads - 1)]


# -- merges --


def replaced(ledger, found):
    entry = ledger.find(ROOT, [found])[found]
    return entry.replaced_by if entry.state is EntryState.RETIRED else None


def test_what_is_merged_leads_to_the_survivor_with_all_its_keys(ledger):
    old, old_cmrn, new = key("OLD"), key("OLD-C", system="urn:oid:9"), key("NEW")
    ledger.record(ROOT, [known(old, "1"), known(old_cmrn, "1"), known(new, "2")])
    ledger.merge(ROOT, [new], [old], 100.0)
    assert replaced(ledger, old) == replaced(ledger, old_cmrn) == new
    assert ledger.find(ROOT, [new])[new].state is EntryState.KNOWN
    ledger.record(ROOT, [known(old, "1")])
    assert replaced(ledger, old) == new, "a late record does not bring it back"


def test_numbers_nobody_has_seen_are_merged_too(ledger):
    old, new = key("OLD"), key("NEW")
    ledger.merge(ROOT, [new], [old], 100.0)
    assert replaced(ledger, old) == new
    assert new not in ledger.find(ROOT, [new])


def test_a_later_merge_brings_the_survivor_back_and_an_older_one_changes_nothing(ledger):
    one, two = key("1"), key("2")
    ledger.record(ROOT, [known(one, "p1"), known(two, "p2")])
    ledger.merge(ROOT, [one], [two], 100.0)
    ledger.merge(ROOT, [two], [one], 200.0)
    assert replaced(ledger, one) == two
    assert ledger.find(ROOT, [two])[two].state is EntryState.KNOWN
    ledger.merge(ROOT, [one], [two], 150.0)
    assert replaced(ledger, one) == two
    assert ledger.find(ROOT, [two])[two].id == "p2"


def test_a_patient_is_never_merged_into_itself(ledger):
    one = key("1")
    ledger.record(ROOT, [known(one, "p1")])
    ledger.merge(ROOT, [one], [one], 100.0)
    ledger.merge(ROOT, [], [one], 100.0)
    assert replaced(ledger, one) is None


# -- the first deliveries of a destination --


def test_the_first_deliveries_wait_until_a_person_releases_each(
    ledger, worker, log, receipt, state
):
    log.append([receipt() for _ in range(3)])
    first, second, third = (worker.transform(run, "chart")[0] for run in worker.runs())
    assert not ledger.admit("adt/chart", first, 2)
    assert not ledger.admit("adt/chart", first, 2), "not by itself, after a crash either"
    assert not ledger.admit("adt/chart", second, 2)
    assert ledger.admit("adt/chart", third, 2)
    worker.attempt(first, State.HELD)
    state.settle([first], State.QUEUED, "anna", "looks right")
    assert ledger.admit("adt/chart", first, 2)
    assert not ledger.admit("adt/chart", second, 2)
    assert not ledger.admit("other/chart", third, 2)
