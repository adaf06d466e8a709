"""Model of the market's sentiment."""

# Annotations are evaluated by SQLAlchemy when a class is made, so this module does without postponed evaluation.
from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from cryptoelt.warehouse.models.base import DWH, Base, Loaded


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
