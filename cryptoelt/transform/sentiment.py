"""Silver table of market sentiment, from fear-and-greed/latest."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pyspark.sql import functions as F

from cryptoelt.transform.base import BaseTransformer, Build
from cryptoelt.transform.rules import cleaned_text

if TYPE_CHECKING:
    from pyspark.sql import Column


def _columns() -> dict[str, Column]:
    return {
        "fear_greed_score": F.col("value"),
        "sentiment_label": cleaned_text("value_classification"),
        "value_timestamp": F.col("update_time"),
    }


def _derived() -> dict[str, Column]:
    return {"snapshot_str": F.date_format("snapshot_timestamp", "yyyy-MM-dd")}


class SentimentTransformer(BaseTransformer):
    """fact_market_sentiment: the index as it stood at each snapshot."""

    domain = "sentiment"
    builds: ClassVar[dict[str, Build]] = {
        "fact_market_sentiment": Build(
            frozenset({"value", "value_classification", "update_time"}), (), _columns, _derived
        )
    }
