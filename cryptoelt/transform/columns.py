"""Column expressions that several Silver tables share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F

from cryptoelt.extract.fields import TEXTS
from cryptoelt.transform.rules import cleaned_text, cleaned_texts

if TYPE_CHECKING:
    from pyspark.sql import Column

    from cryptoelt.extract.base import BaseExtractor

_CLEANED = {pa.string(): cleaned_text, TEXTS: cleaned_texts}


def same_names(*names: str) -> dict[str, str]:
    """Return Silver columns that are called like their Bronze columns."""
    return {name: name for name in names}


def as_sent(extractor: type[BaseExtractor], sources: dict[str, str]) -> dict[str, Column]:
    """Return Silver columns that hold what was sent, texts cleaned.

    Args:
        extractor: declares the Bronze columns.
        sources: Silver column -> Bronze column.
    """
    types = {column.name: column.type for column in extractor.columns}
    return {name: _CLEANED.get(types[source], F.col)(source) for name, source in sources.items()}


def snapshot_column() -> dict[str, Column]:
    """Return `snapshot_str`, the snapshot's UTC moment as `YYYY-MM-DD HH:MM:SS`."""
    return {"snapshot_str": F.date_format("snapshot_timestamp", "yyyy-MM-dd HH:mm:ss")}
