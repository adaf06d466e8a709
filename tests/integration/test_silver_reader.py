"""Silver read without a JVM: the log as a queue, rows by snapshot, and what is said when something is missing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import CommitProperties, DeltaTable, write_deltalake

from cryptoelt.errors import DamagedFileError, ExitCode, StorageError
from cryptoelt.lake.silver import SNAPSHOT, SilverCommit, SilverTable, commit_metadata
from cryptoelt.warehouse.schema import silver_schema
from tests.support.silver_writer import SilverWriter, at, category_fact

TABLE = "fact_crypto_category"


@pytest.fixture
def writer(tmp_path: Path) -> SilverWriter:
    return SilverWriter(tmp_path / "a lake with spaces, ümlauts & #1?")


def silver(writer: SilverWriter, version: int | None = None) -> SilverTable:
    return SilverTable(writer.uri(TABLE), version)


def ids(table: SilverTable, **wanted: object) -> list[tuple[str, datetime]]:
    """Return which rows are read, as (category, snapshot)."""
    rows = [row for batch in table.read(**wanted) for row in batch.to_pylist()]  # type: ignore[arg-type]
    return sorted((row["category_id"], row[SNAPSHOT].astimezone(UTC)) for row in rows)


def data_files(writer: SilverWriter) -> list[Path]:
    return sorted(Path(writer.uri(TABLE)).glob("*.parquet"))


def fill(writer: SilverWriter, *numbers: int) -> None:
    for number in numbers:
        writer.commit(TABLE, {at(number): [category_fact(1), category_fact(2)]})


# --- the table as a whole ---------------------------------------------------------------------------------------------


def test_a_table_never_written_is_no_error_until_it_is_read(writer: SilverWriter) -> None:
    table = silver(writer)

    assert not table.exists
    assert table.snapshots() == set()
    with pytest.raises(StorageError) as caught:
        _ = table.version
    assert writer.uri(TABLE) in caught.value.message
    assert "cryptoelt transform" in caught.value.hint
    assert not Path(writer.root).exists()


def test_a_folder_that_is_no_delta_table_does_not_exist_as_one(writer: SilverWriter) -> None:
    folder = Path(writer.uri(TABLE))
    folder.mkdir(parents=True)
    (folder / "part-0.parquet").write_bytes(b"PAR1")

    assert not silver(writer).exists


def test_a_table_that_cannot_be_read_is_not_taken_for_one_never_written(writer: SilverWriter) -> None:
    fill(writer, 1)
    log = Path(writer.uri(TABLE)) / "_delta_log"
    log.rename(log.with_name("elsewhere"))
    log.symlink_to(log.name)  # a loop: the system refuses to follow it, as it refuses a folder of somebody else
    with pytest.raises(StorageError, match="cannot be read") as caught:
        silver(writer)
    assert len(caught.value.message.splitlines()) == 1
    assert caught.value.hint == "check the folder's owner"


def test_a_table_is_opened_at_its_newest_version_or_at_an_older_one(writer: SilverWriter) -> None:
    fill(writer, 0, 1, 2)

    assert silver(writer).version == 2
    older = silver(writer, 1)
    assert older.version == 1
    assert older.snapshots() == {at(0), at(1)}
    assert older.commits_after(-1) == [SilverCommit(0, (at(0),)), SilverCommit(1, (at(1),))]


@pytest.mark.parametrize("version", [3, 1000])
def test_a_version_that_is_not_there_is_named_as_an_error(writer: SilverWriter, version: int) -> None:
    fill(writer, 0, 1, 2)

    with pytest.raises(StorageError) as caught:
        silver(writer, version)

    assert writer.uri(TABLE) in caught.value.message
    assert str(version) in caught.value.message
    assert caught.value.exit_code is ExitCode.FAILED


def test_a_table_that_was_made_anew_has_another_identity(writer: SilverWriter) -> None:
    fill(writer, 0, 1)
    first, again = silver(writer), silver(writer)
    Path(writer.uri(TABLE)).rename(Path(writer.root) / "former")
    fill(writer, 0, 1)

    assert first.table_id == again.table_id
    assert silver(writer).table_id != first.table_id


# --- the log as a queue -----------------------------------------------------------------------------------------------


def test_the_commits_above_a_version_are_told_oldest_first(writer: SilverWriter) -> None:
    fill(writer, 5, 3)
    writer.commit(TABLE, {at(9): [category_fact(1)], at(7): [], at(8): [category_fact(1)]})

    expected = [
        SilverCommit(0, (at(5),)),
        SilverCommit(1, (at(3),)),
        SilverCommit(2, (at(7), at(8), at(9))),
    ]
    for version in range(-1, 3):
        assert silver(writer).commits_after(version) == expected[version + 1 :]
    assert silver(writer).commits_after(7) == []


def test_a_commit_that_brought_no_row_still_names_its_snapshot(writer: SilverWriter) -> None:
    fill(writer, 0)
    version = writer.commit(TABLE, {at(1): []})

    assert silver(writer).commits_after(0) == [SilverCommit(version, (at(1),))]
    assert silver(writer).rows_added_after(0) == 0


def test_tidying_up_adds_no_snapshot_and_no_row(writer: SilverWriter) -> None:
    fill(writer, 0, 1, 2)
    writer.optimize(TABLE)

    table = silver(writer)
    assert table.version > 2
    assert table.commits_after(2) == []
    assert table.rows_added_after(2) == 0
    assert table.rows_added_after(-1) == 6
    assert table.snapshots() == {at(0), at(1), at(2)}
    assert len(ids(table)) == 6


@pytest.mark.parametrize("words", ["by hand, after the restore", "[1, 2]", '"text"', "7", "{}", '{"run_id": "x"}'])
def test_the_words_of_a_foreign_commit_name_no_snapshot(writer: SilverWriter, words: str) -> None:
    fill(writer, 0)
    rows = pa.Table.from_batches(list(silver(writer).read()))
    properties = CommitProperties(custom_metadata={"userMetadata": words})
    write_deltalake(writer.uri(TABLE), rows, mode="append", commit_properties=properties)
    fill(writer, 1)

    assert silver(writer).commits_after(-1) == [SilverCommit(0, (at(0),)), SilverCommit(2, (at(1),))]


def test_a_log_that_was_cut_off_is_not_taken_for_an_empty_one(writer: SilverWriter) -> None:
    fill(writer, 0, 1, 2)
    writer.forget_log(TABLE)
    fill(writer, 3)

    table = silver(writer)
    assert table.commits_after(-1) is None
    assert table.commits_after(0) is None
    assert table.commits_after(2) == [SilverCommit(3, (at(3),))]
    assert table.snapshots() == {at(0), at(1), at(2), at(3)}


def test_rows_that_commits_added_are_counted_by_their_statistics(writer: SilverWriter) -> None:
    fill(writer, 0)
    writer.commit(TABLE, {at(1): [category_fact(n) for n in range(5)], at(2): [category_fact(n) for n in range(7)]})

    table = silver(writer)
    assert [table.rows_added_after(version) for version in (-1, 0, 1)] == [14, 12, 0]


def put(writer: SilverWriter, run_id: str, *numbers: int, caps: float = 2.0) -> None:
    """Put snapshots in place of what the table holds of them, as a rebuild does."""
    moments = [at(number) for number in numbers]
    rows = [{"snapshot_timestamp": moment, "snapshot_str": "x", **category_fact(1, caps)} for moment in moments]
    listed = ", ".join(f"'{moment:%Y-%m-%dT%H:%M:%SZ}'" for moment in moments)
    words = commit_metadata(moments, run_id=run_id, replaces=True)
    write_deltalake(
        writer.uri(TABLE),
        pa.Table.from_pylist(rows, schema=silver_schema(TABLE)),
        mode="overwrite",
        predicate=f"snapshot_timestamp IN ({listed})",
        commit_properties=CommitProperties(custom_metadata={"userMetadata": words}),
    )


def test_a_commit_that_puts_snapshots_in_place_says_so_and_takes_none_away(writer: SilverWriter) -> None:
    fill(writer, 0, 1, 2)
    put(writer, "r1", 0, 1)

    table = silver(writer)
    assert table.commits_after(2) == [SilverCommit(3, (at(0), at(1)), replaces=True)]
    assert table.only_grew_after(-1)
    assert table.snapshots() == {at(0), at(1), at(2)}
    DeltaTable(writer.uri(TABLE)).delete(f"snapshot_timestamp = '{at(2):%Y-%m-%dT%H:%M:%SZ}'")
    assert not silver(writer).only_grew_after(3)


def test_what_runs_have_written_counts_until_somebody_changes_it(writer: SilverWriter) -> None:
    fill(writer, 0, 1, 2)
    put(writer, "r1", 0, 1)
    put(writer, "r2", 2)
    assert silver(writer).written_by(["r1", "r2"]) == {at(0): "r1", at(1): "r1", at(2): "r2"}
    assert silver(writer).written_by(["r2"]) == {at(2): "r2"}
    put(writer, "other", 1)
    writer.optimize(TABLE)
    assert silver(writer).written_by(["r1", "r2"]) == {at(0): "r1", at(2): "r2"}
    DeltaTable(writer.uri(TABLE)).update(updates={"market_cap": "0"}, predicate="num_tokens = 1")
    assert silver(writer).written_by(["r1", "r2"]) == {}


# --- snapshots --------------------------------------------------------------------------------------------------------


def test_the_snapshots_above_a_mark_are_told(writer: SilverWriter) -> None:
    fill(writer, 2, 0, 3, 1)

    assert silver(writer).snapshots() == {at(number) for number in range(4)}
    assert silver(writer).snapshots(after=at(1)) == {at(2), at(3)}
    assert silver(writer).snapshots(after=at(3)) == set()
    assert silver(writer).snapshots(after=at(1) + timedelta(seconds=-1)) == {at(1), at(2), at(3)}


def test_a_snapshot_of_which_all_records_were_rejected_is_there_once_it_is_committed(writer: SilverWriter) -> None:
    fill(writer, 0)
    writer.reject(TABLE, at(1), [("missing_key", "{}")])
    assert silver(writer).snapshots() == {at(0)}

    writer.commit(TABLE, {at(1): []})
    assert silver(writer).snapshots() == {at(0), at(1)}
    assert silver(writer).snapshots(after=at(0)) == {at(1)}


def test_a_process_that_died_between_rejects_and_rows_left_the_snapshot_to_be_built(writer: SilverWriter) -> None:
    writer.reject(TABLE, at(0), [("missing_key", "{}")])
    assert silver(writer).snapshots() == set()

    fill(writer, 1)
    assert silver(writer).snapshots() == {at(1)}


def test_a_rejected_snapshot_from_before_a_cut_off_log_is_there(writer: SilverWriter) -> None:
    writer.reject(TABLE, at(0), [("missing_key", "{}")])
    writer.commit(TABLE, {at(0): []})
    fill(writer, 1)
    writer.forget_log(TABLE)
    fill(writer, 2)

    assert silver(writer).snapshots() == {at(0), at(1), at(2)}


# --- rows -------------------------------------------------------------------------------------------------------------


def test_all_rows_are_read_in_the_order_of_their_commits(writer: SilverWriter) -> None:
    fill(writer, 2, 0, 1)

    read = [row[SNAPSHOT] for batch in silver(writer).read(columns=[SNAPSHOT]) for row in batch.to_pylist()]
    assert [moment.astimezone(UTC) for moment in read] == [at(2), at(2), at(0), at(0), at(1), at(1)]


@pytest.mark.parametrize(
    ("wanted", "after", "expected"),
    [
        (None, None, [0, 1, 2, 3]),
        ([1], None, [1]),
        ([3, 0], None, [0, 3]),
        ([], None, []),
        ([77], None, []),
        (None, 1, [2, 3]),
        ([0, 1, 2], 0, [1, 2]),
        ([0], 0, []),
    ],
)
@pytest.mark.parametrize("one_file", [False, True])
def test_rows_are_those_of_the_snapshots_asked_for(
    writer: SilverWriter, wanted: list[int] | None, after: int | None, expected: list[int], one_file: bool
) -> None:
    if one_file:
        writer.commit(TABLE, {at(number): [category_fact(1), category_fact(2)] for number in range(4)})
    else:
        fill(writer, *range(4))

    found = ids(
        silver(writer),
        snapshots=None if wanted is None else [at(number) for number in wanted],
        after=None if after is None else at(after),
    )

    assert found == sorted((f"c{category}", at(number)) for number in expected for category in (1, 2))


def test_only_the_columns_asked_for_are_read(writer: SilverWriter) -> None:
    fill(writer, 0)
    (batch,) = silver(writer).read(columns=["category_id", SNAPSHOT])

    assert batch.schema.names == ["category_id", SNAPSHOT]


def test_values_are_read_as_they_were_written(writer: SilverWriter) -> None:
    writer.commit(TABLE, {at(0): [category_fact(1, 6.8e26), category_fact(2, 0.1 + 0.2), category_fact(3, -0.0)]})
    rows = [row for batch in silver(writer).read() for row in batch.to_pylist()]

    assert [repr(row["market_cap"]) for row in rows] == ["6.8e+26", "0.30000000000000004", "-0.0"]
    assert rows[0][SNAPSHOT] == at(0)


def test_a_big_file_is_read_in_batches(writer: SilverWriter) -> None:
    writer.commit(TABLE, {at(0): [category_fact(number) for number in range(50_000)]})
    sizes = [batch.num_rows for batch in silver(writer).read(columns=[SNAPSHOT, "category_id"])]

    assert sum(sizes) == 50_000
    assert max(sizes) <= 20_000


def test_a_file_without_a_wanted_snapshot_is_not_opened(writer: SilverWriter) -> None:
    fill(writer, 0)
    (first,) = data_files(writer)
    fill(writer, 1)
    first.write_bytes(b"damaged")

    assert len(ids(silver(writer), snapshots=[at(1)])) == 2
    assert len(ids(silver(writer), after=at(0))) == 2
    with pytest.raises(DamagedFileError):
        ids(silver(writer))


@pytest.mark.parametrize("damage", ["missing", "empty", "cut off", "text"])
def test_a_data_file_that_cannot_be_read_is_named(writer: SilverWriter, damage: str) -> None:
    fill(writer, 0)
    (file,) = data_files(writer)
    content = file.read_bytes()
    file.unlink()
    if damage != "missing":
        file.write_bytes({"empty": b"", "cut off": content[:-20], "text": b"{}\n" * 100}[damage])

    with pytest.raises(DamagedFileError) as caught:
        list(silver(writer).read())

    assert str(file) in caught.value.message
    assert caught.value.context == {"file": str(file)}
    assert "rebuild" in caught.value.hint


def test_a_file_that_ends_in_the_middle_of_its_rows_is_named(writer: SilverWriter) -> None:
    fill(writer, 0)
    (file,) = data_files(writer)
    content = bytearray(file.read_bytes())
    metadata = pq.read_metadata(file).row_group(0).column(0)
    start = metadata.dictionary_page_offset or metadata.data_page_offset
    content[start : start + metadata.total_compressed_size] = b"\xff" * metadata.total_compressed_size
    file.write_bytes(bytes(content))

    with pytest.raises(DamagedFileError) as caught:
        list(silver(writer).read())

    assert str(file) in caught.value.message


def test_a_log_that_is_damaged_is_a_storage_error(writer: SilverWriter) -> None:
    fill(writer, 0)
    (Path(writer.uri(TABLE)) / "_delta_log" / f"{0:020d}.json").write_text("{torn", encoding="utf-8")

    with pytest.raises(StorageError) as caught:
        silver(writer)

    assert writer.uri(TABLE) in caught.value.message


def test_the_words_of_a_commit_are_its_snapshots_in_order_and_what_else_is_said() -> None:
    assert commit_metadata([at(1), at(0)], run_id="run-1") == (
        '{"snapshots": ["2026-11-23T10:30:00Z", "2026-11-23T11:30:00Z"], "run_id": "run-1"}'
    )


def test_the_reader_sees_what_another_writer_adds_only_when_it_opens_the_table_again(writer: SilverWriter) -> None:
    fill(writer, 0)
    before = silver(writer)
    fill(writer, 1)

    assert (before.version, before.snapshots()) == (0, {at(0)})
    assert DeltaTable(writer.uri(TABLE)).version() == silver(writer).version == 1
