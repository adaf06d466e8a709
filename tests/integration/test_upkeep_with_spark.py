"""A table that was tended between two runs: Spark goes on with it as if nothing had happened."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from deltalake import DeltaTable

from cryptoelt.clock import Clock
from cryptoelt.lake import upkeep
from cryptoelt.lake.upkeep import TIME_TRAVEL, tend
from cryptoelt.results import Status
from cryptoelt.transform.pending import find_pending, silver_uri
from tests.support.transforming import extract

if TYPE_CHECKING:
    import pytest

    from cryptoelt.settings import Settings
    from tests.support.transforming import Silver

ENDPOINT, TABLE = "fear-and-greed/latest", "fact_market_sentiment"


def spark_counts(silver: Silver, uri: str, version: int | None = None) -> int:
    reader = silver.context.spark().read.format("delta")
    return (reader if version is None else reader.option("versionAsOf", version)).load(uri).count()


def test_a_late_snapshot_is_found_and_built_after_upkeep_and_nothing_else_is(
    settings: Settings, silver: Silver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "SMALL_FILES", 3)
    uri = silver_uri(settings.lake_root, TABLE)
    for _ in range(4):
        extract(settings, ENDPOINT)
    files = [Path(silver.bronze.location(file)) for file in silver.bronze.files(ENDPOINT)]
    files[1].rename(files[1].with_suffix(".away"))
    silver.build(TABLE)

    tend(uri, datetime.now(UTC))

    assert len(DeltaTable(uri).file_uris()) == 1
    assert silver.build(TABLE).status is Status.NOTHING
    files[1].with_suffix(".away").rename(files[1])
    late = silver.build(TABLE)
    assert (len(late.snapshots), late.rows_in, late.rows_loaded) == (1, 1, 1)
    assert late.snapshots[0] < max(row["snapshot_timestamp"] for row in silver.rows(TABLE))
    now = Clock().now()
    assert find_pending(TABLE, silver.bronze, settings.lake_root, settings.metadata_dir, now).snapshots == []
    assert (spark_counts(silver, uri), spark_counts(silver, uri, version=1)) == (4, 2)

    for _ in range(2):
        extract(settings, ENDPOINT)
    silver.build(TABLE)
    tend(uri, datetime.now(UTC) + TIME_TRAVEL)

    silver.context.spark().catalog.refreshByPath(uri)
    assert (len(DeltaTable(uri).file_uris()), spark_counts(silver, uri)) == (2, 6)
    extract(settings, ENDPOINT)
    assert silver.build(TABLE).rows_loaded == 1
    assert spark_counts(silver, uri) == len(silver.rows(TABLE)) == 7
