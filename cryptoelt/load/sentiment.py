"""Loads fact_market_sentiment."""

from __future__ import annotations

from cryptoelt.load.base import BaseLoader


class SentimentLoader(BaseLoader):
    """fact_market_sentiment, by the pattern of its kind."""

    domain = "sentiment"
