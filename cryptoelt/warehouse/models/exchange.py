"""Models of exchanges and of what they hold."""

# Annotations are evaluated by SQLAlchemy when a class is made, so this module does without postponed evaluation.
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from sqlalchemy import ForeignKey, Index, false, text
from sqlalchemy.orm import Mapped, mapped_column

from cryptoelt.warehouse.models.base import DWH, INFERRED, LAST_CHANGE, VALID_FROM, VALID_TO, Base, Loaded, kpi

_EXCHANGE = f"{DWH}.dim_exchange_id.exchange_id"
_IMPUTED = "True where the newest exchange/info had no value and the last observed one was carried forward."


def _where(table: str, name: str, condition: str, *more: str) -> Index:
    """Declare an index by exchange and time over the rows that meet a condition: what imputation looks for."""
    columns = ("exchange_id", "snapshot_timestamp", *more)
    return Index(f"ix_{table}_{name}", *columns, postgresql_where=text(condition))


def _observed(figure: str) -> Index:
    """Declare an index by which the last observation of a figure is found, however long ago that was."""
    return _where("fact_exchange_info", f"{figure}_observed", f"{figure} IS NOT NULL")


class DimExchangeId(Loaded, Base):
    """An exchange, as the newest map names it."""

    __tablename__ = "dim_exchange_id"
    own_columns: ClassVar[frozenset[str]] = frozenset({"is_inferred", "inferred_from"})

    exchange_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    snapshot_timestamp: Mapped[datetime] = mapped_column(comment=LAST_CHANGE)
    name: Mapped[str | None]
    is_inferred: Mapped[bool] = mapped_column(server_default=false(), comment=INFERRED)
    inferred_from: Mapped[str | None] = mapped_column(
        comment="The table whose record named it while it is inferred; NULL once it is complete."
    )

    __table_args__ = (Index(None, "name"), {"schema": DWH})


class DimExchangeIdHistory(Loaded, Base):
    """A former version of an exchange."""

    __tablename__ = "dim_exchange_id_history"
    __table_args__ = ({"schema": DWH},)

    exchange_id: Mapped[int] = mapped_column(primary_key=True)
    valid_from: Mapped[datetime] = mapped_column(primary_key=True, comment=VALID_FROM, sort_order=901)
    valid_to: Mapped[datetime] = mapped_column(comment=VALID_TO, sort_order=902)
    snapshot_timestamp: Mapped[datetime]
    name: Mapped[str | None]


class DimExchangeInfo(Loaded, Base):
    """What is known about an exchange."""

    __tablename__ = "dim_exchange_info"
    __table_args__ = ({"schema": DWH},)
    silver_columns: ClassVar[dict[str, type]] = {"exchange_name": str}
    inferred_attributes: ClassVar[dict[str, dict[str, str]]] = {"exchange_id": {"name": "exchange_name"}}

    exchange_id: Mapped[int] = mapped_column(ForeignKey(_EXCHANGE), primary_key=True)
    snapshot_timestamp: Mapped[datetime] = mapped_column(comment=LAST_CHANGE)
    slug: Mapped[str | None]
    description: Mapped[str | None]
    date_launched: Mapped[str | None] = mapped_column(comment="UTC, as YYYY-MM-DD HH:MM:SS.")
    logo_url: Mapped[str | None]
    website_url: Mapped[str | None]
    twitter_url: Mapped[str | None]
    blog_url: Mapped[str | None]
    fee_url: Mapped[str | None]
    fiats: Mapped[list[str] | None]


class DimExchangeInfoHistory(Loaded, Base):
    """A former version of what was known about an exchange."""

    __tablename__ = "dim_exchange_info_history"
    __table_args__ = ({"schema": DWH},)

    exchange_id: Mapped[int] = mapped_column(primary_key=True)
    valid_from: Mapped[datetime] = mapped_column(primary_key=True, comment=VALID_FROM, sort_order=901)
    valid_to: Mapped[datetime] = mapped_column(comment=VALID_TO, sort_order=902)
    snapshot_timestamp: Mapped[datetime]
    slug: Mapped[str | None]
    description: Mapped[str | None]
    date_launched: Mapped[str | None] = mapped_column(comment="UTC, as YYYY-MM-DD HH:MM:SS.")
    logo_url: Mapped[str | None]
    website_url: Mapped[str | None]
    twitter_url: Mapped[str | None]
    blog_url: Mapped[str | None]
    fee_url: Mapped[str | None]
    fiats: Mapped[list[str] | None]


class FactExchangeInfo(Loaded, Base):
    """The figures of one exchange/info answer, from which those of maps and assets are taken."""

    __tablename__ = "fact_exchange_info"
    __table_args__ = (
        *map(_observed, ("maker_fee", "taker_fee", "weekly_visits", "spot_volume_usd")),
        {"schema": DWH},
    )
    silver_columns: ClassVar[dict[str, type]] = {"exchange_name": str}
    inferred_attributes: ClassVar[dict[str, dict[str, str]]] = {"exchange_id": {"name": "exchange_name"}}

    exchange_id: Mapped[int] = mapped_column(ForeignKey(_EXCHANGE), primary_key=True)
    snapshot_timestamp: Mapped[datetime] = mapped_column(primary_key=True)
    maker_fee: Mapped[float | None]
    taker_fee: Mapped[float | None]
    weekly_visits: Mapped[int | None]
    spot_volume_usd: Mapped[float | None]
    spot_volume_last_updated: Mapped[datetime | None]


class DimExchangeMap(Loaded, Base):
    """An active exchange at one map snapshot, with the fees and visits of the newest info known by then."""

    __tablename__ = "dim_exchange_map"
    own_columns: ClassVar[frozenset[str]] = frozenset(
        {"maker_fee", "taker_fee", "weekly_visits", "info_snapshot_timestamp", "is_imputed"}
    )

    exchange_id: Mapped[int] = mapped_column(ForeignKey(_EXCHANGE), primary_key=True)
    snapshot_timestamp: Mapped[datetime] = mapped_column(primary_key=True)
    snapshot_str: Mapped[str]
    is_active: Mapped[bool | None]
    maker_fee: Mapped[float | None]
    taker_fee: Mapped[float | None]
    weekly_visits: Mapped[int | None]
    info_snapshot_timestamp: Mapped[datetime | None] = mapped_column(
        comment="The exchange/info answer that fees and visits come from: the newest not later than this row."
    )
    is_imputed: Mapped[bool] = mapped_column(server_default=false(), comment=_IMPUTED)

    __table_args__ = (
        Index(None, "snapshot_timestamp"),
        _where(__tablename__, "maker_fee_lacking", "maker_fee IS NULL"),
        _where(__tablename__, "taker_fee_lacking", "taker_fee IS NULL"),
        _where(__tablename__, "weekly_visits_lacking", "weekly_visits IS NULL"),
        _where(__tablename__, "imputed", "is_imputed"),
        {"schema": DWH},
    )


class FactExchangeAssets(Loaded, Base):
    """What one wallet of an exchange held of one coin at one snapshot, by one record of the answer."""

    __tablename__ = "fact_exchange_assets"
    own_columns: ClassVar[frozenset[str]] = frozenset({"spot_volume_usd", "value_to_volume_ratio", "is_imputed"})
    silver_columns: ClassVar[dict[str, type]] = {"balance_exact": Decimal, "crypto_name": str, "crypto_symbol": str}
    optional_in_silver: ClassVar[frozenset[str]] = frozenset({"entry"})
    inferred_attributes: ClassVar[dict[str, dict[str, str]]] = {
        "crypto_id": {"name": "crypto_name", "symbol": "crypto_symbol"}
    }

    exchange_id: Mapped[int] = mapped_column(ForeignKey(_EXCHANGE), primary_key=True)
    blockchain_name: Mapped[str] = mapped_column(primary_key=True)
    wallet_address: Mapped[str] = mapped_column(
        primary_key=True, comment="0x and 40 hexadecimal digits in lower case; every other address as sent."
    )
    crypto_id: Mapped[int] = mapped_column(ForeignKey(f"{DWH}.dim_crypto_id.crypto_id"), primary_key=True)
    entry: Mapped[int] = mapped_column(
        primary_key=True,
        autoincrement=False,
        server_default=text("1"),
        comment="From 1: tells the balances of one wallet, blockchain and coin apart, the largest first.",
    )
    snapshot_timestamp: Mapped[datetime] = mapped_column(primary_key=True)
    snapshot_str: Mapped[str]
    spot_volume_usd: Mapped[float | None] = mapped_column(
        comment="Of the newest exchange/info not later than this row."
    )
    blockchain_symbol: Mapped[str | None]
    balance: Mapped[Decimal | None] = mapped_column(comment="In units of the coin, to the last digit that was sent.")
    currency_price_usd: Mapped[float | None]
    total_usd_value: Mapped[float | None] = kpi("balance * currency_price_usd")
    wallet_weight: Mapped[float | None] = kpi(
        "total_usd_value / sum of total_usd_value over the exchange at this snapshot"
    )
    value_to_volume_ratio: Mapped[float | None] = kpi("total_usd_value / spot_volume_usd")
    is_imputed: Mapped[bool] = mapped_column(server_default=false(), comment=_IMPUTED)

    # An info that comes late changes the rows of one exchange from one info to the next.
    __table_args__ = (
        Index(None, "snapshot_timestamp"),
        Index(None, "exchange_id", "snapshot_timestamp"),
        _where(__tablename__, "spot_volume_usd_lacking", "spot_volume_usd IS NULL"),
        # With the volume, so that what is imputed rightly is seen in the index alone.
        _where(__tablename__, "imputed", "is_imputed", "spot_volume_usd"),
        {"schema": DWH},
    )
