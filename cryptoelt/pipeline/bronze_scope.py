"""What of Bronze a backfill concerns, table by table; answered without Spark."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cryptoelt
from cryptoelt.lake.silver import SilverTable
from cryptoelt.tables import TABLES
from cryptoelt.transform.pending import find_pending, silver_uri

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from cryptoelt.lake.bronze import Bronze, BronzeSnapshot
    from cryptoelt.settings import Settings

#: The code that decides what stands in a table.
_DECIDING = ("tables.py", "extract/fields.py", "transform", "load", "warehouse/models")


@dataclass(frozen=True)
class TableScope:
    """What of one table a backfill concerns.

    Attributes:
        table: the table.
        includes: tells whether a snapshot is meant.
        sources: the Bronze snapshots that are to be built, oldest first.
        in_bronze: all snapshots that Bronze holds of its endpoint.
        held: the snapshots that Silver holds.
    """

    table: str
    includes: Callable[[datetime], bool]
    sources: list[BronzeSnapshot]
    in_bronze: Collection[datetime]
    held: Collection[datetime]

    @property
    def is_any_in_bronze(self) -> bool:
        """Whether Bronze holds a snapshot that is meant."""
        return any(map(self.includes, self.in_bronze))

    @property
    def kept(self) -> list[datetime]:
        """The snapshots that are meant and that Silver holds, but Bronze no longer does."""
        return sorted(filter(self.includes, set(self.held).difference(self.in_bronze)))


def scope_of(
    table: str,
    bronze: Bronze,
    settings: Settings,
    includes: Callable[[datetime], bool],
    now: datetime,
    *,
    rebuild: bool,
    earlier: Collection[str] = (),
) -> TableScope:
    """Return what of a table is to be built: what Silver lacks, or with `rebuild` all that Bronze holds.

    Args:
        table: the table.
        bronze: the raw snapshots.
        settings: where Silver and the journals lie.
        includes: tells whether a snapshot is meant.
        now: the moment.
        rebuild: also what Silver has.
        earlier: runs whose work a rebuild goes on with.

    Raises:
        StorageError: Bronze or Silver cannot be listed.
    """
    silver = SilverTable(silver_uri(settings.lake_root, table))
    fetched = bronze.snapshots(TABLES[table].endpoint)
    held = silver.snapshots() if silver.exists else set()
    if rebuild:
        done = held.intersection(silver.written_by(earlier)) if silver.exists and earlier else set()
        found = [source for source in fetched if source.snapshot not in done]
    else:
        found = find_pending(table, bronze, settings.lake_root, settings.metadata_dir, now).snapshots
    sources = [s for s in found if includes(s.snapshot) and (not rebuild or bronze.has_rows(s))]
    return TableScope(table, includes, sources, {source.snapshot for source in fetched}, held)


def code_digest() -> str:
    """Return a checksum of the code that decides what stands in the tables."""
    package = Path(cryptoelt.__file__).parent
    digest = hashlib.sha256()
    for name in _DECIDING:
        place = package / name
        for path in [place] if place.is_file() else sorted(place.rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()
