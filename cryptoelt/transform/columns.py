"""Column expressions that several Silver tables share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column


def snapshot_text() -> Column:
    """Return the snapshot's UTC moment as `YYYY-MM-DD HH:MM:SS`."""
    return F.date_format(F.col("snapshot_timestamp"), "yyyy-MM-dd HH:mm:ss")
