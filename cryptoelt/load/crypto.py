"""Loads the tables of coins and their market."""

from __future__ import annotations

from typing import ClassVar

from cryptoelt.load.base import BaseLoader


class CryptoLoader(BaseLoader):
    """dim_crypto_id, dim_crypto_map, dim_crypto_info and fact_crypto_market, by the pattern of their kind."""

    domain = "crypto"
    copied: ClassVar[frozenset[str]] = frozenset({"dim_crypto_map", "fact_crypto_market"})
