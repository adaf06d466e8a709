"""Takes snapshots out of a Silver table whose Bronze files were set aside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptoelt.lake.bronze import BronzeSnapshot
from cryptoelt.lake.silver import SilverTable, rejected_uri
from cryptoelt.tables import TABLES
from cryptoelt.transform.append import take_out
from cryptoelt.transform.failures import SPARK_FAILURES, spark_failure
from cryptoelt.transform.pending import silver_uri

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from cryptoelt.transform.base import TransformContext


def held_of(lake_root: str, table: str, snapshots: Collection[datetime]) -> set[datetime]:
    """Return which of these snapshots a Silver table holds, rejected records included; answered without Spark."""
    silver = SilverTable(silver_uri(lake_root, table))
    rejected = SilverTable(rejected_uri(silver.uri))
    held = silver.snapshots() if silver.exists else set()
    return (held | (rejected.snapshots() if rejected.exists else set())).intersection(snapshots)


def remove(context: TransformContext, table: str, snapshots: Collection[datetime]) -> None:
    """Delete the rows of some snapshots from a Silver table, the rejected records last.

    A process that dies between the two leaves rejected records, by which the next one finds what is still to be done.

    Raises:
        TransformError: Spark could not write the table.
    """
    uri = silver_uri(context.lake_root, table)
    try:
        for place in (uri, rejected_uri(uri)):
            if SilverTable(place).exists:
                take_out(context.spark(), place, snapshots, context.run_id)
    except SPARK_FAILURES as exc:
        context.clock.stop.raise_if_set()  # a signal to the whole group has ended the JVM too
        sources = [BronzeSnapshot(TABLES[table].endpoint, moment, ()) for moment in sorted(snapshots)]
        raise spark_failure(table, sources, context.bronze, exc) from exc
