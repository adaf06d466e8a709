"""Takes snapshots out of a Silver table whose Bronze files were set aside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptoelt.lake.bronze import BronzeSnapshot
from cryptoelt.lake.silver import SilverTable, incomplete_uri, rejected_uri
from cryptoelt.tables import TABLES
from cryptoelt.transform.append import take_out
from cryptoelt.transform.failures import SPARK_FAILURES, spark_failure
from cryptoelt.transform.pending import silver_uri

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from cryptoelt.transform.base import TransformContext


def held_of(lake_root: str, table: str, snapshots: Collection[datetime]) -> set[datetime]:
    """Return which of these snapshots a Silver table holds, or the tables beside it; answered without Spark."""
    tables = map(SilverTable, _places(silver_uri(lake_root, table)))
    held: set[datetime] = set().union(*(found.snapshots() for found in tables if found.exists))
    return held.intersection(snapshots)


def remove(context: TransformContext, table: str, snapshots: Collection[datetime]) -> None:
    """Delete the rows of some snapshots from a Silver table, and what the tables beside it say of them.

    A process that dies between two of them leaves the later ones, by which the next finds what is still to be done.

    Raises:
        TransformError: Spark could not write the table.
    """
    try:
        for place in _places(silver_uri(context.lake_root, table)):
            if SilverTable(place).exists:
                take_out(context.spark(), place, snapshots, context.run_id)
    except SPARK_FAILURES as exc:
        context.clock.stop.raise_if_set()  # a signal to the whole group has ended the JVM too
        sources = [BronzeSnapshot(TABLES[table].endpoint, moment, ()) for moment in sorted(snapshots)]
        raise spark_failure(table, sources, context.bronze, exc) from exc


def _places(uri: str) -> tuple[str, ...]:
    return uri, incomplete_uri(uri), rejected_uri(uri)
