"""The table catalogue: one line a table. Columns are those of its model in `warehouse.models`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class TableKind(StrEnum):
    """How rows of a table relate to snapshots, which decides how they are loaded."""

    STABLE_DIMENSION = "stable dimension"
    SNAPSHOT = "snapshot"
    """An evolving dimension or a fact: one row a key and snapshot, append-only."""


@dataclass(frozen=True)
class Table:
    """A Silver table and the warehouse table of the same name.

    Attributes:
        name: the table's name in Silver and in schema `dwh`.
        domain: the Silver folder, and the transformer and loader class that build it.
        kind: how it is loaded.
        endpoint: the Bronze endpoint it is built from.
        frequencies: the frequencies that build it.
    """

    name: str
    domain: str
    kind: TableKind
    endpoint: str
    frequencies: frozenset[str]


_TEN = frozenset({"10x"})

#: Parents before children.
TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        Table("dim_crypto_category", "category", TableKind.STABLE_DIMENSION, "cryptocurrency/categories", _TEN),
        Table("fact_crypto_category", "category", TableKind.SNAPSHOT, "cryptocurrency/categories", _TEN),
        Table("fact_global_market", "global_market", TableKind.SNAPSHOT, "global-metrics/quotes/latest", _TEN),
        Table("fact_market_sentiment", "sentiment", TableKind.SNAPSHOT, "fear-and-greed/latest", _TEN),
    )
}
