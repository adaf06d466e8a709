"""The table catalogue: one line a table. Columns are those of its model in `warehouse.models`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class TableKind(StrEnum):
    """How rows of a table relate to snapshots, which decides how they are loaded."""

    STABLE_DIMENSION = "stable dimension"
    SNAPSHOT = "snapshot"
    """An evolving dimension or a fact: one row a key and snapshot, append-only."""
    LINK = "link"
    """Observations of who belongs to what; the warehouse holds the intervals that follow from them."""


@dataclass(frozen=True)
class Table:
    """A Silver table and the warehouse table that is loaded from it.

    Attributes:
        name: the Silver table's name.
        domain: the Silver folder, and the transformer and loader class that build it.
        kind: how it is loaded.
        endpoint: the Bronze endpoint it is built from.
        frequencies: the frequencies that build it.
        into: the warehouse table in schema `dwh` where it has another name than the Silver table.
    """

    name: str
    domain: str
    kind: TableKind
    endpoint: str
    frequencies: frozenset[str]
    into: str = ""

    @property
    def warehouse_table(self) -> str:
        """The name of the warehouse table."""
        return self.into or self.name


@dataclass(frozen=True)
class Procedure:
    """A procedure of the warehouse that mends a table.

    Attributes:
        mends: the table whose rows it changes.
        after: the warehouse tables after whose load it is called.
    """

    mends: str
    after: frozenset[str]


def _of(*frequencies: str) -> frozenset[str]:
    return frozenset({*frequencies, "init"})


_DIMENSION, _SNAPSHOT, _LINK = TableKind.STABLE_DIMENSION, TableKind.SNAPSHOT, TableKind.LINK

#: Parents before children.
TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        Table("dim_exchange_id", "exchange", _DIMENSION, "exchange/map", _of("daily")),
        Table("dim_exchange_info", "exchange", _DIMENSION, "exchange/info", _of("weekly")),
        Table("fact_exchange_info", "exchange", _SNAPSHOT, "exchange/info", _of("weekly")),
        Table("dim_exchange_map", "exchange", _SNAPSHOT, "exchange/map", _of("daily")),
        Table("dim_crypto_id", "crypto", _DIMENSION, "cryptocurrency/map", _of("daily")),
        Table("dim_crypto_map", "crypto", _SNAPSHOT, "cryptocurrency/map", _of("daily")),
        Table("dim_crypto_info", "crypto", _DIMENSION, "cryptocurrency/info", _of("weekly")),
        Table("fact_crypto_market", "crypto", _SNAPSHOT, "cryptocurrency/listings/latest", _of("5x")),
        Table("fact_exchange_assets", "exchange", _SNAPSHOT, "exchange/assets", _of("daily")),
        Table("dim_crypto_category", "category", _DIMENSION, "cryptocurrency/categories", _of("10x")),
        Table("fact_crypto_category", "category", _SNAPSHOT, "cryptocurrency/categories", _of("10x")),
        Table("link_crypto_category", "category", _LINK, "cryptocurrency/category", _of("daily")),
        Table("fact_global_market", "global_market", _SNAPSHOT, "global-metrics/quotes/latest", _of("10x")),
        Table("fact_market_sentiment", "sentiment", _SNAPSHOT, "fear-and-greed/latest", _of("10x")),
        Table(
            "market_sentiment_history",
            "sentiment",
            _SNAPSHOT,
            "fear-and-greed/historical",
            _of(),
            into="fact_market_sentiment",
        ),
    )
}

#: In the order in which they are called, by their names in schema `dwh`.
PROCEDURES: dict[str, Procedure] = {
    "fill_nulls_exchange_map_info": Procedure(
        "dim_exchange_map", frozenset({"dim_exchange_map", "fact_exchange_info"})
    ),
    "fill_nulls_spot_volume_and_wallet_weight": Procedure(
        "fact_exchange_assets", frozenset({"fact_exchange_assets", "fact_exchange_info"})
    ),
}
