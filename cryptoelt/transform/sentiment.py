"""Silver tables of market sentiment, from fear-and-greed/latest and fear-and-greed/historical."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pyspark.sql import functions as F

from cryptoelt.extract.fields import WRONG_TYPE
from cryptoelt.transform.base import BaseTransformer, Build
from cryptoelt.transform.rules import cleaned_text

if TYPE_CHECKING:
    from pyspark.sql import Column

#: Up to the year 2286; what is longer is no count of seconds.
_UNIX_SECONDS = "^[0-9]{1,10}$"


def _columns() -> dict[str, Column]:
    return {
        "fear_greed_score": F.col("value"),
        "sentiment_label": cleaned_text("value_classification"),
        "value_timestamp": F.col("update_time"),
    }


def _derived() -> dict[str, Column]:
    return {"snapshot_str": _day("snapshot_timestamp")}


def _points() -> dict[str, Column]:
    """Return the points of the history; each has a UTC midnight of its own, sent as a text of Unix seconds."""
    sent = cleaned_text("timestamp")
    seconds = F.when(sent.rlike(_UNIX_SECONDS), sent.try_cast("long"))
    return {
        "sent_timestamp": sent,
        "value_timestamp": F.timestamp_seconds(seconds),
        "fear_greed_score": F.col("value"),
        "sentiment_label": cleaned_text("value_classification"),
    }


def _unreadable() -> Column:
    return F.when(F.col("value_timestamp").isNull(), F.lit(WRONG_TYPE))


def _derived_of_points() -> dict[str, Column]:
    return {"snapshot_str": _day("value_timestamp")}


def _day(moment: str) -> Column:
    return F.date_format(moment, "yyyy-MM-dd")


class SentimentTransformer(BaseTransformer):
    """fact_market_sentiment: the index as it stood at each snapshot; and its history, as one answer told it."""

    domain = "sentiment"
    builds: ClassVar[dict[str, Build]] = {
        "fact_market_sentiment": Build(
            frozenset({"value", "value_classification", "update_time"}), (), _columns, _derived
        ),
        "market_sentiment_history": Build(
            frozenset({"timestamp", "value", "value_classification"}),
            ("value_timestamp",),
            _points,
            _derived_of_points,
            required=("sent_timestamp",),
            own_rule=_unreadable,
        ),
    }
