"""Extract global-metrics/quotes/latest: totals and dominances of the whole market."""

from __future__ import annotations

from typing import Any

from cryptoelt.extract.base import BaseExtractor
from cryptoelt.extract.fields import day, integer, moment, number
from cryptoelt.extract.quotes import with_dollar_quote

_COUNTS = (
    "active_cryptocurrencies",
    "total_cryptocurrencies",
    "active_market_pairs",
    "active_exchanges",
    "total_exchanges",
    "total_crypto_dex_currencies",
    "today_incremental_crypto_number",
    "past_24h_incremental_crypto_number",
    "past_7d_incremental_crypto_number",
    "past_30d_incremental_crypto_number",
)
_NUMBERS = (
    "btc_dominance",
    "eth_dominance",
    "btc_dominance_yesterday",
    "eth_dominance_yesterday",
    "btc_dominance_24h_percentage_change",
    "eth_dominance_24h_percentage_change",
    "defi_market_cap",
    "defi_volume_24h",
    "defi_volume_24h_reported",
    "defi_24h_percentage_change",
    "stablecoin_market_cap",
    "stablecoin_volume_24h",
    "stablecoin_volume_24h_reported",
    "stablecoin_24h_percentage_change",
    "derivatives_volume_24h",
    "derivatives_volume_24h_reported",
    "derivatives_24h_percentage_change",
    "today_change_percent",
)
_QUOTE_NUMBERS = (
    "total_market_cap",
    "total_volume_24h",
    "total_volume_24h_reported",
    "altcoin_market_cap",
    "altcoin_volume_24h",
    "altcoin_volume_24h_reported",
    "total_market_cap_yesterday",
    "total_volume_24h_yesterday",
    "total_market_cap_yesterday_percentage_change",
    "total_volume_24h_yesterday_percentage_change",
)


class GlobalMetricsExtractor(BaseExtractor):
    """GET /v1/global-metrics/quotes/latest, one record; a key that is missing is NULL, not a lost snapshot."""

    endpoint_name = "global-metrics/quotes/latest"
    columns = (
        *(integer(name) for name in _COUNTS),
        *(number(name) for name in _NUMBERS),
        *(number(name, "quote", name) for name in _QUOTE_NUMBERS),
        integer("max_incremental_number", "tracked_yearly_number", "maxIncrementalNumber"),
        day("max_incremental_date", "tracked_yearly_number", "maxIncrementalDate"),
        integer("min_incremental_number", "tracked_yearly_number", "minIncrementalNumber"),
        day("min_incremental_date", "tracked_yearly_number", "minIncrementalDate"),
        moment("last_updated"),
    )
    measures = ("total_market_cap",)

    def subject_of(self, record: Any) -> Any:
        """Return the record with its quote in USD alone."""
        return with_dollar_quote(record)
