"""Upkeep of Silver: fewer files, a shorter log, and for readers and the load the same table as before."""

from __future__ import annotations

import logging
import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, TableFeatures

from cryptoelt.errors import StorageError, UsageError
from cryptoelt.lake import compaction, upkeep
from cryptoelt.lake.silver import SNAPSHOT, SilverTable, rejected_uri
from cryptoelt.lake.upkeep import TIME_TRAVEL, tend
from cryptoelt.results import Status
from tests.support.silver_writer import SilverWriter, at, category, category_fact

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.loading import Loading

TABLE, PARENT = "fact_crypto_category", "dim_crypto_category"
NOW = datetime.now(UTC)
LATER = NOW + TIME_TRAVEL + timedelta(days=1)


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four small files are many, and three snapshots fill a file."""
    monkeypatch.setattr(upkeep, "SMALL_FILES", 4)
    monkeypatch.setattr(compaction, "FILE_SNAPSHOTS", 3)


def fill(lake: SilverWriter, *numbers: int) -> None:
    for number in numbers:
        lake.commit(TABLE, {at(number): [category_fact(1, number), category_fact(2, -number)]})


def opened(lake: SilverWriter, version: int | None = None) -> SilverTable:
    return SilverTable(lake.uri(TABLE), version)


def rows(table: SilverTable) -> list[tuple[datetime, str, float]]:
    found = [row for batch in table.read() for row in batch.to_pylist()]
    return sorted((row[SNAPSHOT], row["category_id"], row["market_cap"]) for row in found)


def active(lake: SilverWriter) -> set[str]:
    return {Path(uri).name for uri in DeltaTable(lake.uri(TABLE)).file_uris()}


def on_disk(lake: SilverWriter) -> set[str]:
    return {path.name for path in root(lake).glob("*.parquet")}


def root(lake: SilverWriter) -> Path:
    return Path(lake.uri(TABLE))


def age(folder: Path, by: timedelta) -> None:
    """Let all files of a folder be older than they are."""
    for path in folder.rglob("*"):
        written = path.stat().st_mtime - by.total_seconds()
        os.utime(path, (written, written))


def log_names(lake: SilverWriter) -> list[str]:
    return sorted(path.name for path in (root(lake) / "_delta_log").iterdir() if path.name[0] != "_")


# --- the same table ---------------------------------------------------------------------------------------------------


def test_readers_see_the_same_rows_and_snapshots_in_fewer_files(lake: SilverWriter) -> None:
    fill(lake, 5, 0, 3, 1, 4, 2)
    before = opened(lake)

    tend(lake.uri(TABLE), NOW)

    after = opened(lake)
    assert (len(active(lake)), after.version) == (2, before.version + 1)
    assert rows(after) == rows(before)
    assert after.snapshots() == before.snapshots() == {at(number) for number in range(6)}
    assert after.snapshots(after=at(3)) == {at(4), at(5)}


def test_whoever_follows_the_log_passes_over_it(lake: SilverWriter) -> None:
    fill(lake, 0, 1, 2, 3)
    place = opened(lake).version
    tend(lake.uri(TABLE), NOW)
    fill(lake, 4)

    table = opened(lake)
    assert [commit.snapshots for commit in table.commits_after(place) or ()] == [(at(4),)]
    assert table.only_grew_after(place)
    assert table.rows_added_after(place) == 2


def test_files_are_packed_in_the_order_of_time_and_only_once(lake: SilverWriter) -> None:
    fill(lake, 4, 1, 0, 3, 2)
    tend(lake.uri(TABLE), NOW)
    packed = active(lake)
    found = [pc.unique(pq.read_table(root(lake) / name)[SNAPSHOT]).to_pylist() for name in packed]
    assert sorted(found) == [[at(0), at(1), at(2)], [at(3), at(4)]]

    fill(lake, 5, 6, 7)
    tend(lake.uri(TABLE), NOW)
    assert len(active(lake)) == 5  # three small files are too few

    fill(lake, 8)
    tend(lake.uri(TABLE), NOW)
    assert packed < active(lake)
    assert len(active(lake)) == 4  # the last of four has nothing to be packed with


def test_a_table_with_few_small_files_or_none_at_all_is_left_alone(lake: SilverWriter) -> None:
    tend(lake.uri(TABLE), NOW)
    assert not root(lake).exists()

    fill(lake, 0, 1, 2)
    tend(lake.uri(TABLE), NOW)
    assert opened(lake).version == 2


def test_rejected_records_are_tended_with_their_table(lake: SilverWriter) -> None:
    fill(lake, 0)
    for number in range(4):
        lake.reject(TABLE, at(number), [("missing_key", "{}")])
    lake.commit(TABLE, {at(3): []})

    tend(lake.uri(TABLE), NOW)

    rejected = rejected_uri(lake.uri(TABLE))
    assert len(DeltaTable(rejected).file_uris()) == 2
    assert opened(lake).snapshots() == {at(0), at(3)}


# --- the load ---------------------------------------------------------------------------------------------------------


def test_the_load_does_nothing_twice_and_goes_on_from_its_place(load: Loading, lake: SilverWriter) -> None:
    lake.commit(PARENT, {at(0): [category(1), category(2)]})
    load(PARENT)
    fill(lake, 0, 1, 2, 3)
    assert load(TABLE).rows_loaded == 8

    tend(lake.uri(TABLE), NOW)

    assert not load.loader(TABLE).should_load(TABLE)
    assert load(TABLE).status is Status.NOTHING
    fill(lake, 4)
    assert load(TABLE).snapshots == [at(4)]


def test_what_was_not_loaded_yet_is_loaded_from_the_packed_files(load: Loading, lake: SilverWriter) -> None:
    lake.commit(PARENT, {at(0): [category(1), category(2)]})
    load(PARENT)
    fill(lake, 0, 1)
    load(TABLE)
    fill(lake, 2, 3)
    tend(lake.uri(TABLE), NOW)

    unit = load(TABLE)

    assert (unit.snapshots, unit.rows_loaded, unit.rows_present) == ([at(2), at(3)], 4, 0)
    assert load.rows(f"SELECT sum(market_cap), count(*) FROM dwh.{TABLE}") == [(0, 8)]


def test_a_second_warehouse_is_filled_although_the_log_begins_late(load: Loading, lake: SilverWriter) -> None:
    lake.commit(PARENT, {at(0): [category(1), category(2)]})
    load(PARENT)
    fill(lake, 0, 1, 2, 3)
    tend(lake.uri(TABLE), NOW)
    fill(lake, 4, 5, 6, 7)
    tend(lake.uri(TABLE), LATER)
    assert log_names(lake)[0] > f"{4:020d}"

    assert load(TABLE).snapshots == [at(number) for number in range(8)]
    assert load(TABLE).status is Status.NOTHING


# --- time travel ------------------------------------------------------------------------------------------------------


def test_every_version_of_the_last_thirty_days_can_be_opened(load: Loading, lake: SilverWriter) -> None:
    lake.commit(PARENT, {at(0): [category(1), category(2)]})
    load(PARENT)
    fill(lake, 0, 1, 2, 3)
    former = [rows(opened(lake, version)) for version in range(4)]
    tend(lake.uri(TABLE), NOW)
    fill(lake, 4, 5, 6, 7)
    tend(lake.uri(TABLE), NOW + TIME_TRAVEL - timedelta(days=1))

    assert [rows(opened(lake, version)) for version in range(4)] == former
    assert load(TABLE, version=1).snapshots == [at(0), at(1)]
    assert load(TABLE, version=1, replace=True).rows_loaded == 4


def test_older_versions_are_refused_as_cleaned_up_and_their_files_deleted(load: Loading, lake: SilverWriter) -> None:
    fill(lake, 0, 1, 2, 3)
    tend(lake.uri(TABLE), NOW)
    first_kept = opened(lake).version
    age(root(lake), TIME_TRAVEL + timedelta(days=1))
    fill(lake, 4, 5, 6, 7)
    whole = rows(opened(lake))

    tend(lake.uri(TABLE), NOW)

    assert rows(opened(lake)) == whole
    for version in range(first_kept):
        with pytest.raises(UsageError, match=f"no version {version} any more: the Delta log was cleaned up"):
            load(TABLE, version=version)
    for version in range(first_kept, opened(lake).version):
        assert len(rows(opened(lake, version))) == 8 + 2 * (version - first_kept)
    assert log_names(lake)[0] == f"{first_kept:020d}.checkpoint.parquet"
    # Of the first four a packed file and a single one are left, of the last four all, and what they were packed into.
    assert len(on_disk(lake)) == 2 + 4 + 2


def test_spark_s_own_checksums_go_with_their_files(lake: SilverWriter) -> None:
    fill(lake, 0, 1, 2, 3)
    (single,) = (name for name in sorted(on_disk(lake))[:1])
    checksums = [root(lake) / f".{single}.crc", root(lake) / "_delta_log" / f".{0:020d}.json.crc"]
    for path in checksums:
        path.write_bytes(b"crc")
    tend(lake.uri(TABLE), NOW)
    assert all(path.exists() for path in checksums)
    fill(lake, 4, 5, 6, 7)

    tend(lake.uri(TABLE), LATER)

    assert not any(path.exists() for path in checksums)


# --- accidents --------------------------------------------------------------------------------------------------------


def test_a_file_left_behind_by_a_killed_writer_is_deleted_once_nobody_can_be_writing_it(lake: SilverWriter) -> None:
    fill(lake, 0, 1, 2, 3)
    stray = root(lake) / "part-stray.parquet"
    stray.write_bytes(b"PAR1")
    tend(lake.uri(TABLE), NOW)
    assert stray.exists()

    fill(lake, 4, 5, 6, 7)
    tend(lake.uri(TABLE), NOW + timedelta(days=2))
    assert not stray.exists()
    assert len(rows(opened(lake, 3))) == 8  # what older versions need is there


class Killed(BaseException):
    """Stands for the end of the process."""


@dataclass
class Deaths:
    """Lets upkeep die just before its n-th step that reaches the disk: a file made durable, or one deleted."""

    patch: pytest.MonkeyPatch
    steps: int = 0

    def at(self, step: int) -> None:
        """Die before this step, counted from 1; 0 lets all pass and counts them."""
        self.steps = 0
        for owner, name in ((os, "fsync"), (Path, "unlink")):
            self.patch.setattr(owner, name, self._counted(getattr(owner, name), step))

    def _counted(self, reached: Callable[..., None], step: int) -> Callable[..., None]:
        def counted(*arguments: object, **options: object) -> None:
            self.steps += 1
            if self.steps == step:
                raise Killed
            reached(*arguments, **options)

        return counted


def copied(lake: SilverWriter, folder: Path) -> SilverWriter:
    shutil.copytree(lake.root, folder)
    return SilverWriter(folder)


def steps_of(lake: SilverWriter, folder: Path) -> int:
    """Return how many steps of upkeep reach the disk."""
    with pytest.MonkeyPatch.context() as patch:
        deaths = Deaths(patch)
        deaths.at(0)
        tend(copied(lake, folder).uri(TABLE), LATER)
    assert deaths.steps > 10
    return deaths.steps


def test_a_process_that_dies_at_any_step_leaves_the_table_whole(tmp_path: Path, lake: SilverWriter) -> None:
    fill(lake, *range(4))
    tend(lake.uri(TABLE), NOW)
    fill(lake, *range(4, 8))
    whole = rows(opened(lake))
    for step in range(1, steps_of(lake, tmp_path / "lives") + 1):
        dying = copied(lake, tmp_path / f"dies at {step}")
        with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
            Deaths(patch).at(step)
            tend(dying.uri(TABLE), LATER)

        assert rows(opened(dying)) == whole, step
        fill(dying, *range(8, 12))
        tend(dying.uri(TABLE), LATER)
        assert opened(dying).snapshots() == {at(number) for number in range(12)}, step
        assert rows(opened(dying))[: len(whole)] == whole, step
        assert len(active(dying)) < 8, step


def test_the_load_does_nothing_twice_after_an_upkeep_that_died(load: Loading, lake: SilverWriter) -> None:
    lake.commit(PARENT, {at(0): [category(1), category(2)]})
    load(PARENT)
    fill(lake, 0, 1, 2, 3)
    load(TABLE)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        Deaths(patch).at(5)
        tend(lake.uri(TABLE), LATER)
    assert load(TABLE).status is Status.NOTHING
    fill(lake, 4, 5, 6, 7)
    tend(lake.uri(TABLE), LATER)
    assert load(TABLE).snapshots == [at(number) for number in range(4, 8)]


def test_a_log_of_which_only_the_oldest_part_was_forgotten_is_whole(
    lake: SilverWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(lake, 0, 1, 2, 3)
    tend(lake.uri(TABLE), NOW)
    fill(lake, 4, 5, 6, 7)
    whole = rows(opened(lake))
    unlink, left = Path.unlink, iter(range(2))

    def dies_at_the_third(path: Path, *, missing_ok: bool = False) -> None:
        if next(left, None) is None:
            raise Killed
        unlink(path, missing_ok=missing_ok)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Path, "unlink", dies_at_the_third)
        tend(lake.uri(TABLE), LATER)

    assert log_names(lake)[0] == f"{2:020d}.json"
    assert rows(opened(lake)) == whole
    with pytest.raises(StorageError):
        opened(lake, 3)


@pytest.mark.parametrize("damage", ["missing", "text", "fewer rows"])
def test_a_file_that_is_not_what_the_log_says_stops_the_upkeep_and_nothing_else(
    damage: str, lake: SilverWriter, caplog: pytest.LogCaptureFixture
) -> None:
    fill(lake, 0, 1, 2, 3)
    path = root(lake) / compaction.small_files(DeltaTable(lake.uri(TABLE)))[0].path
    content = pq.read_table(path)
    path.unlink()
    if damage == "text":
        path.write_text("text")
    elif damage == "fewer rows":
        pq.write_table(content.slice(1), path)
    before = on_disk(lake)

    with caplog.at_level(logging.WARNING, "cryptoelt.upkeep"):
        tend(lake.uri(TABLE), NOW)

    assert opened(lake).version == 3
    assert on_disk(lake) == before
    (record,) = caplog.records
    assert record.message == "upkeep.failed"
    assert path.name in record.told  # type: ignore[attr-defined]


def test_a_table_whose_files_are_not_plain_rows_is_left_alone(lake: SilverWriter) -> None:
    fill(lake, 0, 1, 2, 3)
    table = DeltaTable(lake.uri(TABLE))
    table.alter.add_feature(TableFeatures.DeletionVectors, allow_protocol_versions_increase=True)
    version = opened(lake).version

    tend(lake.uri(TABLE), NOW)

    assert opened(lake).version == version


def test_what_the_log_refers_to_is_on_the_disk_before_the_log_says_so(
    lake: SilverWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(lake, 0, 1, 2, 3)
    folder = root(lake) / "_delta_log"
    commit = folder / f"{4:020d}.json"
    synced: list[tuple[Path, bool]] = []
    fsync = os.fsync

    def recorded(descriptor: int) -> None:
        synced.append((Path(f"/proc/self/fd/{descriptor}").readlink(), commit.exists()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", recorded)
    tend(lake.uri(TABLE), NOW)

    (packed,) = (path for path in active(lake) if (root(lake) / path, False) in synced)
    assert (root(lake), False) in synced
    assert {(path, True) for path in (commit, folder, folder / f"{4:020d}.checkpoint.parquet")} <= set(synced)
    assert packed
