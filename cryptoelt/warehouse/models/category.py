"""Models of coin categories and of who belongs to them."""

# Annotations are evaluated by SQLAlchemy when a class is made, so this module does without postponed evaluation.
from datetime import datetime
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


class DimCryptoCategory(Loaded, Base):
    """A category of cryptocurrencies, as the newest snapshot describes it."""

    __tablename__ = "dim_crypto_category"
    __table_args__ = ({"schema": DWH},)
    own_columns: ClassVar[frozenset[str]] = frozenset({"is_inferred", "inferred_from"})

    category_id: Mapped[str] = mapped_column(primary_key=True)
    snapshot_timestamp: Mapped[datetime] = mapped_column(comment=LAST_CHANGE)
    name: Mapped[str | None]
    title: Mapped[str | None]
    description: Mapped[str | None]
    is_inferred: Mapped[bool] = mapped_column(server_default=false(), comment=INFERRED)
    inferred_from: Mapped[str | None] = mapped_column(
        comment="The table whose record named it while it is inferred; NULL once it is complete."
    )


class DimCryptoCategoryHistory(Loaded, Base):
    """A former version of a category."""

    __tablename__ = "dim_crypto_category_history"
    __table_args__ = ({"schema": DWH},)

    category_id: Mapped[str] = mapped_column(primary_key=True)
    valid_from: Mapped[datetime] = mapped_column(primary_key=True, comment=VALID_FROM, sort_order=901)
    valid_to: Mapped[datetime] = mapped_column(comment=VALID_TO, sort_order=902)
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
    avg_price_change: Mapped[float | None] = percent()
    market_cap: Mapped[float | None]
    market_cap_change: Mapped[float | None] = percent()
    volume: Mapped[float | None]
    volume_change: Mapped[float | None] = percent()
    last_updated: Mapped[str | None]
    volume_to_market_cap_ratio: Mapped[float | None] = kpi("volume / market_cap")
    dominance_per_token: Mapped[float | None] = kpi("market_cap / num_tokens")
    market_cap_change_rate: Mapped[float | None] = kpi("market_cap_change / 100")
    volume_change_rate: Mapped[float | None] = kpi("volume_change / 100")
    price_change_index: Mapped[float | None] = kpi("avg_price_change * num_tokens")

    # The key begins with the category; a dashboard asks for all categories of a time range.
    __table_args__ = (Index(None, "snapshot_timestamp"), {"schema": DWH})


class LinkCryptoCategory(Loaded, Base):
    """A coin belongs to a category: from the first snapshot that showed it to the first complete one that did not.

    A category that is gone from a complete list of categories has no members either.

    Silver holds what was observed: a row for every member on every page of an answer, and one without a coin for the
    page itself.
    """

    __tablename__ = "link_crypto_category"
    own_columns: ClassVar[frozenset[str]] = frozenset({"valid_from", "valid_to"})
    silver_columns: ClassVar[dict[str, type]] = {
        "page_start": int,
        "num_tokens": int,
        "is_last_page": bool,
        "crypto_name": str,
        "crypto_symbol": str,
    }
    optional_in_silver: ClassVar[frozenset[str]] = frozenset({"crypto_id"})
    inferred_attributes: ClassVar[dict[str, dict[str, str]]] = {
        "crypto_id": {"name": "crypto_name", "symbol": "crypto_symbol"}
    }

    crypto_id: Mapped[int] = mapped_column(ForeignKey(f"{DWH}.dim_crypto_id.crypto_id"), primary_key=True)
    category_id: Mapped[str] = mapped_column(ForeignKey(f"{DWH}.dim_crypto_category.category_id"), primary_key=True)
    valid_from: Mapped[datetime] = mapped_column(primary_key=True, comment="The first snapshot that showed the coin.")
    valid_to: Mapped[datetime | None] = mapped_column(
        comment="The first complete snapshot without the coin; exclusive. NULL while it belongs to the category."
    )
    snapshot_timestamp: Mapped[datetime] = mapped_column(comment=LAST_CHANGE)

    __table_args__ = (Index(None, "category_id", "valid_to"), {"schema": DWH})
