"""Loads the tables of exchanges, and keeps the figures that maps and assets take from exchange/info.

A row of dim_exchange_map or fact_exchange_assets has the figures of the newest info of its exchange that is not later
than the row itself. So a row looks them up when it is inserted, and an info that comes late changes the rows between
itself and the next info of its exchange, and no others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg2 import sql

from cryptoelt.load.base import BaseLoader
from cryptoelt.load.stage import names

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 spells its class in lower case

    from cryptoelt.lake.silver import SilverTable
    from cryptoelt.load.batches import Counts
    from cryptoelt.load.pending import Work
    from cryptoelt.warehouse.schema import Target

_INFO = "fact_exchange_info"
# NULL where it is undefined or does not fit a double, which PostgreSQL would refuse: that holds e ** 700 and e ** -700.
_RATIO = """CASE
    WHEN r.total_usd_value = 0 THEN r.total_usd_value / nullif(info.spot_volume_usd, 0)
    WHEN abs(ln(abs(nullif(r.total_usd_value, 0))) - ln(abs(nullif(info.spot_volume_usd, 0)))) < 700
    THEN r.total_usd_value / info.spot_volume_usd
END"""
#: Table -> column -> what it is, over the row `r` and the `info` that counts for it.
_FIGURES = {
    "dim_exchange_map": {
        "maker_fee": "info.maker_fee",
        "taker_fee": "info.taker_fee",
        "weekly_visits": "info.weekly_visits",
        "info_snapshot_timestamp": "info.snapshot_timestamp",
    },
    "fact_exchange_assets": {"spot_volume_usd": "info.spot_volume_usd", "value_to_volume_ratio": _RATIO},
}
#: What stands in a column where Silver does not say it in so many words: files of an older version have no entry, and
#: nothing but the double nearest to the balance.
_AS_LOADED = {
    "entry": "coalesce(r.entry, 1)",
    "balance": "coalesce(trim_scale(r.balance_exact), r.balance::text::numeric)",
}
# Looked for once an exchange and moment, not once a row: an exchange has a thousand assets.
_NEWEST = """(
    SELECT * FROM dwh.fact_exchange_info AS i
    WHERE i.exchange_id = moment.exchange_id AND i.snapshot_timestamp <= moment.snapshot_timestamp
    ORDER BY i.snapshot_timestamp DESC LIMIT 1
) AS info"""
_INSERT = """
WITH moment AS MATERIALIZED (SELECT DISTINCT exchange_id, snapshot_timestamp FROM pg_temp.stage)
INSERT INTO {table} ({columns}, {figures}, load_batch_id)
SELECT {staged}, {values}, %s FROM moment LEFT JOIN LATERAL {newest} ON true JOIN pg_temp.stage AS r
ON r.exchange_id = moment.exchange_id AND r.snapshot_timestamp = moment.snapshot_timestamp
ON CONFLICT DO NOTHING
"""
_KEEP_REPLACED = """
CREATE TEMP TABLE replaced_infos ON COMMIT DROP AS
SELECT exchange_id, snapshot_timestamp FROM dwh.fact_exchange_info WHERE snapshot_timestamp = ANY(%s::timestamptz[])
"""
_NEW_INFOS = """
SELECT exchange_id, snapshot_timestamp FROM pg_temp.stage
JOIN dwh.fact_exchange_info AS i USING (exchange_id, snapshot_timestamp) WHERE i.load_batch_id = %(batch)s
"""
_REPLACED_INFOS = "UNION SELECT exchange_id, snapshot_timestamp FROM pg_temp.replaced_infos"
_UPDATE = """
WITH changed AS ({changed}), moment AS MATERIALIZED (
    SELECT *, (
        SELECT min(n.snapshot_timestamp) FROM dwh.fact_exchange_info AS n
        WHERE n.exchange_id = changed.exchange_id AND n.snapshot_timestamp > changed.snapshot_timestamp
    ) AS next_info FROM changed
)
UPDATE {table} AS r SET ({figures}, is_imputed) = ROW({values}, false)
FROM moment LEFT JOIN LATERAL {newest} ON true
WHERE r.exchange_id = moment.exchange_id AND r.snapshot_timestamp >= moment.snapshot_timestamp
AND r.snapshot_timestamp < coalesce(moment.next_info, 'infinity')
AND ROW({old}, r.is_imputed) IS DISTINCT FROM ROW({values}, false)
"""


class ExchangeLoader(BaseLoader):
    """dim_exchange_id, dim_exchange_info, fact_exchange_info, dim_exchange_map and fact_exchange_assets."""

    domain = "exchange"

    def _load_fact_or_variant_table(
        self, cursor: Cursor, table: str, silver: SilverTable, work: Work, batch_id: int, *, replace: bool
    ) -> Counts:
        if table == _INFO and replace:
            cursor.execute(_KEEP_REPLACED, (list(work.snapshots),))
        return super()._load_fact_or_variant_table(cursor, table, silver, work, batch_id, replace=replace)

    def _insert(self, cursor: Cursor, target: Target, table: str, batch_id: int) -> int:
        """Insert the staged rows that are new; those of maps and assets with the figures of their info."""
        if table not in _FIGURES:
            return super()._insert(cursor, target, table, batch_id)
        staged = sql.SQL(", ").join(
            sql.SQL(_AS_LOADED[name]) if name in _AS_LOADED else sql.Identifier("r", name)
            for name in target.columns.names
        )
        statement = _statement(_INSERT, table, columns=names(target.columns.names), staged=staged)
        cursor.execute(statement, (batch_id,))
        return cursor.rowcount

    def _follow_up(self, cursor: Cursor, table: str, work: Work, batch_id: int, *, replace: bool) -> None:  # noqa: ARG002 - as the base calls it
        """Give the rows that depend on the infos just loaded, or taken away, their figures anew.

        An imputed figure among them gives way to what was observed.
        """
        if table == _INFO:
            changed = sql.SQL(_NEW_INFOS + (_REPLACED_INFOS if replace else ""))
            for dependent in _FIGURES:
                cursor.execute(_statement(_UPDATE, dependent, changed=changed), {"batch": batch_id})


def _statement(statement: str, table: str, **parts: sql.Composable) -> sql.Composed:
    """Return a statement on the figures of a table."""
    figures = _FIGURES[table]
    return sql.SQL(statement).format(
        table=sql.Identifier("dwh", table),
        figures=names(list(figures)),
        values=sql.SQL(", ").join(map(sql.SQL, figures.values())),
        old=sql.SQL(", ").join(sql.Identifier("r", name) for name in figures),
        newest=sql.SQL(_NEWEST),
        **parts,
    )
