"""The log's segment files."""

import hashlib
import time

import pytest

from engine.store.interface import Receipt, StoreUnavailable
from engine.store.sqlite.log import SqliteLog
from engine.store.sqlite.segments import SegmentReader, list_segments

DAY = 86400


def receipts(count: int, **given: object) -> list[Receipt]:
    raw = b"x" * 1000
    digest = hashlib.sha256(raw).digest()
    values = {"channel": "c", "received_at": time.time(), "source": "t", "raw": raw} | given
    return [Receipt(sha256=digest, **values) for _ in range(count)]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "log"


def test_a_segment_is_named_by_its_first_message(folder):
    log = SqliteLog(folder, segment_bytes=10_000)
    for _ in range(6):
        log.append(receipts(5))
        log.rotate()
    log.close()
    assert list_segments(folder) == [1, 11, 21, 31]
    assert sorted(path.name for path in folder.glob("*.db"))[1] == "0000000000000011.db"


def test_a_sealed_segment_is_one_file(folder):
    log = SqliteLog(folder, segment_bytes=10_000)
    log.append(receipts(20))
    log.rotate()
    log.append(receipts(1))
    log.close()
    assert sorted(path.suffix for path in folder.iterdir()) == [".db", ".db", ".lock"]


def test_a_segment_ends_with_its_day(folder):
    log = SqliteLog(folder)
    log.append(receipts(1, received_at=time.time() - DAY))
    log.close()
    log = SqliteLog(folder)
    log.rotate()
    log.rotate()
    log.append(receipts(1))
    log.close()
    assert list_segments(folder) == [1, 2]


def test_an_empty_segment_is_not_followed_by_another(folder):
    log = SqliteLog(folder, segment_bytes=0)
    for _ in range(3):
        log.rotate()
    log.close()
    assert list_segments(folder) == [1]


def test_a_log_that_is_never_idle_rotates_too(folder):
    log = SqliteLog(folder, segment_bytes=10_000)
    for _ in range(10):
        log.append(receipts(5))
    log.close()
    assert len(list_segments(folder)) > 1


def test_a_reader_finds_messages_across_segments(folder):
    log = SqliteLog(folder, segment_bytes=10_000)
    reader = SegmentReader(folder)
    for _ in range(6):
        log.append(receipts(10))
        log.rotate()
        assert len(reader.headers_after(0, 1000)) == log._next_id - 1
    assert [row[0] for row in reader.headers_after(8, 7)] == list(range(9, 16))
    found = reader.select("raw", "bodies", [1, 35, 60, 999])
    assert sorted(row[0] for row in found) == [1, 35, 60]
    reader.close()
    log.close()


def test_a_reader_keeps_few_files_open(folder):
    log = SqliteLog(folder, segment_bytes=100)
    reader = SegmentReader(folder)
    for _ in range(12):
        log.append(receipts(1))
        log.rotate()
    assert len(reader.select("raw", "bodies", range(1, 13))) == 12
    assert len(reader._open) <= 8
    reader.close()
    log.close()


def test_a_reader_notices_that_a_segment_is_gone(folder):
    log = SqliteLog(folder, segment_bytes=100)
    log.append(receipts(1))
    log.rotate()
    log.append(receipts(1))
    reader = SegmentReader(folder)
    assert len(reader.select("raw", "bodies", [1, 2])) == 2
    (folder / "0000000000000001.db").unlink()
    assert [row[0] for row in reader.select("raw", "bodies", [1, 2])] == [2]
    reader.close()
    log.close()


def test_a_half_made_segment_is_no_segment(folder):
    folder.mkdir()
    (folder / "0000000000000001.new").write_bytes(b"SQLite format 3\0 and then the power went")
    log = SqliteLog(folder)
    assert log.append(receipts(1)) == [1]
    log.close()


def test_ids_follow_the_segment_name_when_the_newest_segment_is_empty(folder):
    log = SqliteLog(folder, segment_bytes=100)
    log.append(receipts(3))
    log.rotate()
    log.close()
    log = SqliteLog(folder)
    assert log.append(receipts(1)) == [4]
    log.close()


def test_a_damaged_segment_file_is_unavailable(folder):
    SqliteLog(folder).close()
    (path,) = folder.glob("*.db")
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(StoreUnavailable):
        SqliteLog(folder)


def test_a_closed_log_refuses_messages(folder):
    log = SqliteLog(folder)
    log.append(receipts(1))
    log.close()
    log.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        log.append(receipts(1))
