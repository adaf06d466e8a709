"""Loads fact_global_market."""

from __future__ import annotations

from cryptoelt.load.base import BaseLoader


class GlobalMarketLoader(BaseLoader):
    """fact_global_market, by the pattern of its kind."""

    domain = "global_market"
