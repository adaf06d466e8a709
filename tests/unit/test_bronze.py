"""Bronze: where files lie, which of them are looked at, and what a damaged one says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cryptoelt.errors import DamagedFileError, StorageError
from cryptoelt.lake.bronze import COMMON_FIELDS, UTC_MICROSECONDS, Bronze, BronzeFile
from cryptoelt.lake.bronze_note import BronzeNote
from cryptoelt.lake.scan_note import ScanNote
from cryptoelt.lake.store import LocalStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ENDPOINT = "global-metrics/quotes/latest"
AT = datetime(2026, 11, 23, 8, 20, tzinfo=UTC)


class RecordingStore(LocalStore):
    """A local folder that remembers what was listed."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.listed: list[str] = []

    def list(self, folder: str) -> list[str]:
        self.listed.append(folder)
        return super().list(folder)


@pytest.fixture
def store(tmp_path: Path) -> RecordingStore:
    return RecordingStore(tmp_path / "lake")


@pytest.fixture
def bronze(store: RecordingStore) -> Bronze:
    return Bronze(store)


def rows(count: int = 2) -> pa.Table:
    columns: list[pa.Array[Any]] = [
        pa.array([AT] * count, UTC_MICROSECONDS),
        pa.array(["call-1"] * count),
        pa.array(range(count), pa.int64()),
        pa.array(['{"a":1}'] * count),
        pa.array([None] * count, COMMON_FIELDS[4].type),
    ]
    return pa.table(columns, schema=pa.schema(COMMON_FIELDS))


@pytest.mark.parametrize(
    ("endpoint", "moment", "path"),
    [
        ("exchange/map", AT, "bronze/exchange/map/2026-11/exchange_map-20261123_082000.parquet"),
        (
            "global-metrics/quotes/latest",
            datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            "bronze/global-metrics/quotes/latest/2026-01/global-metrics_quotes_latest-20260102_030405.parquet",
        ),
        (
            "fear-and-greed/latest",
            datetime(2027, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=1))),
            "bronze/fear-and-greed/latest/2026-12/fear-and-greed_latest-20261231_233000.parquet",
        ),
    ],
)
def test_the_path_of_a_snapshot_is_that_of_the_contract(
    bronze: Bronze, endpoint: str, moment: datetime, path: str
) -> None:
    assert bronze.path_of(endpoint, moment) == path
    assert bronze.write(endpoint, moment, rows(), BronzeNote(clean=True)) == BronzeFile(endpoint, moment, path)
    assert bronze.files(endpoint) == [BronzeFile(endpoint, moment, path)]


@pytest.mark.parametrize("clean", [True, False])
def test_what_is_written_is_read_back_and_the_footer_tells_what_it_is(bronze: Bronze, clean: bool) -> None:
    note = BronzeNote(clean, window=AT, is_last=False, scan=ScanNote(AT, ("1",), 1), call_id="a call")
    file = bronze.write(ENDPOINT, AT, rows(3), note)
    footer = bronze.footer(file)

    assert (footer.rows, footer.note) == (3, note)
    assert footer.schema.equals(pa.schema(COMMON_FIELDS))
    assert pq.read_table(bronze.location(file)).equals(rows(3))


def test_a_snapshot_is_never_overwritten(bronze: Bronze) -> None:
    file = bronze.write(ENDPOINT, AT, rows(1), BronzeNote(clean=True))
    with pytest.raises(StorageError, match="exists already"):
        bronze.write(ENDPOINT, AT, rows(2), BronzeNote(clean=True))

    assert bronze.footer(file).rows == 1


def test_a_half_written_snapshot_is_never_seen(store: RecordingStore, bronze: Bronze) -> None:
    path = bronze.path_of(ENDPOINT, AT)
    seen = []

    def write(stream: BinaryIO) -> None:
        pq.write_table(rows(), stream)
        stream.flush()
        seen.append((bronze.files(ENDPOINT), bronze.last_snapshot(ENDPOINT)))

    store.put_if_absent(path, write)

    assert seen == [([], None)]
    assert [file.path for file in bronze.files(ENDPOINT)] == [path]


def test_files_are_those_above_the_mark_oldest_first(bronze: Bronze) -> None:
    moments = [AT + timedelta(days=days, seconds=days) for days in (-40, -1, 0, 1, 12, 400)]
    for moment in reversed(moments):
        bronze.write(ENDPOINT, moment, rows(1), BronzeNote(clean=True))

    assert [file.snapshot for file in bronze.files(ENDPOINT)] == moments
    for number, moment in enumerate(moments):
        assert [file.snapshot for file in bronze.files(ENDPOINT, after=moment)] == moments[number + 1 :]
        just_before = moment - timedelta(seconds=1)
        assert [file.snapshot for file in bronze.files(ENDPOINT, after=just_before)] == moments[number:]
    assert bronze.last_snapshot(ENDPOINT) == moments[-1]


def test_only_the_months_that_can_hold_a_snapshot_are_listed(store: RecordingStore, bronze: Bronze) -> None:
    for month in range(1, 13):
        bronze.write(ENDPOINT, datetime(2026, month, 15, tzinfo=UTC), rows(1), BronzeNote(clean=True))
    store.listed.clear()

    found = bronze.files(ENDPOINT, after=datetime(2026, 11, 15, tzinfo=UTC))

    assert [file.snapshot.month for file in found] == [12]
    assert store.listed == [f"bronze/{ENDPOINT}", f"bronze/{ENDPOINT}/2026-11", f"bronze/{ENDPOINT}/2026-12"]

    store.listed.clear()
    assert bronze.last_snapshot(ENDPOINT) == datetime(2026, 12, 15, tzinfo=UTC)
    assert store.listed == [f"bronze/{ENDPOINT}", f"bronze/{ENDPOINT}/2026-12"]


def test_the_mark_is_understood_in_any_time_zone(bronze: Bronze) -> None:
    bronze.write(ENDPOINT, datetime(2026, 10, 31, 23, 0, tzinfo=UTC), rows(1), BronzeNote(clean=True))
    november_here = datetime(2026, 11, 1, 0, 30, tzinfo=timezone(timedelta(hours=2)))  # 22:30 UTC in October

    assert len(bronze.files(ENDPOINT, after=november_here)) == 1


def test_an_endpoint_never_asked_has_no_snapshot(bronze: Bronze) -> None:
    assert bronze.files(ENDPOINT) == []
    assert bronze.last_snapshot(ENDPOINT) is None


def test_an_empty_month_does_not_hide_the_last_snapshot(store: RecordingStore, bronze: Bronze) -> None:
    bronze.write(ENDPOINT, AT, rows(1), BronzeNote(clean=True))
    (store.root / f"bronze/{ENDPOINT}/2026-12").mkdir()

    assert bronze.last_snapshot(ENDPOINT) == AT


@pytest.mark.parametrize(
    "foreign",
    [
        "2026-11/README.md",
        "2026-11/Copy of global-metrics_quotes_latest-20261123_082000.parquet",
        "2026-11/global-metrics_quotes_latest-20261123_082000 (1).parquet",
        "2026-11/global-metrics_quotes_latest-20261123_082000.parquet.bak",
        "2026-11/global-metrics_quotes_latest-20269999_999999.parquet",
        "2026-11/global-metrics_quotes_latest-20251123_082000.parquet",
        "2026-11/exchange_map-20261123_082001.parquet",
        "2026-11/.global-metrics_quotes_latest-20261123_082001.parquet.tmp",
        "2026-1x/global-metrics_quotes_latest-20261123_082001.parquet",
        "README.md",
    ],
)
def test_what_somebody_left_there_is_no_snapshot(store: RecordingStore, bronze: Bronze, foreign: str) -> None:
    bronze.write(ENDPOINT, AT, rows(1), BronzeNote(clean=True))
    path = store.root / f"bronze/{ENDPOINT}" / foreign
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"")

    assert [file.snapshot for file in bronze.files(ENDPOINT)] == [AT]
    assert bronze.last_snapshot(ENDPOINT) == AT


DAMAGE: dict[str, Callable[[bytes], bytes | None]] = {
    "cut off": lambda content: content[: len(content) // 2],
    "without its last byte": lambda content: content[:-1],
    "without its first half": lambda content: content[len(content) // 2 :],
    "empty": lambda _: b"",
    "text": lambda _: b'{"status": {"error_code": 0}}\n',
    "four letters": lambda _: b"PAR1",
    "a broken footer": lambda content: content[:-60] + b"\xff" * 40 + content[-20:],
    "missing": lambda _: None,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_is_named(
    bronze: Bronze, store: RecordingStore, damage: Callable[[bytes], bytes | None]
) -> None:
    file = bronze.write(ENDPOINT, AT, rows(100), BronzeNote(clean=True))
    path = store.root / file.path
    content = damage(path.read_bytes())
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)

    with pytest.raises(DamagedFileError) as caught:
        bronze.footer(file)

    assert str(path) in caught.value.message
    assert len(caught.value.message.splitlines()) == 1
    assert "good copy" in caught.value.hint
    assert caught.value.context == {"file": str(path)}


def test_whatever_byte_of_the_footer_is_wrong_nothing_but_a_damaged_file_comes_of_it(
    bronze: Bronze, store: RecordingStore
) -> None:
    file = bronze.write(ENDPOINT, AT, rows(5), BronzeNote(clean=True))
    path = store.root / file.path
    whole = path.read_bytes()
    footer_starts = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    damaged = 0
    for position in range(footer_starts, len(whole), 3):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :])
        try:
            bronze.footer(file)
        except DamagedFileError:
            damaged += 1

    assert damaged > 20


def test_a_parquet_file_that_is_not_of_bronze_is_named(bronze: Bronze, store: RecordingStore) -> None:
    path = store.root / bronze.path_of(ENDPOINT, AT)
    path.parent.mkdir(parents=True)
    pq.write_table(rows().drop_columns(["raw"]), path)

    with pytest.raises(DamagedFileError, match="no column raw"):
        bronze.footer(bronze.files(ENDPOINT)[0])


def test_a_file_of_another_writer_is_not_taken_for_clean(bronze: Bronze, store: RecordingStore) -> None:
    path = store.root / bronze.path_of(ENDPOINT, AT)
    path.parent.mkdir(parents=True)
    pq.write_table(rows(4), path)

    (file,) = bronze.files(ENDPOINT)
    footer = bronze.footer(file)

    assert (footer.rows, footer.note.clean) == (4, False)
