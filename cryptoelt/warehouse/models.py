"""The warehouse's tables: the single source of its schema, from which migrations, Silver and the load derive.

The names of columns are those of the team's dashboards. Timestamps carry a zone and mean UTC; text has no length limit;
amounts are US dollars unless a comment says otherwise. A comment in a model becomes a COMMENT in the database.
"""

# Annotations are evaluated by SQLAlchemy when a class is made, so this module does without postponed evaluation.
from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    Boolean,
    CheckConstraint,
    Computed,
    Date,
    Double,
    ForeignKey,
    Identity,
    Index,
    MetaData,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

DWH = "dwh"
OPS = "ops"
#: Schemas that hold no table of a model: business views, and views on anomalies and monitoring.
VIEW_SCHEMAS = ("analytics", "monitoring")

_PERCENT = "Percent, as the API sent it: 3.05 means 3.05 %."
_IS_KNOWN = "True where the KPI could be computed; a genuine zero is known."


class Base(DeclarativeBase):
    """What every table shares: types by annotation, and names of constraints that do not depend on the server."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        bool: Boolean,
        int: BigInteger,
        float: Double,
        str: Text,
        date: Date,
        datetime: TIMESTAMP(timezone=True),
    }


class Loaded:
    """A table of schema `dwh`: every row says which load brought it."""

    #: Columns that the warehouse writes itself; Silver does not have them.
    own_columns: ClassVar[frozenset[str]] = frozenset({"load_batch_id", "is_inferred"})
    #: Attributes of a stable dimension whose change does not make a new version of the row.
    volatile_columns: ClassVar[frozenset[str]] = frozenset()

    # The row of ops.load_batch that wrote this one; no foreign key, which would cost a bulk load a look-up per row.
    load_batch_id: Mapped[int] = mapped_column(sort_order=1000)


def _percent() -> Mapped[float | None]:
    return mapped_column(comment=_PERCENT)


def _kpi(formula: str) -> Mapped[float | None]:
    return mapped_column(comment=f"{formula}; NULL where that is undefined.")


def _check() -> Mapped[bool | None]:
    return mapped_column(comment=_IS_KNOWN)


# --- category ---------------------------------------------------------------------------------------------------------


class DimCryptoCategory(Loaded, Base):
    """A category of cryptocurrencies, as the newest snapshot describes it."""

    __tablename__ = "dim_crypto_category"
    __table_args__ = ({"schema": DWH},)

    category_id: Mapped[str] = mapped_column(primary_key=True)
    snapshot_timestamp: Mapped[datetime] = mapped_column(comment="The snapshot that last changed this row.")
    name: Mapped[str | None]
    title: Mapped[str | None]
    description: Mapped[str | None]
    is_inferred: Mapped[bool] = mapped_column(
        server_default=false(), comment="True while only a fact has named this category; its own row completes it."
    )


class DimCryptoCategoryHistory(Loaded, Base):
    """A former version of a category."""

    __tablename__ = "dim_crypto_category_history"
    __table_args__ = ({"schema": DWH},)

    category_id: Mapped[str] = mapped_column(primary_key=True)
    valid_from: Mapped[datetime] = mapped_column(
        primary_key=True, comment="The first snapshot that showed this version.", sort_order=901
    )
    valid_to: Mapped[datetime] = mapped_column(
        comment="The snapshot that showed the next version; exclusive.", sort_order=902
    )
    snapshot_timestamp: Mapped[datetime]
    name: Mapped[str | None]
    title: Mapped[str | None]
    description: Mapped[str | None]


class FactCryptoCategory(Loaded, Base):
    """The market of one category at one snapshot."""

    __tablename__ = "fact_crypto_category"

    category_id: Mapped[str] = mapped_column(ForeignKey(f"{DWH}.dim_crypto_category.category_id"), primary_key=True)
    snapshot_timestamp: Mapped[datetime] = mapped_column(primary_key=True)
    snapshot_str: Mapped[str]
    num_tokens: Mapped[int | None]
    avg_price_change: Mapped[float | None] = _percent()
    market_cap: Mapped[float | None]
    market_cap_change: Mapped[float | None] = _percent()
    volume: Mapped[float | None]
    volume_change: Mapped[float | None] = _percent()
    last_updated: Mapped[str | None]
    volume_to_market_cap_ratio: Mapped[float | None] = _kpi("volume / market_cap")
    dominance_per_token: Mapped[float | None] = _kpi("market_cap / num_tokens")
    market_cap_change_rate: Mapped[float | None] = _kpi("market_cap_change / 100")
    volume_change_rate: Mapped[float | None] = _kpi("volume_change / 100")
    price_change_index: Mapped[float | None] = _kpi("avg_price_change * num_tokens")

    # The key begins with the category; a dashboard asks for all categories of a time range.
    __table_args__ = (Index(None, "snapshot_timestamp"), {"schema": DWH})


# --- global market ----------------------------------------------------------------------------------------------------


class FactGlobalMarket(Loaded, Base):
    """The whole market at one snapshot."""

    __tablename__ = "fact_global_market"
    __table_args__ = ({"schema": DWH},)

    snapshot_timestamp: Mapped[datetime] = mapped_column(primary_key=True)
    snapshot_str: Mapped[str]
    last_updated_timestamp: Mapped[datetime | None]
    last_updated_str: Mapped[str | None]
    btc_dominance: Mapped[float | None] = _percent()
    eth_dominance: Mapped[float | None] = _percent()
    btc_dominance_yesterday: Mapped[float | None] = _percent()
    eth_dominance_yesterday: Mapped[float | None] = _percent()
    btc_dominance_24h_change: Mapped[float | None] = _percent()
    eth_dominance_24h_change: Mapped[float | None] = _percent()
    btc_dominance_delta: Mapped[float | None] = _kpi("btc_dominance - btc_dominance_yesterday")
    eth_dominance_delta: Mapped[float | None] = _kpi("eth_dominance - eth_dominance_yesterday")
    check_btc_dominance_delta: Mapped[bool | None] = _check()
    check_eth_dominance_delta: Mapped[bool | None] = _check()
    active_cryptocurrencies: Mapped[int | None]
    total_cryptocurrencies: Mapped[int | None]
    active_market_pairs: Mapped[int | None]
    active_exchanges: Mapped[int | None]
    total_exchanges: Mapped[int | None]
    defi_market_cap: Mapped[float | None]
    defi_volume_24h: Mapped[float | None]
    defi_volume_24h_reported: Mapped[float | None]
    defi_24h_percentage_change: Mapped[float | None] = _percent()
    defi_volume_share: Mapped[float | None] = _kpi("defi_volume_24h / total_volume_24h")
    check_defi_volume_share: Mapped[bool | None] = _check()
    stablecoin_market_cap: Mapped[float | None]
    stablecoin_volume_24h: Mapped[float | None]
    stablecoin_volume_24h_reported: Mapped[float | None]
    stablecoin_24h_percentage_change: Mapped[float | None] = _percent()
    stablecoin_market_share: Mapped[float | None] = _kpi("stablecoin_market_cap / total_market_cap")
    check_stablecoin_market_share: Mapped[bool | None] = _check()
    derivatives_volume_24h: Mapped[float | None]
    derivatives_volume_24h_reported: Mapped[float | None]
    derivatives_24h_percentage_change: Mapped[float | None] = _percent()
    altcoin_market_cap: Mapped[float | None]
    altcoin_volume_24h: Mapped[float | None]
    altcoin_volume_24h_reported: Mapped[float | None]
    total_market_cap: Mapped[float | None]
    total_volume_24h: Mapped[float | None]
    total_volume_24h_reported: Mapped[float | None]
    market_liquidity_ratio: Mapped[float | None] = _kpi("total_volume_24h / total_market_cap")
    check_market_liquidity_ratio: Mapped[bool | None] = _check()
    total_market_cap_yesterday: Mapped[float | None]
    total_volume_24h_yesterday: Mapped[float | None]
    total_market_cap_yesterday_change: Mapped[float | None] = _percent()
    total_volume_24h_yesterday_change: Mapped[float | None] = _percent()
    total_crypto_dex_currencies: Mapped[int | None]
    new_cryptos_today: Mapped[int | None]
    new_cryptos_last_24h: Mapped[int | None]
    new_cryptos_last_7d: Mapped[int | None]
    new_cryptos_last_30d: Mapped[int | None]
    new_cryptos_today_pct: Mapped[float | None] = _percent()
    crypto_growth_rate_30d: Mapped[float | None] = _kpi("new_cryptos_last_30d / total_cryptocurrencies")
    check_crypto_growth_rate_30d: Mapped[bool | None] = _check()
    max_daily_new_cryptos: Mapped[int | None]
    max_new_cryptos_day: Mapped[date | None]
    min_daily_new_cryptos: Mapped[int | None]
    min_new_cryptos_day: Mapped[date | None]


# --- sentiment --------------------------------------------------------------------------------------------------------


class FactMarketSentiment(Loaded, Base):
    """The fear and greed index at one snapshot."""

    __tablename__ = "fact_market_sentiment"
    __table_args__ = ({"schema": DWH},)

    snapshot_timestamp: Mapped[datetime] = mapped_column(
        primary_key=True, comment="Of the run; of a point of the historical answer its own UTC midnight."
    )
    snapshot_str: Mapped[str]
    fear_greed_score: Mapped[int | None] = mapped_column(comment="0 is extreme fear, 100 extreme greed.")
    sentiment_label: Mapped[str | None]
    value_timestamp: Mapped[datetime | None] = mapped_column(comment="When the API last updated the value.")


# --- operations -------------------------------------------------------------------------------------------------------


class LoadBatch(Base):
    """One committed load of one table; what this table says is loaded is loaded."""

    __tablename__ = "load_batch"

    load_batch_id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    run_id: Mapped[str]
    table_name: Mapped[str]
    silver_table_id: Mapped[str | None] = mapped_column(comment="Delta's identity of the table that was read.")
    silver_version: Mapped[int | None] = mapped_column(
        comment="Everything up to this Delta version is loaded; NULL where a later batch of the catch-up says so."
    )
    snapshots: Mapped[list[datetime]] = mapped_column(ARRAY(TIMESTAMP(timezone=True)))
    rows_in: Mapped[int]
    rows_loaded: Mapped[int]
    rows_present: Mapped[int]
    rows_quarantined: Mapped[int]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    superseded_at: Mapped[datetime | None] = mapped_column(comment="When a rebuild replaced what this batch loaded.")

    __table_args__ = (
        CheckConstraint("rows_in = rows_loaded + rows_present + rows_quarantined", name="rows_add_up"),
        Index(None, "table_name", "silver_table_id", "silver_version", postgresql_where=text("superseded_at IS NULL")),
        {"schema": OPS},
    )


class Quarantine(Base):
    """A record that could not be loaded, and why."""

    __tablename__ = "quarantine"

    quarantine_id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    table_name: Mapped[str]
    snapshot_timestamp: Mapped[datetime]
    rule: Mapped[str]
    record: Mapped[str] = mapped_column(comment="The raw JSON as sent; text, because jsonb refuses some of it.")
    record_md5: Mapped[str] = mapped_column(Computed("md5(record)", persisted=True))
    call_id: Mapped[str | None]
    quarantined_at: Mapped[datetime]
    replayed_at: Mapped[datetime | None]
    load_batch_id: Mapped[int]

    __table_args__ = (
        UniqueConstraint("table_name", "snapshot_timestamp", "rule", "record_md5"),
        {"schema": OPS},
    )
