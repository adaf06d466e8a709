"""Loads dim_crypto_category and fact_crypto_category."""

from __future__ import annotations

from cryptoelt.load.base import BaseLoader


class CategoryLoader(BaseLoader):
    """dim_crypto_category and fact_crypto_category, by the pattern of their kind."""

    domain = "category"
