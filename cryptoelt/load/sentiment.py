"""Loads fact_market_sentiment, from the latest values and from the history of the index.

A point of the historical answer stands at its own time, not at the snapshot that brought it. Of several answers that
tell the same point the earliest snapshot counts, in whatever order they are loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg2 import sql

from cryptoelt.load.base import BaseLoader
from cryptoelt.load.batches import Counts
from cryptoelt.load.stage import quarantine_rejected, stage_rows

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 spells its class in lower case

    from cryptoelt.lake.silver import SilverTable
    from cryptoelt.load.pending import Work

_HISTORY = "market_sentiment_history"
_ELSEWHERE = sql.Identifier("pg_temp", "elsewhere")
_POINTS = """
CREATE TEMP TABLE points ON COMMIT DROP AS
SELECT DISTINCT ON (value_timestamp) value_timestamp, fear_greed_score, sentiment_label,
    snapshot_timestamp AS told_at, is_staged
FROM (SELECT *, true AS is_staged FROM pg_temp.stage UNION ALL SELECT *, false FROM pg_temp.elsewhere) AS q
ORDER BY value_timestamp, snapshot_timestamp
"""
# Points of the history only: a latest value that happens to stand at midnight is none.
_DELETE = """
DELETE FROM dwh.fact_market_sentiment AS f USING ops.load_batch AS b
WHERE b.load_batch_id = f.load_batch_id AND b.table_name = 'market_sentiment_history' AND """
_TOLD_EARLIER_NOW = """EXISTS (
    SELECT FROM pg_temp.points AS p WHERE p.value_timestamp = f.snapshot_timestamp
    AND p.told_at = ANY(%(new)s::timestamptz[])
    AND ROW(p.fear_greed_score, p.sentiment_label) IS DISTINCT FROM ROW(f.fear_greed_score, f.sentiment_label)
)"""
_REPLACED = """(b.snapshots <@ %(snapshots)s::timestamptz[] OR EXISTS (
    SELECT FROM pg_temp.stage AS s WHERE s.value_timestamp = f.snapshot_timestamp
))"""
_INSERT = """
INSERT INTO dwh.fact_market_sentiment
    (snapshot_timestamp, snapshot_str, fear_greed_score, sentiment_label, value_timestamp, load_batch_id)
SELECT value_timestamp, to_char(value_timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD'), fear_greed_score, sentiment_label,
    value_timestamp, %(batch)s FROM pg_temp.points
ON CONFLICT DO NOTHING
"""
_LOADED = """
SELECT count(*) FROM pg_temp.points AS p JOIN dwh.fact_market_sentiment AS f
ON f.snapshot_timestamp = p.value_timestamp WHERE p.is_staged AND f.load_batch_id = %(batch)s
"""


class SentimentLoader(BaseLoader):
    """fact_market_sentiment by the pattern of its kind, and market_sentiment_history into it."""

    domain = "sentiment"

    def _load_fact_or_variant_table(
        self, cursor: Cursor, table: str, silver: SilverTable, work: Work, batch_id: int, *, replace: bool
    ) -> Counts:
        if table == _HISTORY:
            return self._load_history(cursor, silver, work, batch_id, replace=replace)
        return super()._load_fact_or_variant_table(cursor, table, silver, work, batch_id, replace=replace)

    def _load_history(self, cursor: Cursor, silver: SilverTable, work: Work, batch_id: int, *, replace: bool) -> Counts:
        """Add the points that are missing; with `replace` put those of these snapshots in place of the present ones.

        There are few answers, for only an init asks; so all that are loaded are looked at.
        """
        from cryptoelt.warehouse.schema import target_of

        target = target_of(_HISTORY)
        staged = stage_rows(cursor, target, silver.read(work.snapshots, columns=target.staged.names))
        rejected = quarantine_rejected(
            cursor, _HISTORY, silver, work.snapshots, batch_id, self.clock.now(), replace=replace
        )
        loaded = self.read_from_dw(cursor.connection, _HISTORY, silver).snapshots()
        others = self.read_delta(_HISTORY).read(loaded - set(work.snapshots), columns=target.staged.names)
        stage_rows(cursor, target, others, _ELSEWHERE)
        cursor.execute(_POINTS)
        new = [moment for moment in work.snapshots if moment not in loaded]
        values = {"batch": batch_id, "snapshots": list(work.snapshots), "new": new}
        cursor.execute(_DELETE + (_REPLACED if replace else _TOLD_EARLIER_NOW), values)
        cursor.execute(_INSERT, values)
        cursor.execute(_LOADED, values)
        row = cursor.fetchone()
        added = int(row[0]) if row else 0
        return Counts(added, staged - added, rejected)
