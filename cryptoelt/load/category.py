"""Loads the tables of categories, and who belongs to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cryptoelt.load.base import BaseLoader
from cryptoelt.load.batches import Counts
from cryptoelt.load.facts import infer_parents
from cryptoelt.load.links import LINK, LISTS, LinkMerge
from cryptoelt.load.stage import quarantine_rejected, stage_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    import pyarrow as pa
    from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 spells its class in lower case
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

    from cryptoelt.lake.silver import SilverTable
    from cryptoelt.load.pending import Work
    from cryptoelt.warehouse.schema import Target


class CategoryLoader(BaseLoader):
    """dim_crypto_category, fact_crypto_category and link_crypto_category."""

    domain = "category"
    copied: ClassVar[frozenset[str]] = frozenset({LISTS})

    def _load_link_table(
        self, cursor: Cursor, table: str, silver: SilverTable, work: Work, batch_id: int, *, replace: bool
    ) -> Counts:
        """Turn observations into intervals.

        What began a membership or ended some counts as loaded, what confirmed them as present.
        """
        from cryptoelt.warehouse.schema import target_of

        target = target_of(table)
        staged = stage_rows(cursor, target, silver.read(work.snapshots, columns=target.staged.names))
        rejected = quarantine_rejected(
            cursor, table, silver, work.snapshots, batch_id, self.clock.now(), replace=replace
        )
        infer_parents(cursor, target, batch_id, work.snapshots if replace else ())
        merge = LinkMerge(cursor, batch_id, work.snapshots, work.snapshots if replace else ())
        later = self._observed_since(cursor.connection, target, min(work.snapshots), work.snapshots)
        changed = merge.observed(target, later)
        return Counts(changed, staged - changed, rejected)

    def _follow_up(self, cursor: Cursor, table: str, work: Work, batch_id: int, *, replace: bool) -> None:
        """End the memberships of categories that are gone from a list just loaded."""
        if table != LISTS:
            return
        merge = LinkMerge(cursor, batch_id, work.snapshots, work.snapshots if replace else ())
        if merge.concerned():
            from cryptoelt.warehouse.schema import target_of

            target = target_of(LINK)
            merge.listed(target, self._observed_since(cursor.connection, target, min(work.snapshots), ()))

    def _observed_since(
        self, connection: Connection, target: Target, start: datetime, without: Collection[datetime]
    ) -> Iterable[pa.RecordBatch]:
        """Return what Silver holds of the loaded snapshots from a moment on: as a rule there are none."""
        silver = self.read_delta(LINK)
        if not silver.exists:
            return ()
        later = self.read_from_dw(connection, LINK, silver).snapshots(since=start) - set(without)
        return silver.read(later, columns=target.staged.names) if later else ()
