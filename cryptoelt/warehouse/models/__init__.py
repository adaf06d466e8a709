"""The warehouse's tables: the single source of its schema, from which migrations, Silver and the load derive.

The names of columns are those of the team's dashboards. Timestamps carry a zone and mean UTC; text has no length limit;
amounts are US dollars unless a comment says otherwise. A comment in a model becomes a COMMENT in the database.
"""

from __future__ import annotations

from cryptoelt.warehouse.models import category, crypto, exchange, global_market, operations, sentiment
from cryptoelt.warehouse.models.base import DWH, OPS, VIEW_SCHEMAS, Base, Loaded

__all__ = [
    "DWH",
    "OPS",
    "VIEW_SCHEMAS",
    "Base",
    "Loaded",
    "category",
    "crypto",
    "exchange",
    "global_market",
    "operations",
    "sentiment",
]
