"""Silver table of the whole market, from global-metrics/quotes/latest."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pyspark.sql import functions as F

from cryptoelt.extract.global_metrics_quotes_latest import GlobalMetricsExtractor
from cryptoelt.transform.base import BaseTransformer, Build
from cryptoelt.transform.columns import snapshot_column
from cryptoelt.transform.rules import ratio

if TYPE_CHECKING:
    from pyspark.sql import Column

#: Silver column -> Bronze column, where the names differ.
_RENAMED = {
    "last_updated_timestamp": "last_updated",
    "btc_dominance_24h_change": "btc_dominance_24h_percentage_change",
    "eth_dominance_24h_change": "eth_dominance_24h_percentage_change",
    "total_market_cap_yesterday_change": "total_market_cap_yesterday_percentage_change",
    "total_volume_24h_yesterday_change": "total_volume_24h_yesterday_percentage_change",
    "new_cryptos_today": "today_incremental_crypto_number",
    "new_cryptos_last_24h": "past_24h_incremental_crypto_number",
    "new_cryptos_last_7d": "past_7d_incremental_crypto_number",
    "new_cryptos_last_30d": "past_30d_incremental_crypto_number",
    "new_cryptos_today_pct": "today_change_percent",
    "max_daily_new_cryptos": "max_incremental_number",
    "max_new_cryptos_day": "max_incremental_date",
    "min_daily_new_cryptos": "min_incremental_number",
    "min_new_cryptos_day": "min_incremental_date",
}
_BRONZE = frozenset(column.name for column in GlobalMetricsExtractor.columns)


def _columns() -> dict[str, Column]:
    same_name = sorted(_BRONZE - set(_RENAMED.values()))
    return {
        name: F.col(source) for name, source in {**dict(zip(same_name, same_name, strict=True)), **_RENAMED}.items()
    }


def _kpis() -> dict[str, Column]:
    """Return the KPIs, each with a flag that tells whether it is defined."""
    measures = {
        "btc_dominance_delta": F.col("btc_dominance") - F.col("btc_dominance_yesterday"),
        "eth_dominance_delta": F.col("eth_dominance") - F.col("eth_dominance_yesterday"),
        "defi_volume_share": ratio(F.col("defi_volume_24h"), F.col("total_volume_24h")),
        "stablecoin_market_share": ratio(F.col("stablecoin_market_cap"), F.col("total_market_cap")),
        "market_liquidity_ratio": ratio(F.col("total_volume_24h"), F.col("total_market_cap")),
        "crypto_growth_rate_30d": ratio(F.col("new_cryptos_last_30d"), F.col("total_cryptocurrencies")),
    }
    return {
        **snapshot_column(),
        "last_updated_str": F.date_format("last_updated_timestamp", "yyyy-MM-dd HH:mm:ss"),
        **measures,
        **{f"check_{name}": measure.isNotNull() for name, measure in measures.items()},
    }


class GlobalMarketTransformer(BaseTransformer):
    """fact_global_market: one row a snapshot."""

    domain = "global_market"
    builds: ClassVar[dict[str, Build]] = {"fact_global_market": Build(_BRONZE, (), _columns, _kpis)}
