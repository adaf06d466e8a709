"""Silver tables of exchanges, from exchange/map, exchange/info and exchange/assets."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pyspark.sql import functions as F

from cryptoelt.extract.exchange_assets import ExchangeAssetsExtractor
from cryptoelt.extract.exchange_info import ExchangeInfoExtractor
from cryptoelt.extract.exchange_map import ExchangeMapExtractor
from cryptoelt.lake.silver import SNAPSHOT
from cryptoelt.transform.base import BaseTransformer, Build
from cryptoelt.transform.columns import as_sent, same_names, snapshot_column
from cryptoelt.transform.rules import exact, finite, folded_address, ratio

if TYPE_CHECKING:
    from pyspark.sql import Column

# Silver column -> Bronze column.
_ID = {"exchange_id": "id", **same_names("name")}
_INFO = {
    "exchange_id": "id",
    "exchange_name": "name",
    "logo_url": "logo",
    **same_names("slug", "description", "website_url", "twitter_url", "blog_url", "fee_url", "fiats"),
}
_FIGURES = {
    "exchange_id": "id",
    "exchange_name": "name",
    **same_names("maker_fee", "taker_fee", "weekly_visits", "spot_volume_usd", "spot_volume_last_updated"),
}
_ASSETS = {
    "blockchain_name": "platform_name",
    "blockchain_symbol": "platform_symbol",
    "currency_price_usd": "price_usd",
    **same_names("exchange_id", "wallet_address", "crypto_id", "crypto_name", "crypto_symbol", "balance"),
}


def _id() -> dict[str, Column]:
    return as_sent(ExchangeMapExtractor, _ID)


def _map() -> dict[str, Column]:
    return {"exchange_id": F.col("id"), "is_active": F.col("is_active") != 0}


def _info() -> dict[str, Column]:
    columns = as_sent(ExchangeInfoExtractor, _INFO)
    # Currencies come with blanks around them, and some twice: once without the blanks they are a set.
    columns["fiats"] = F.array_distinct(columns["fiats"])
    return {**columns, "date_launched": F.date_format("date_launched", "yyyy-MM-dd HH:mm:ss")}


def _figures() -> dict[str, Column]:
    return as_sent(ExchangeInfoExtractor, _FIGURES)


def _assets() -> dict[str, Column]:
    """Return what was sent, a wallet in one spelling, and its balance beside the double to the last digit."""
    sent = as_sent(ExchangeAssetsExtractor, _ASSETS)
    wallet = folded_address(sent["wallet_address"])
    return {**sent, "wallet_address": wallet, "balance_exact": exact("balance", sent["balance"])}


def _kpis() -> dict[str, Column]:
    """Return what a wallet is worth, and its share of all that its exchange is worth at the snapshot.

    The order within the sum is fixed, because the last digits of a sum of doubles depend on it.
    """
    from pyspark.sql import Window

    value = finite(F.col("balance") * F.col("currency_price_usd"))
    everything = Window.unboundedPreceding, Window.unboundedFollowing
    order = "blockchain_name", "wallet_address", "crypto_id", "entry"
    of_exchange = Window.partitionBy(SNAPSHOT, "exchange_id").orderBy(*order).rowsBetween(*everything)
    return {
        **snapshot_column(),
        "total_usd_value": value,
        "wallet_weight": ratio(value, finite(F.sum(value).over(of_exchange))),
    }


class ExchangeTransformer(BaseTransformer):
    """dim_exchange_id, dim_exchange_map, dim_exchange_info, fact_exchange_info and fact_exchange_assets."""

    domain = "exchange"
    builds: ClassVar[dict[str, Build]] = {
        "dim_exchange_id": Build(frozenset(_ID.values()), ("exchange_id",), _id),
        "dim_exchange_map": Build(frozenset({"id", "is_active"}), ("exchange_id",), _map, snapshot_column),
        "dim_exchange_info": Build(frozenset({*_INFO.values(), "date_launched"}), ("exchange_id",), _info),
        "fact_exchange_info": Build(frozenset(_FIGURES.values()), ("exchange_id",), _figures),
        "fact_exchange_assets": Build(
            frozenset(_ASSETS.values()),
            ("exchange_id", "blockchain_name", "wallet_address", "crypto_id"),
            _assets,
            _kpis,
            amounts=("balance", "balance_exact"),
        ),
    }
