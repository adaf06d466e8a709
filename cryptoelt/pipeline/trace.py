"""From a row of the warehouse back to the API call that brought it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryptoelt.clock import iso
from cryptoelt.pipeline.lineage import Lineage, LoadBatch, Source
from cryptoelt.warehouse.rows import Row, find_row, parse_key, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 spells its class in lower case

    from cryptoelt.pipeline.runtime import Runtime

_LINK, _LISTS = "link_crypto_category", "fact_crypto_category"
_SENTIMENT, _SENTIMENT_HISTORY = "fact_market_sentiment", "market_sentiment_history"
_INFOS = "fact_exchange_info"
#: Columns of a table that come from exchange/info, by what they are called there and here.
_FIGURES = {
    "dim_exchange_map": ("maker_fee", "taker_fee", "weekly_visits"),
    "fact_exchange_assets": ("spot_volume_usd",),
}
_NEWEST_INFO = """
SELECT max(snapshot_timestamp) FROM dwh.fact_exchange_info
WHERE exchange_id = %s AND snapshot_timestamp <= %s"""


@dataclass(frozen=True)
class Figures:
    """Columns of a row that another answer brought.

    Attributes:
        columns: which they are.
        source: the exchange/info they come from.
    """

    columns: tuple[str, ...]
    source: Source


@dataclass(frozen=True)
class Trace:
    """Where a row came from.

    Attributes:
        row: the row.
        batch: the load that wrote it; None where `ops.load_batch` lost it.
        source: the record that it was made from.
        figures: columns that come from elsewhere.
        closed_by: of a membership that has ended, what showed that.
    """

    row: Row
    batch: LoadBatch | None
    source: Source
    figures: list[Figures] = field(default_factory=list)
    closed_by: Source | None = None

    @property
    def notes(self) -> list[str]:
        """What is gone of all that."""
        sources = [self.source, *(figures.source for figures in self.figures)]
        found = [*sources, self.closed_by] if self.closed_by is not None else sources
        return list(dict.fromkeys(note for source in found for note in source.notes))

    def as_json(self) -> dict[str, Any]:
        """Return the trace in the shape of `--json`."""
        return {
            "table": self.row.table,
            "key": {name: shown(value) for name, value in self.row.key.items()},
            **self.source.as_json(),
            "load_batch_id": self.row.load_batch_id,
            "run_id": None if self.batch is None else self.batch.run_id,
            "loaded_at": None if self.batch is None else iso(self.batch.ended_at),
            "is_inferred": bool(self.row.values.get("is_inferred")),
            "is_imputed": bool(self.row.values.get("is_imputed")),
            "figures": [{"columns": list(each.columns), **each.source.as_json()} for each in self.figures],
            "closed_by": None if self.closed_by is None else self.closed_by.as_json(),
            "notes": self.notes,
        }


def trace_row(runtime: Runtime, table: str, assignments: Iterable[str]) -> Trace:
    """Find a row by its key, or by a part of it the newest, and follow it back to its call; starts no JVM.

    Raises:
        UsageError: there is no such table, key column, value or row.
        DatabaseUnavailableError: the warehouse does not answer.
        SchemaError: it is not at the head revision.
        StorageError: the lake or a journal cannot be read.
    """
    from cryptoelt.warehouse.migrations import require_head

    wanted = parse_key(table, assignments)
    require_head(runtime.warehouse)
    settings = runtime.settings
    with runtime.warehouse.session() as connection:
        row = find_row(connection, table, wanted)
        lineage = Lineage(connection, runtime.bronze, settings.lake_root, settings.metadata_dir)
        return _traced(connection, lineage, row)


def _traced(connection: Connection, lineage: Lineage, row: Row) -> Trace:
    batch = lineage.batch(row.load_batch_id)
    if row.table == _LINK:
        member = {name: row.key[name] for name in ("crypto_id", "category_id")}
        began = lineage.source(_LINK, row.key["valid_from"], member, batch)
        return Trace(row, batch, began, closed_by=_closing(lineage, row, batch))
    # The load that wrote a row read the Silver table it is made from: another one than its own for what was inferred.
    table = row.table.removesuffix("_history") if batch is None else batch.table
    if table == _SENTIMENT_HISTORY and batch is not None:
        return Trace(row, batch, _point(lineage, row, batch))
    key = {name: value for name, value in row.key.items() if name not in {"snapshot_timestamp", "valid_from"}}
    source = lineage.source(table, row.snapshot, key, batch)
    return Trace(row, batch, source, list(_figures(connection, lineage, row)))


def _closing(lineage: Lineage, row: Row, batch: LoadBatch | None) -> Source | None:
    """Return what ended a membership: the answer of its category, else a list of categories without it."""
    end: datetime | None = row.values["valid_to"]
    if end is None:
        return None
    answer = lineage.source(_LINK, end, {"category_id": row.key["category_id"]}, batch)
    return answer if answer.call_id is not None else lineage.source(_LISTS, end, {}, batch)


def _point(lineage: Lineage, row: Row, batch: LoadBatch) -> Source:
    """Return the answer that told a point of the history: of those its load took in, the first."""
    key = {"value_timestamp": row.snapshot}
    told = (lineage.source(_SENTIMENT_HISTORY, moment, key, batch) for moment in batch.snapshots)
    found = [source for source in told if source.call_id is not None]
    return found[0] if found else lineage.source(_SENTIMENT_HISTORY, batch.snapshots[0], key, batch)


def _figures(connection: Connection, lineage: Lineage, row: Row) -> Iterator[Figures]:
    """Yield the columns that come from exchange/info: of the newest one by then, or the last that had a value."""
    if row.table not in _FIGURES:
        return
    columns: dict[datetime, list[str]] = {}
    for column in _FIGURES[row.table]:
        observed = f" AND {column} IS NOT NULL" if row.values["is_imputed"] else ""
        with connection.cursor() as cursor:
            cursor.execute(_NEWEST_INFO + observed, (row.key["exchange_id"], row.snapshot))
            (moment,) = cursor.fetchone() or (None,)
        if moment is not None:
            columns.setdefault(moment, []).append(column)
    for moment, names in columns.items():
        source = lineage.source(_INFOS, moment, {"exchange_id": row.key["exchange_id"]})
        yield Figures(tuple(names), source)
