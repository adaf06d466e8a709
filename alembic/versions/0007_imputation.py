"""Find the figures that are lacking or imputed, and the last observed ones, without reading all of history."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

#: Table -> what its index is called -> the rows that are in it.
CONDITIONS = {
    "fact_exchange_info": {
        "maker_fee_observed": "maker_fee IS NOT NULL",
        "taker_fee_observed": "taker_fee IS NOT NULL",
        "weekly_visits_observed": "weekly_visits IS NOT NULL",
        "spot_volume_usd_observed": "spot_volume_usd IS NOT NULL",
    },
    "dim_exchange_map": {
        "maker_fee_lacking": "maker_fee IS NULL",
        "taker_fee_lacking": "taker_fee IS NULL",
        "weekly_visits_lacking": "weekly_visits IS NULL",
        "imputed": "is_imputed",
    },
    "fact_exchange_assets": {"spot_volume_usd_lacking": "spot_volume_usd IS NULL", "imputed": "is_imputed"},
}
FURTHER_COLUMNS = {("fact_exchange_assets", "imputed"): ["spot_volume_usd"]}


def upgrade() -> None:
    for table, conditions in CONDITIONS.items():
        for name, condition in conditions.items():
            columns = ["exchange_id", "snapshot_timestamp", *FURTHER_COLUMNS.get((table, name), [])]
            op.create_index(f"ix_{table}_{name}", table, columns, schema="dwh", postgresql_where=sa.text(condition))


def downgrade() -> None:
    for table, conditions in CONDITIONS.items():
        for name in conditions:
            op.drop_index(f"ix_{table}_{name}", table, schema="dwh")
