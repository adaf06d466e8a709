"""Models of coins and their market."""

# Annotations are evaluated by SQLAlchemy when a class is made, so this module does without postponed evaluation.
from datetime import date, datetime
from typing import ClassVar

from sqlalchemy import ForeignKey, Index, false
from sqlalchemy.orm import Mapped, mapped_column

from cryptoelt.warehouse.models.base import (
    DWH,
    INFERRED,
    LAST_CHANGE,
    VALID_FROM,
    VALID_TO,
    Base,
    Loaded,
    kpi,
    percent,
)

_COIN = f"{DWH}.dim_crypto_id.crypto_id"


class DimCryptoId(Loaded, Base):
    """A coin, as the newest map describes it, or as others named it while no map has."""

    __tablename__ = "dim_crypto_id"
    own_columns: ClassVar[frozenset[str]] = frozenset({"is_inferred", "inferred_from"})

    crypto_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    snapshot_timestamp: Mapped[datetime] = mapped_column(comment=LAST_CHANGE)
    name: Mapped[str | None]
    symbol: Mapped[str | None]
    slug: Mapped[str | None]
    platform_id: Mapped[int | None] = mapped_column(
        comment="As sent: the parent coin's id until about 2023, an internal number since; join on nothing."
    )
    platform_name: Mapped[str | None]
    platform_symbol: Mapped[str | None]
    platform_token_address: Mapped[str | None]
    is_inferred: Mapped[bool] = mapped_column(server_default=false(), comment=INFERRED)
    inferred_from: Mapped[str | None] = mapped_column(
        comment="The table whose record named it while it is inferred; NULL once it is complete."
    )

    __table_args__ = (Index(None, "name"), Index(None, "symbol"), {"schema": DWH})


class DimCryptoIdHistory(Loaded, Base):
    """A former version of a coin."""

    __tablename__ = "dim_crypto_id_history"
    __table_args__ = ({"schema": DWH},)

    crypto_id: Mapped[int] = mapped_column(primary_key=True)
    valid_from: Mapped[datetime] = mapped_column(primary_key=True, comment=VALID_FROM, sort_order=901)
    valid_to: Mapped[datetime] = mapped_column(comment=VALID_TO, sort_order=902)
    snapshot_timestamp: Mapped[datetime]
    name: Mapped[str | None]
    symbol: Mapped[str | None]
    slug: Mapped[str | None]
    platform_id: Mapped[int | None] = mapped_column(
        comment="As sent: the parent coin's id until about 2023, an internal number since; join on nothing."
    )
    platform_name: Mapped[str | None]
    platform_symbol: Mapped[str | None]
    platform_token_address: Mapped[str | None]


class DimCryptoMap(Loaded, Base):
    """The rank and status of a coin at one map snapshot."""

    __tablename__ = "dim_crypto_map"

    crypto_id: Mapped[int] = mapped_column(ForeignKey(_COIN), primary_key=True)
    snapshot_timestamp: Mapped[datetime] = mapped_column(primary_key=True)
    snapshot_str: Mapped[str]
    rank: Mapped[int | None]
    is_active: Mapped[int | None]
    last_historical_data: Mapped[str | None]

    __table_args__ = (Index(None, "snapshot_timestamp"), {"schema": DWH})


class DimCryptoInfo(Loaded, Base):
    """What is known about a coin beside its market."""

    __tablename__ = "dim_crypto_info"
    __table_args__ = ({"schema": DWH},)
    volatile_columns: ClassVar[frozenset[str]] = frozenset({"description", "snapshot_date"})
    silver_columns: ClassVar[dict[str, type]] = {"crypto_name": str, "crypto_symbol": str}
    inferred_attributes: ClassVar[dict[str, dict[str, str]]] = {
        "crypto_id": {"name": "crypto_name", "symbol": "crypto_symbol", "slug": "slug"}
    }

    crypto_id: Mapped[int] = mapped_column(ForeignKey(_COIN), primary_key=True)
    snapshot_timestamp: Mapped[datetime] = mapped_column(comment=LAST_CHANGE)
    slug: Mapped[str | None]
    snapshot_date: Mapped[date | None] = mapped_column(comment="The UTC day of snapshot_timestamp.")
    date_launched: Mapped[date | None]
    date_added: Mapped[date | None]
    category: Mapped[str | None] = mapped_column(comment="coin or token.")
    tags: Mapped[list[str] | None]
    description: Mapped[str | None] = mapped_column(
        comment="Holds live figures and differs with every answer; a change of it alone is no new version."
    )
    logo_url: Mapped[str | None]
    website_url: Mapped[str | None]
    technical_doc_url: Mapped[str | None]
    explorer_url: Mapped[str | None]
    source_code_url: Mapped[str | None]
    twitter_url: Mapped[str | None]


class DimCryptoInfoHistory(Loaded, Base):
    """A former version of what was known about a coin."""

    __tablename__ = "dim_crypto_info_history"
    __table_args__ = ({"schema": DWH},)

    crypto_id: Mapped[int] = mapped_column(primary_key=True)
    valid_from: Mapped[datetime] = mapped_column(primary_key=True, comment=VALID_FROM, sort_order=901)
    valid_to: Mapped[datetime] = mapped_column(comment=VALID_TO, sort_order=902)
    snapshot_timestamp: Mapped[datetime]
    slug: Mapped[str | None]
    snapshot_date: Mapped[date | None] = mapped_column(comment="The UTC day of snapshot_timestamp.")
    date_launched: Mapped[date | None]
    date_added: Mapped[date | None]
    category: Mapped[str | None] = mapped_column(comment="coin or token.")
    tags: Mapped[list[str] | None]
    description: Mapped[str | None] = mapped_column(
        comment="Holds live figures and differs with every answer; a change of it alone is no new version."
    )
    logo_url: Mapped[str | None]
    website_url: Mapped[str | None]
    technical_doc_url: Mapped[str | None]
    explorer_url: Mapped[str | None]
    source_code_url: Mapped[str | None]
    twitter_url: Mapped[str | None]


class FactCryptoMarket(Loaded, Base):
    """The market of one coin at one listings snapshot."""

    __tablename__ = "fact_crypto_market"
    silver_columns: ClassVar[dict[str, type]] = {"crypto_name": str, "crypto_symbol": str, "crypto_slug": str}
    inferred_attributes: ClassVar[dict[str, dict[str, str]]] = {
        "crypto_id": {"name": "crypto_name", "symbol": "crypto_symbol", "slug": "crypto_slug"}
    }

    crypto_id: Mapped[int] = mapped_column(ForeignKey(_COIN), primary_key=True)
    snapshot_timestamp: Mapped[datetime] = mapped_column(primary_key=True)
    snapshot_str: Mapped[str]
    batch_index: Mapped[int | None] = mapped_column(comment="The page of the answer, from 1.")
    cmc_rank: Mapped[int | None]
    platform_id: Mapped[int | None]
    num_market_pairs: Mapped[int | None]
    last_updated_usd: Mapped[str | None]
    price_usd: Mapped[float | None]
    volume_24h_usd: Mapped[float | None]
    volume_change_24h: Mapped[float | None] = percent()
    percent_change_1h_usd: Mapped[float | None] = percent()
    percent_change_24h_usd: Mapped[float | None] = percent()
    percent_change_7d_usd: Mapped[float | None] = percent()
    market_cap_usd: Mapped[float | None]
    market_cap_dominance_usd: Mapped[float | None] = percent()
    fully_diluted_market_cap_usd: Mapped[float | None]
    self_reported_market_cap: Mapped[float | None]
    circulating_supply: Mapped[float | None]
    total_supply: Mapped[float | None]
    max_supply: Mapped[float | None]
    self_reported_circulating_supply: Mapped[float | None]
    infinite_supply: Mapped[bool | None]
    volume_to_market_cap_ratio: Mapped[float | None] = kpi("volume_24h_usd / market_cap_usd")
    missing_supply_ratio: Mapped[float | None] = kpi("(total_supply - circulating_supply) / total_supply")
    supply_utilization: Mapped[float | None] = kpi("circulating_supply / max_supply")
    fully_diluted_cap_ratio: Mapped[float | None] = kpi("fully_diluted_market_cap_usd / market_cap_usd")

    # The key begins with the coin; a dashboard asks for the caps of all coins over a year, and finds them in the index.
    __table_args__ = (
        Index(
            None,
            "snapshot_timestamp",
            postgresql_include=["market_cap_usd", "fully_diluted_market_cap_usd", "market_cap_dominance_usd"],
        ),
        {"schema": DWH},
    )
