"""Writes snapshots to Silver tables, each of them once: appended one by one, or put in place many at a time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from cryptoelt.clock import iso
from cryptoelt.lake.silver import SNAPSHOT, SilverTable, commit_metadata, removal_metadata

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from pyspark.sql import DataFrame, SparkSession

_SECOND = timedelta(seconds=1)


def append_once(
    rows: DataFrame, uri: str, table: str, snapshot: datetime, run_id: str
) -> tuple[SilverTable, int | None]:
    """Append one snapshot in one commit; return the table, and how many rows that added, None where it was there.

    The transaction identity is the snapshot itself, at version 1. A running number or a time as version would make
    Delta skip an older snapshot that comes after a newer one, without a word.
    """
    before = SilverTable(uri)
    version = before.version if before.exists else -1
    # A table that an older version has made lacks the columns that came since.
    metadata = {"userMetadata": commit_metadata([snapshot], run_id=run_id), "mergeSchema": "true"}
    identity = {"txnAppId": f"{table}@{iso(snapshot)}", "txnVersion": "1"}
    _append(rows, uri, {**metadata, **identity})
    silver = SilverTable(uri)
    if silver.version == version:
        if snapshot in silver.snapshots(after=snapshot - _SECOND):
            return silver, None
        # A DELETE or RESTORE takes rows out of the table, not identities out of the log: Delta skipped the rows as
        # known. Nobody else writes meanwhile, and what is in the table is never pending, so they need no identity.
        _append(rows, uri, metadata)
        silver = SilverTable(uri)
    silver.make_durable_after(version)
    return silver, silver.rows_added_after(version)


def put_in_place(rows: DataFrame, uri: str, snapshots: Collection[datetime], run_id: str) -> tuple[SilverTable, int]:
    """Put the rows of some snapshots in place of what a table holds of them, in one commit; the table may be new.

    Returns:
        The table, and how many rows were written of these snapshots.
    """
    before = SilverTable(uri)
    version = before.version if before.exists else -1
    options = {
        "userMetadata": commit_metadata(snapshots, run_id=run_id, replaces=True),
        "mergeSchema": "true",  # a KPI that is new is why one rebuilds
        # Without an identity of its own, a commit of no rows would be left out: it says that all were rejected.
        "txnAppId": f"{run_id}/{uuid4()}",
        "txnVersion": "1",
    }
    mode = "append"  # half the work, where nothing is in the place
    if before.exists and before.has_rows_of(snapshots):
        mode, options["replaceWhere"] = "overwrite", _is_one_of(snapshots)
    rows.write.format("delta").mode(mode).options(**options).save(uri)
    silver = SilverTable(uri)
    silver.make_durable_after(version)
    return silver, silver.rows_put_in_place(version + 1)


def take_out(spark: SparkSession, uri: str, snapshots: Collection[datetime], run_id: str) -> None:
    """Delete the rows of some snapshots from a table, in one commit that says so; earlier versions keep them."""
    before = SilverTable(uri)
    rows = spark.read.format("delta").load(uri).limit(0)
    options = {
        "userMetadata": removal_metadata(snapshots, run_id=run_id),
        "replaceWhere": _is_one_of(snapshots),
        "txnAppId": f"{run_id}/{uuid4()}",
        "txnVersion": "1",
    }
    rows.write.format("delta").mode("overwrite").options(**options).save(uri)
    SilverTable(uri).make_durable_after(before.version)


def _is_one_of(snapshots: Collection[datetime]) -> str:
    moments = ", ".join(f"TIMESTAMP '{iso(moment)}'" for moment in sorted(snapshots))
    return f"{SNAPSHOT} IN ({moments})"


def _append(rows: DataFrame, uri: str, options: dict[str, str]) -> None:
    rows.coalesce(1).write.format("delta").mode("append").options(**options).save(uri)
