"""Which Bronze snapshots a Silver table lacks; answered without Spark and without reading history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from cryptoelt.clock import FUTURE, parse_iso
from cryptoelt.lake.silver import SilverTable, table_uri
from cryptoelt.metadata.journals import Journal
from cryptoelt.results import Phase
from cryptoelt.tables import TABLES

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from cryptoelt.lake.bronze import Bronze, BronzeSnapshot


_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Pending:
    """Bronze snapshots that a Silver table lacks, oldest first, and the one up to which it is known to lack none."""

    snapshots: list[BronzeSnapshot]
    complete: datetime | None


def silver_uri(lake_root: str, table: str) -> str:
    """Return where the Silver table of this name lies."""
    return table_uri(lake_root, TABLES[table].domain, table)


def find_pending(table: str, bronze: Bronze, lake_root: str, metadata_dir: Path, now: datetime) -> Pending:
    """Return the Bronze snapshots that a table lacks.

    The journal says up to which snapshot the table was complete; that word is taken only while the table is the one it
    was written for, and saves looking at older files. A lost journal costs time, never a snapshot. The month of that
    snapshot and the one before are looked at all the same: a file that was taken away when it was damaged is put back
    later than its successors. Complete up to a moment that lies in the future says nothing of what has come since.
    """
    silver = SilverTable(silver_uri(lake_root, table))
    complete = _complete_through(Journal(metadata_dir, Phase.TRANSFORM, table), silver, now)
    after = None if complete is None else _month_before(complete) - _SECOND
    fetched = bronze.snapshots(TABLES[table].endpoint, after=after)
    present = silver.snapshots(after=after) if fetched and silver.exists else set()
    lacking = [snapshot for snapshot in fetched if snapshot.snapshot not in present and bronze.has_rows(snapshot)]
    if complete is not None and lacking:
        complete = min(complete, lacking[0].snapshot - _SECOND)
    return Pending(lacking, complete)


def _month_before(moment: datetime) -> datetime:
    """Return the beginning of the month before a moment's own."""
    month = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (month - timedelta(days=1)).replace(day=1)


def _complete_through(journal: Journal, silver: SilverTable, now: datetime) -> datetime | None:
    last = journal.last()
    if last is None or not silver.exists or last.get("complete_through") is None:
        return None
    try:
        table_id, version, complete = last["silver_table_id"], int(last["silver_version"]), last["complete_through"]
        moment, ended = parse_iso(complete), parse_iso(last.get("ended_at") or complete)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None  # a line that somebody mended by hand costs time too, no more
    if moment > min(now, ended) + FUTURE:
        return None
    same_table = table_id == silver.table_id and version <= silver.version
    return moment if same_table and silver.only_grew_after(version) else None
