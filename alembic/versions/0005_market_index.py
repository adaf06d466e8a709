"""Let a dashboard find the caps of all coins over a year in the index alone."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

INDEX = "ix_fact_crypto_market_snapshot_timestamp"
FIGURES = ["market_cap_usd", "fully_diluted_market_cap_usd", "market_cap_dominance_usd"]


def upgrade() -> None:
    remake(FIGURES)


def downgrade() -> None:
    remake([])


def remake(figures: list[str]) -> None:
    op.drop_index(op.f(INDEX), "fact_crypto_market", schema="dwh")
    op.create_index(op.f(INDEX), "fact_crypto_market", ["snapshot_timestamp"], schema="dwh", postgresql_include=figures)
