"""The decision, against a ledger and a service that are values."""

import itertools
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.millennium.identity.deciding import CREATES_MAX, decide
from engine.millennium.identity.entries import (
    HOPS_MAX,
    Claim,
    EntryState,
    KeyKind,
    LedgerEntry,
    LedgerKey,
)
from engine.millennium.identity.knowledge import PROBES_MAX
from engine.millennium.identity.outcomes import check_created, known_entries, lost_entries
from engine.millennium.identity.steps import (
    Claimed,
    Create,
    Entries,
    Hits,
    Hold,
    Look,
    Missing,
    NoAnswer,
    Note,
    Noted,
    Read,
    Reason,
    Seek,
    Seen,
    Sight,
    Take,
    Unaskable,
    Use,
    Wait,
    Wanted,
)

NOW = 1000.0
SAID = {"birthDate": "1987-04-12", "family": "OKAFOR", "gender": "female"}


def key(value, system="mrn"):
    return LedgerKey(resource_type="Patient", system=system, value=value)


A, B = key("A"), key("B", "cmrn")
ONCE = LedgerKey(
    kind=KeyKind.ONCE, resource_type="Observation", system="observation.record", value="f0"
)


def wanted(*keys, **given_values):
    values = {
        "resource_type": "Patient",
        "keys": keys or (A,),
        "verify": SAID,
        "may_create": True,
        "now": NOW,
        "verified_after": NOW - 100,
    }
    return Wanted(**(values | given_values))


@dataclass
class World:
    """A ledger and a service."""

    entries: dict = field(default_factory=dict)
    patients: dict = field(default_factory=dict)
    """Id -> (keys it can be found by, resource)."""
    claim: Claim = Claim.GRANTED
    silent: frozenset = frozenset()
    """Kinds of questions that get no answer."""
    asked: list = field(default_factory=list)

    def knows(self, found, resource_id, *, at=NOW, **given_values):
        entry = LedgerEntry(
            key=found, state=EntryState.KNOWN, id=resource_id, verified_at=at, **given_values
        )
        self.entries[found] = entry

    def retires(self, old, new):
        self.entries[old] = LedgerEntry(key=old, state=EntryState.RETIRED, replaced_by=new)

    def has(self, resource_id, *keys, replaced_by="", birth="1987-04-12"):
        resource = {
            "resourceType": "Patient",
            "birthDate": birth,
            "gender": "female",
            "name": [{"family": "Okafor"}],
        }
        if replaced_by:
            other = {"reference": f"Patient/{replaced_by}"}
            resource = {
                "resourceType": "Patient",
                "active": False,
                "link": [{"type": "replaced-by", "other": other}],
            }
        self.patients[resource_id] = (() if replaced_by else keys, resource)

    def seen(self, resource_id):
        return Seen(resource_id, 'W/"0"', self.patients[resource_id][1])

    def answer(self, question):
        self.asked.append(question)
        if type(question) in self.silent:
            return NoAnswer()
        match question:
            case Look(keys):
                return Entries({one: self.entries[one] for one in keys if one in self.entries})
            case Read(_, resource_id):
                return Sight(self.seen(resource_id) if resource_id in self.patients else None)
            case Seek(found):
                ids = [one for one, (keys, _) in self.patients.items() if found in keys]
                return Hits(tuple(self.seen(one) for one in ids))
            case Take():
                return Claimed(self.claim)
            case Note(entries):
                self.record(entries)
                return Noted()

    def record(self, entries):
        self.entries |= {entry.key: entry for entry in entries}

    def run(self, deciding):
        try:
            question = next(deciding)
            while True:
                question = deciding.send(self.answer(question))
        except StopIteration as end:
            return end.value

    def decide(self, *keys, **given_values):
        return self.run(decide(wanted(*keys, **given_values)))

    def asked_for(self, kind):
        return [one for one in self.asked if isinstance(one, kind)]


@pytest.fixture
def world():
    return World()


# -- what the ledger knows --


def test_what_was_confirmed_lately_is_taken_from_the_ledger_alone(world):
    world.knows(A, "1")
    assert world.decide() == Use(seen=None, id="1")
    assert world.asked == [Look((A,))]


def test_what_was_confirmed_long_ago_is_looked_at_again(world):
    world.knows(A, "1", at=1.0)
    world.has("1", A)
    found = world.decide()
    assert (found.id, found.entries) == ("1", known_entries((A,), "1", 'W/"0"', NOW))
    assert not world.asked_for(Seek)


def test_what_is_to_be_changed_is_read_and_compared(world):
    world.knows(A, "1")
    world.has("1", A, birth="1950-01-01")
    assert world.decide(must_read=True) == Hold(reason=Reason.MISMATCH, ids=("1",))


def test_what_the_service_merged_is_followed_and_the_ledger_rewritten(world):
    world.knows(A, "1", at=1.0)
    world.has("1", replaced_by="2")
    world.has("2", replaced_by="3")
    world.has("3", key("C"))
    found = world.decide()
    assert (found.id, [entry.id for entry in found.entries]) == ("3", ["3"])


def test_a_chain_of_merges_on_the_service_ends_after_five(world):
    world.knows(A, "0", at=1.0)
    for number in range(HOPS_MAX + 2):
        world.has(str(number), replaced_by=str(number + 1))
    world.has(str(HOPS_MAX + 2))
    assert world.decide().reason is Reason.CIRCLE


def test_a_circle_on_the_service_is_a_persons(world):
    world.knows(A, "1", at=1.0)
    world.has("1", replaced_by="2")
    world.has("2", replaced_by="1")
    assert world.decide() == Hold(reason=Reason.CIRCLE, ids=("1", "2"))


def test_a_merge_in_the_ledger_is_followed_before_anything_is_asked(world):
    world.knows(B, "2")
    world.retires(A, B)
    assert world.decide() == Use(seen=None, id="2")


def test_nobody_is_created_from_a_number_that_was_merged_away(world):
    world.retires(A, B)
    assert world.decide() == Missing(keys=(B,))
    assert world.asked_for(Seek) == [Seek(B)]
    world.has("2", B)
    assert world.decide().id == "2"


def test_a_message_that_says_a_living_number_too_may_create(world):
    world.retires(A, B)
    other = key("C")
    assert world.decide(A, other) == Create()
    assert world.asked_for(Take) == [Take((B, other))]


@pytest.mark.parametrize("length", range(1, HOPS_MAX + 3))
def test_chains_in_the_ledger_are_followed_so_far_and_no_further(world, length):
    chain = [key(f"K{number}") for number in range(length + 1)]
    for old, new in itertools.pairwise(chain):
        world.retires(old, new)
    world.knows(chain[-1], "9")
    found = world.decide(chain[0])
    assert found == (Use(seen=None, id="9") if length <= HOPS_MAX else Hold(reason=Reason.CIRCLE))


@pytest.mark.parametrize("circle", [(A, A), (A, B, A), (key("X"), A, B, A)])
def test_circles_in_the_ledger_end(world, circle):
    for old, new in itertools.pairwise(circle):
        world.retires(old, new)
    assert world.decide(circle[0]) == Hold(reason=Reason.CIRCLE)


def test_a_known_number_reconciles_one_that_is_new(world):
    world.knows(A, "1")
    world.has("1", A)
    found = world.decide(A, B)
    assert [(entry.key, entry.id) for entry in found.entries] == [(A, "1"), (B, "1")]


def test_numbers_that_lead_to_different_people_are_a_persons(world):
    world.knows(A, "1")
    world.has("1", A)
    world.has("2", B)
    assert world.decide(A, B) == Hold(reason=Reason.SEVERAL, ids=("1", "2"))
    world.knows(B, "2")
    assert world.decide(A, B) == Hold(reason=Reason.SEVERAL, ids=("1", "2"))


def test_numbers_whose_people_were_merged_lead_to_one(world):
    world.knows(A, "1")
    world.knows(B, "2")
    world.has("1", A)
    world.has("2", replaced_by="1")
    assert world.decide(A, B).id == "1"


def test_what_the_service_has_no_more_is_searched_for_again(world):
    world.knows(A, "1", at=1.0)
    world.has("7", A)
    assert world.decide().id == "7"
    del world.patients["7"]
    assert world.decide() == Create()
    assert world.decide(may_create=False) == Missing(keys=(A,))


# -- what it does not know --


def test_nobody_found_is_created_under_the_claim(world):
    assert world.decide() == Create()
    assert [type(one) for one in world.asked] == [Look, Take, Look, Seek]


def test_one_found_is_taken_when_the_second_factor_agrees(world):
    world.has("1", A)
    found = world.decide(A, B)
    assert (found.id, found.adopted, len(found.entries)) == ("1", False, 2)
    world.has("1", A, birth="1950-01-01")
    assert world.decide() == Hold(reason=Reason.MISMATCH, ids=("1",))
    assert world.decide(verify={}) == Hold(reason=Reason.UNVERIFIED, ids=("1",))


def test_several_found_are_a_persons(world):
    world.has("1", A)
    world.has("2", A)
    assert world.decide() == Hold(reason=Reason.AMBIGUOUS, ids=("1", "2"))


def test_two_numbers_found_apart_are_a_persons(world):
    world.has("1", A)
    world.has("2", B)
    assert world.decide(A, B) == Hold(reason=Reason.SEVERAL, ids=("1", "2"))


def test_what_is_not_ours_to_create_is_missing_and_no_claim_is_taken(world):
    assert world.decide(may_create=False) == Missing(keys=(A,))
    assert not world.asked_for(Take)


def test_what_another_delivery_creates_is_waited_for(world):
    world.claim = Claim.REFUSED
    assert world.decide() == Wait(reason=Reason.CLAIMED)
    assert not world.asked_for(Seek)


def test_what_another_delivery_created_before_the_claim_is_used(world):
    class Late(World):
        def answer(self, question):
            found = super().answer(question)
            if isinstance(question, Take):
                self.knows(A, "1")
                self.has("1", A)
            return found

    assert Late().decide().id == "1"


# -- creates whose answer was lost --


def test_a_claim_left_behind_may_mean_a_create_so_the_service_is_asked(world):
    world.claim = Claim.TAKEN_OVER
    found = world.decide()
    assert (found.reason, world.entries[A].creates) == (Reason.ASKING, 1)
    world.claim = Claim.GRANTED
    world.record(found.entries)
    world.has("1", A)
    found = world.decide()
    assert (found.id, found.adopted) == ("1", True)


def test_a_lost_create_is_asked_for_then_sent_once_more_then_left_to_a_person(world):
    story = []
    creates = 0
    for _ in range(2 * PROBES_MAX + 1):
        found = world.decide()
        story.append(found)
        if isinstance(found, Create):
            assert found.creates == creates
            creates += 1
            world.record(lost_entries((A,), creates, 0))
        else:
            world.record(found.entries)
    kinds = [getattr(one, "reason", "create") for one in story]
    asking = [Reason.ASKING] * (PROBES_MAX - 1)
    assert kinds == ["create", *asking, "create", *asking, Reason.UNSETTLED]
    assert creates == CREATES_MAX
    world.has("1", A)
    assert world.decide().id == "1", "a person retries after it has turned up"


def test_a_lost_create_of_a_second_number_is_waited_for(world):
    world.knows(A, "1")
    world.has("1", A)
    world.record(lost_entries((B,), 1, 0))
    found = world.decide(A, B)
    assert found == Wait(reason=Reason.ASKING, entries=lost_entries((B,), 1, 1))
    world.record(lost_entries((B,), 1, PROBES_MAX - 1))
    assert world.decide(A, B).id == "1"


def test_what_has_no_number_is_created_unasked_and_asked_for_only_when_lost(world):
    observation = {"resource_type": "Observation", "verify": {}}
    assert world.decide(ONCE, **observation) == Create()
    assert not world.asked_for(Seek)
    world.record(lost_entries((ONCE,), 1, 0))
    assert world.decide(ONCE, **observation).reason is Reason.ASKING
    world.knows(ONCE, "L-1")
    assert world.decide(ONCE, **observation) == Use(seen=None, id="L-1")


def test_a_lost_create_that_no_search_can_find_is_a_persons(world):
    class Mute(World):
        def answer(self, question):
            return Unaskable() if isinstance(question, Seek) else super().answer(question)

    mute = Mute()
    mute.record(lost_entries((ONCE,), 1, 0))
    assert mute.decide(ONCE, resource_type="Observation") == Hold(reason=Reason.UNSETTLED)


# -- after a create --


def test_a_second_one_found_after_a_create_stops_everything_until_it_is_put_right(world):
    world.has("1", A)
    world.has("2", A)
    found = world.run(check_created(wanted(A, B), "1"))
    assert (found.reason, found.ids) == (Reason.DUPLICATE, ("1", "2"))
    world.record(found.entries)
    assert world.decide(A) == Hold(reason=Reason.DUPLICATE, ids=("1", "2"))
    assert world.decide(B) == Hold(reason=Reason.DUPLICATE)
    world.has("2", replaced_by="1")
    assert world.decide(A).id == "1"


def test_a_create_that_is_alone_or_not_found_yet_is_good(world):
    assert world.run(check_created(wanted(), "1")) == Use(seen=None, id="1")
    world.has("1", A)
    assert world.run(check_created(wanted(), "1")) == Use(seen=None, id="1")
    world.silent = frozenset({Seek})
    assert world.run(check_created(wanted(), "1")) == Use(seen=None, id="1")


# -- whatever happens --


@pytest.mark.parametrize("kind", [Look, Read, Seek, Take])
def test_nothing_is_created_after_a_question_without_an_answer(world, kind):
    world.knows(B, "1", at=1.0)
    world.silent = frozenset({kind})
    found = world.decide(A, B)
    assert found == Wait(reason=Reason.NO_ANSWER) or (kind is Take and isinstance(found, Create))


KEYS = [key(name, system) for name in "AB" for system in ("mrn", "cmrn")]
IDS = ["1", "2", "3"]


@st.composite
def worlds(draw):
    found = World(
        claim=draw(st.sampled_from(Claim)),
        silent=draw(st.frozensets(st.sampled_from([Look, Read, Seek, Take, Note]), max_size=1)),
    )
    for resource_id in draw(st.sets(st.sampled_from(IDS))):
        keys = draw(st.lists(st.sampled_from(KEYS), unique=True))
        other = draw(st.sampled_from(["", "", "", *IDS]))
        birth = draw(st.sampled_from(["1987-04-12", "1987-04-12", "1950-01-01"]))
        found.has(resource_id, *keys, replaced_by=other, birth=birth)
    for one in draw(st.sets(st.sampled_from(KEYS))):
        match draw(st.sampled_from(EntryState)):
            case EntryState.RETIRED:
                found.retires(one, draw(st.sampled_from(KEYS)))
            case EntryState.UNKNOWN:
                found.record(lost_entries((one,), draw(st.integers(1, 2)), draw(st.integers(0, 3))))
            case state:
                resource_id = draw(st.sampled_from(IDS))
                found.knows(one, resource_id, at=draw(st.sampled_from([1.0, NOW])))
                found.record([replace(found.entries[one], state=state)])
    return found


@given(
    worlds(),
    st.lists(st.sampled_from(KEYS), min_size=1, max_size=3, unique=True),
    st.booleans(),
    st.booleans(),
)
def test_whatever_the_ledger_and_the_service_say_nobody_is_doubled_or_mistaken(
    world, keys, may_create, must_read
):
    found = world.decide(*keys, may_create=may_create, must_read=must_read)
    assert len(world.asked) < 60, "it ends"
    match found:
        case Create():
            assert may_create
            assert world.claim is not Claim.REFUSED
            sought = {one.key for one in world.asked_for(Seek)}
            assert sought
            active = [one for one, (has, _) in world.patients.items() if sought & set(has)]
            assert not active, "nobody is made who is there"
            assert not world.silent & {Look, Seek, Take}
        case Use(seen=Seen() as seen):
            assert seen.resource["birthDate"] == "1987-04-12", "nobody else is taken"
            assert "link" not in seen.resource, "nor one who was merged away"
            assert {entry.id for entry in found.entries} == {seen.id}
            others = {
                one
                for one, (has, _) in world.patients.items()
                if {asked.key for asked in world.asked_for(Seek)} & set(has)
            }
            assert others <= {seen.id}, "and every number that was asked for says the same"
        case Use(seen=None):
            assert not must_read
            assert {entry.id for entry in world.entries.values()} >= {found.id}
        case Missing():
            assert not may_create or not set(found.keys) & set(keys)
        case Wait() | Hold():
            assert found.reason
