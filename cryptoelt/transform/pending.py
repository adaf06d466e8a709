"""Which Bronze snapshots a Silver table lacks; answered without Spark and without reading history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptoelt.clock import parse_iso
from cryptoelt.lake.silver import SilverTable, table_uri
from cryptoelt.metadata.journals import Journal
from cryptoelt.results import Phase
from cryptoelt.tables import TABLES

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from cryptoelt.lake.bronze import Bronze, BronzeFile


@dataclass(frozen=True)
class Pending:
    """Bronze snapshots that a Silver table lacks, oldest first, and the one up to which it is known to lack none."""

    files: list[BronzeFile]
    complete: datetime | None


def silver_uri(lake_root: str, table: str) -> str:
    """Return where the Silver table of this name lies."""
    return table_uri(lake_root, TABLES[table].domain, table)


def find_pending(table: str, bronze: Bronze, lake_root: str, metadata_dir: Path) -> Pending:
    """Return the Bronze snapshots that a table lacks.

    The journal says up to which snapshot the table was complete; that word is taken only while the table is the one it
    was written for, and saves looking at older files. A lost journal costs time, never a snapshot.
    """
    silver = SilverTable(silver_uri(lake_root, table))
    complete = _complete_through(Journal(metadata_dir, Phase.TRANSFORM, table), silver)
    files = bronze.files(TABLES[table].endpoint, after=complete)
    present = silver.snapshots(after=complete) if files and silver.exists else set()
    return Pending([file for file in files if file.snapshot not in present], complete)


def _complete_through(journal: Journal, silver: SilverTable) -> datetime | None:
    last = journal.last()
    if last is None or not silver.exists or last.get("complete_through") is None:
        return None
    same_table = last["silver_table_id"] == silver.table_id and last["silver_version"] <= silver.version
    return parse_iso(last["complete_through"]) if same_table else None
