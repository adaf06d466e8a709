"""Model of the market as a whole."""

# Annotations are evaluated by SQLAlchemy when a class is made, so this module does without postponed evaluation.
from datetime import date, datetime

from sqlalchemy.orm import Mapped, mapped_column

from cryptoelt.warehouse.models.base import DWH, Base, Loaded, check, kpi, percent


class FactGlobalMarket(Loaded, Base):
    """The whole market at one snapshot."""

    __tablename__ = "fact_global_market"
    __table_args__ = ({"schema": DWH},)

    snapshot_timestamp: Mapped[datetime] = mapped_column(primary_key=True)
    snapshot_str: Mapped[str]
    last_updated_timestamp: Mapped[datetime | None]
    last_updated_str: Mapped[str | None]
    btc_dominance: Mapped[float | None] = percent()
    eth_dominance: Mapped[float | None] = percent()
    btc_dominance_yesterday: Mapped[float | None] = percent()
    eth_dominance_yesterday: Mapped[float | None] = percent()
    btc_dominance_24h_change: Mapped[float | None] = percent()
    eth_dominance_24h_change: Mapped[float | None] = percent()
    btc_dominance_delta: Mapped[float | None] = kpi("btc_dominance - btc_dominance_yesterday")
    eth_dominance_delta: Mapped[float | None] = kpi("eth_dominance - eth_dominance_yesterday")
    check_btc_dominance_delta: Mapped[bool | None] = check()
    check_eth_dominance_delta: Mapped[bool | None] = check()
    active_cryptocurrencies: Mapped[int | None]
    total_cryptocurrencies: Mapped[int | None]
    active_market_pairs: Mapped[int | None]
    active_exchanges: Mapped[int | None]
    total_exchanges: Mapped[int | None]
    defi_market_cap: Mapped[float | None]
    defi_volume_24h: Mapped[float | None]
    defi_volume_24h_reported: Mapped[float | None]
    defi_24h_percentage_change: Mapped[float | None] = percent()
    defi_volume_share: Mapped[float | None] = kpi("defi_volume_24h / total_volume_24h")
    check_defi_volume_share: Mapped[bool | None] = check()
    stablecoin_market_cap: Mapped[float | None]
    stablecoin_volume_24h: Mapped[float | None]
    stablecoin_volume_24h_reported: Mapped[float | None]
    stablecoin_24h_percentage_change: Mapped[float | None] = percent()
    stablecoin_market_share: Mapped[float | None] = kpi("stablecoin_market_cap / total_market_cap")
    check_stablecoin_market_share: Mapped[bool | None] = check()
    derivatives_volume_24h: Mapped[float | None]
    derivatives_volume_24h_reported: Mapped[float | None]
    derivatives_24h_percentage_change: Mapped[float | None] = percent()
    altcoin_market_cap: Mapped[float | None]
    altcoin_volume_24h: Mapped[float | None]
    altcoin_volume_24h_reported: Mapped[float | None]
    total_market_cap: Mapped[float | None]
    total_volume_24h: Mapped[float | None]
    total_volume_24h_reported: Mapped[float | None]
    market_liquidity_ratio: Mapped[float | None] = kpi("total_volume_24h / total_market_cap")
    check_market_liquidity_ratio: Mapped[bool | None] = check()
    total_market_cap_yesterday: Mapped[float | None]
    total_volume_24h_yesterday: Mapped[float | None]
    total_market_cap_yesterday_change: Mapped[float | None] = percent()
    total_volume_24h_yesterday_change: Mapped[float | None] = percent()
    total_crypto_dex_currencies: Mapped[int | None]
    new_cryptos_today: Mapped[int | None]
    new_cryptos_last_24h: Mapped[int | None]
    new_cryptos_last_7d: Mapped[int | None]
    new_cryptos_last_30d: Mapped[int | None]
    new_cryptos_today_pct: Mapped[float | None] = percent()
    crypto_growth_rate_30d: Mapped[float | None] = kpi("new_cryptos_last_30d / total_cryptocurrencies")
    check_crypto_growth_rate_30d: Mapped[bool | None] = check()
    max_daily_new_cryptos: Mapped[int | None]
    max_new_cryptos_day: Mapped[date | None]
    min_daily_new_cryptos: Mapped[int | None]
    min_new_cryptos_day: Mapped[date | None]
