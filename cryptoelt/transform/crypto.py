"""Silver tables of coins, from cryptocurrency/map, cryptocurrency/info and cryptocurrency/listings/latest."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pyspark.sql import functions as F

from cryptoelt.extract.cryptocurrency_info import CryptocurrencyInfoExtractor
from cryptoelt.extract.cryptocurrency_listings_latest import ListingsExtractor
from cryptoelt.extract.cryptocurrency_map import CryptocurrencyMapExtractor
from cryptoelt.transform.base import BaseTransformer, Build
from cryptoelt.transform.columns import as_sent, same_names, snapshot_column
from cryptoelt.transform.rules import ratio

if TYPE_CHECKING:
    from pyspark.sql import Column

_KEY = ("crypto_id",)

# Silver column -> Bronze column.
_ID = {
    "crypto_id": "id",
    **same_names("name", "symbol", "slug", "platform_id", "platform_name", "platform_symbol", "platform_token_address"),
}
_MAP = {"crypto_id": "id", **same_names("rank", "is_active", "last_historical_data")}
_INFO = {
    "crypto_id": "id",
    "crypto_name": "name",
    "crypto_symbol": "symbol",
    "logo_url": "logo",
    **same_names("slug", "date_launched", "date_added", "category", "tags", "description", "website_url"),
    **same_names("technical_doc_url", "explorer_url", "source_code_url", "twitter_url"),
}
_MARKET = {
    "crypto_id": "id",
    "crypto_name": "name",
    "crypto_symbol": "symbol",
    "crypto_slug": "slug",
    "last_updated_usd": "quote_last_updated",
    "price_usd": "price",
    "volume_24h_usd": "volume_24h",
    "percent_change_1h_usd": "percent_change_1h",
    "percent_change_24h_usd": "percent_change_24h",
    "percent_change_7d_usd": "percent_change_7d",
    "market_cap_usd": "market_cap",
    "market_cap_dominance_usd": "market_cap_dominance",
    "fully_diluted_market_cap_usd": "fully_diluted_market_cap",
    **same_names("batch_index", "cmc_rank", "platform_id", "num_market_pairs", "volume_change_24h"),
    **same_names("circulating_supply", "total_supply", "max_supply", "infinite_supply"),
    **same_names("self_reported_market_cap", "self_reported_circulating_supply"),
}


def _id() -> dict[str, Column]:
    return as_sent(CryptocurrencyMapExtractor, _ID)


def _map() -> dict[str, Column]:
    return as_sent(CryptocurrencyMapExtractor, _MAP)


def _info() -> dict[str, Column]:
    return as_sent(CryptocurrencyInfoExtractor, _INFO)


def _market() -> dict[str, Column]:
    return as_sent(ListingsExtractor, _MARKET)


def _day() -> dict[str, Column]:
    return {"snapshot_date": F.to_date("snapshot_timestamp")}


def _kpis() -> dict[str, Column]:
    missing = F.col("total_supply") - F.col("circulating_supply")
    return {
        **snapshot_column(),
        "volume_to_market_cap_ratio": ratio(F.col("volume_24h_usd"), F.col("market_cap_usd")),
        "missing_supply_ratio": ratio(missing, F.col("total_supply")),
        "supply_utilization": ratio(F.col("circulating_supply"), F.col("max_supply")),
        "fully_diluted_cap_ratio": ratio(F.col("fully_diluted_market_cap_usd"), F.col("market_cap_usd")),
    }


class CryptoTransformer(BaseTransformer):
    """dim_crypto_id, dim_crypto_map, dim_crypto_info and fact_crypto_market."""

    domain = "crypto"
    builds: ClassVar[dict[str, Build]] = {
        "dim_crypto_id": Build(frozenset(_ID.values()), _KEY, _id),
        "dim_crypto_map": Build(frozenset(_MAP.values()), _KEY, _map, snapshot_column),
        "dim_crypto_info": Build(frozenset(_INFO.values()), _KEY, _info, _day),
        "fact_crypto_market": Build(
            frozenset(_MARKET.values()), _KEY, _market, _kpis, incidental=frozenset({"batch_index"})
        ),
    }
