"""What is remembered of staff and places: bounds, and what two messages at once may not keep."""

import orjson

from engine.destinations import merge_memory
from engine.destinations.merge_memory import MergeMemory


def entry(number: int = 1, *, kind: str = "Practitioner", said: str = "x") -> bytes:
    request = {"method": "PUT", "url": f"{kind}/{number}"}
    resource = {"resourceType": kind, "id": str(number), "alias": said}
    return orjson.dumps({"fullUrl": f"urn:uuid:{number}", "resource": resource, "request": request})


def memory() -> MergeMemory:
    return MergeMemory(60.0, lambda: 0.0)


def keep(found: MergeMemory, one: bytes, version: str = "1", *, written: bool = False) -> None:
    seen = found.look(one, version, deletes=False)
    assert seen is not None
    found.confirm(seen, "Practitioner/1", written=written)


def test_only_what_is_no_patients_own_is_kept() -> None:
    found = memory()
    assert found.look(entry(kind="Patient"), "1", deletes=False) is None
    assert found.look(entry(kind="Encounter"), "1", deletes=False) is None
    keep(found, entry())
    assert found.name_of(entry()) == "Practitioner/1"


def test_resources_are_bounded() -> None:
    found = memory()
    for number in range(3 * merge_memory.KEPT_MAX):
        keep(found, entry(number))
    assert len(found) <= 2 * merge_memory.KEPT_MAX


def test_bytes_are_bounded() -> None:
    found = memory()
    size = 100_000
    for number in range(200):
        keep(found, entry(number, said="x" * size))
    assert len(found) * size <= 2 * merge_memory.BYTES_MAX
    keep(found, entry(said="x" * merge_memory.BYTES_MAX))
    assert found.name_of(entry(said="x" * merge_memory.BYTES_MAX)) == ""


def test_what_is_in_use_survives_what_is_not() -> None:
    found = memory()
    keep(found, entry(0))
    for number in range(1, 3 * merge_memory.KEPT_MAX):
        keep(found, entry(number))
        assert found.name_of(entry(0))


def test_sayings_of_one_resource_are_bounded() -> None:
    found = memory()
    says = [entry(said=str(number)) for number in range(3 * merge_memory.SAYINGS_MAX)]
    for one in says:
        keep(found, one)
    assert found.name_of(says[-1])
    assert sum(bool(found.name_of(one)) for one in says) <= merge_memory.SAYINGS_MAX


def test_of_two_writes_at_once_that_differ_neither_is_known() -> None:
    found = memory()
    first, second = entry(said="a"), entry(said="b")
    seen = [found.look(one, "", deletes=False) for one in (first, second)]
    for one in seen:
        assert one is not None
        found.confirm(one, "Practitioner/1", written=True)
    assert not found.name_of(first)
    assert not found.name_of(second)


def test_of_two_writes_at_once_of_the_same_it_is_known() -> None:
    found = memory()
    seen = [found.look(entry(), "", deletes=False) for _ in range(2)]
    for one in seen:
        assert one is not None
        found.confirm(one, "Practitioner/1", written=True)
    assert found.name_of(entry())


def test_what_was_forgotten_meanwhile_is_not_confirmed() -> None:
    found = memory()
    keep(found, entry())
    seen = found.look(entry(said="b"), "1", deletes=False)
    assert seen is not None
    found.forget(entry())
    found.confirm(seen, "Practitioner/1", written=False)
    assert not found.name_of(entry(said="b"))


def test_another_version_forgets_all_that_was_said() -> None:
    found = memory()
    keep(found, entry(said="a"))
    keep(found, entry(said="b"))
    assert found.name_of(entry(said="a"))
    found.look(entry(said="c"), "2", deletes=False)
    assert not found.name_of(entry(said="a"))
    assert not found.name_of(entry(said="b"))


def test_a_resource_without_a_name_is_not_kept() -> None:
    found = memory()
    seen = found.look(entry(), "", deletes=False)
    assert seen is not None
    found.confirm(seen, "", written=True)
    assert len(found) == 0
