"""Silver and Bronze changed by other hands: rows taken out, files put back late, rows that get lost on the way."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from deltalake import DeltaTable
from pyspark.sql import functions as F

from cryptoelt.errors import DamagedFileError, TransformError
from cryptoelt.lake.silver import SilverTable, rejected_uri
from cryptoelt.results import Phase, Status, Unit
from cryptoelt.transform.base import BaseTransformer, Build
from cryptoelt.transform.pending import silver_uri
from cryptoelt.transform.sentiment import SentimentTransformer
from tests.support.transforming import extract

if TYPE_CHECKING:
    from cryptoelt.sandbox.server import SandboxServer
    from cryptoelt.settings import Settings
    from tests.support.transforming import Silver
ENDPOINT, TABLE = "fear-and-greed/latest", "fact_market_sentiment"


def delta(settings: Settings, table: str = TABLE) -> DeltaTable:
    return DeltaTable(silver_uri(settings.lake_root, table))


def files(silver: Silver) -> list[Path]:
    return [Path(silver.bronze.location(file)) for file in silver.bronze.files(ENDPOINT)]


@pytest.mark.parametrize("journal", ["kept", "lost"])
def test_a_snapshot_that_a_restore_took_out_is_built_again(journal: str, settings: Settings, silver: Silver) -> None:
    first, second = extract(settings, ENDPOINT), extract(settings, ENDPOINT)
    silver.build(TABLE)
    delta(settings).restore(0)
    if journal == "lost":
        silver.journal(TABLE).unlink()
    unit = silver.build(TABLE)
    assert (unit.snapshots, unit.rows_in, unit.rows_loaded, unit.rows_present) == ([second], 1, 1, 0)
    assert sorted(row["snapshot_timestamp"] for row in silver.rows(TABLE)) == [first, second]
    assert silver.build(TABLE).status is Status.NOTHING


def test_rows_deleted_by_hand_are_built_again_and_compaction_changes_nothing(
    settings: Settings, silver: Silver
) -> None:
    for _ in range(3):
        extract(settings, ENDPOINT)
    snapshots = silver.build(TABLE).snapshots
    delta(settings).optimize.compact()
    assert silver.build(TABLE).status is Status.NOTHING
    gone = f"snapshot_timestamp = timestamp '{snapshots[1]:%Y-%m-%d %H:%M:%S}'"
    uri = silver_uri(settings.lake_root, TABLE)
    silver.context.spark().sql(f"DELETE FROM delta.`{uri}` WHERE {gone}")
    assert silver.build(TABLE).snapshots == [snapshots[1]]
    assert sorted(row["snapshot_timestamp"] for row in silver.rows(TABLE)) == snapshots


def test_a_damaged_file_taken_away_and_put_back_later_is_taken_in(settings: Settings, silver: Silver) -> None:
    snapshots = [extract(settings, ENDPOINT) for _ in range(3)]
    damaged = files(silver)[1]
    good = damaged.read_bytes()
    damaged.write_bytes(b"")
    with pytest.raises(DamagedFileError):
        silver.build(TABLE)
    damaged.unlink()
    snapshots.append(extract(settings, ENDPOINT))
    assert silver.build(TABLE).snapshots == [snapshots[3]]
    damaged.write_bytes(good[:100])  # the first copy is no better
    for _ in range(2):
        with pytest.raises(DamagedFileError):
            silver.build(TABLE)
    damaged.write_bytes(good)
    assert silver.build(TABLE).snapshots == [snapshots[1]]
    assert silver.build(TABLE).status is Status.NOTHING
    assert sorted(row["snapshot_timestamp"] for row in silver.rows(TABLE)) == snapshots


def test_a_snapshot_of_rejects_alone_is_not_built_twice(
    settings: Settings, sandbox: SandboxServer, silver: Silver
) -> None:
    extract(settings, ENDPOINT)
    silver.build(TABLE)
    sandbox.add_fault("wrong_type")
    whatever = settings.extract.model_copy(update={"unusable_share": 1})
    extract(settings.model_copy(update={"extract": whatever}), ENDPOINT)
    unit = silver.build(TABLE)
    assert (unit.rows_in, unit.rows_loaded, unit.rows_quarantined) == (1, 0, 1)
    silver.journal(TABLE).unlink()
    assert silver.build(TABLE).status is Status.NOTHING
    uri = silver_uri(settings.lake_root, TABLE)
    assert (SilverTable(uri).version, SilverTable(rejected_uri(uri)).version) == (1, 0)


@pytest.mark.parametrize(
    "line", ['{"complete_through": "yesterday"}', '{"complete_through": 7, "silver_version": "x"}']
)
def test_a_journal_line_mended_by_hand_costs_no_snapshot(line: str, settings: Settings, silver: Silver) -> None:
    extract(settings, ENDPOINT)
    silver.build(TABLE)
    later = extract(settings, ENDPOINT)
    silver.journal(TABLE).write_text(f"{line}\n")
    assert silver.build(TABLE).snapshots == [later]


def test_what_was_committed_is_on_the_disk_before_the_journal_says_so(
    settings: Settings, silver: Silver, monkeypatch: pytest.MonkeyPatch
) -> None:
    extract(settings, ENDPOINT)
    synced: list[Path] = []
    fsync = os.fsync

    def recorded(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", recorded)
    silver.build(TABLE)
    root = Path(silver_uri(settings.lake_root, TABLE))
    committed = {*root.glob("*.parquet"), *root.glob("_delta_log/*.json"), root, root / "_delta_log"}
    assert len(committed) == 4
    assert committed <= set(synced[: synced.index(silver.journal(TABLE))])


class Careless(BaseTransformer):
    """Loses or doubles rows on the way, as a defect might."""

    domain = "sentiment"
    scores = "array(1L, 2L)"

    @property
    def builds(self) -> dict[str, Build]:  # type: ignore[override]  # the attribute of the class, as a test varies it
        build = SentimentTransformer.builds[TABLE]
        columns = {**build.columns(), "fear_greed_score": F.explode(F.expr(self.scores))}
        return {TABLE: replace(build, columns=lambda: columns)}


@pytest.mark.parametrize(("scores", "rows"), [("array(1L, 2L)", 2), ("filter(array(1L), x -> false)", 0)])
def test_rows_that_get_lost_or_doubled_are_not_taken_for_present(
    scores: str, rows: int, settings: Settings, silver: Silver
) -> None:
    extract(settings, ENDPOINT)
    careless = Careless(silver.context)
    careless.scores = scores
    with pytest.raises(TransformError, match=f"{rows} rows came out of .*, 1 should have"):
        careless.transform_table(TABLE, Unit(Phase.TRANSFORM, TABLE))
