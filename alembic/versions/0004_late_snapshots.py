"""Find what a late snapshot concerns without reading all of history."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ASSETS = "ix_fact_exchange_assets_exchange_id_snapshot_timestamp"
NEWEST = "ix_load_batch_table_name_newest"


def upgrade() -> None:
    op.create_index(op.f(ASSETS), "fact_exchange_assets", ["exchange_id", "snapshot_timestamp"], schema="dwh")
    op.create_index(NEWEST, "load_batch", ["table_name", sa.text("(snapshots[cardinality(snapshots)])")], schema="ops")
    comment_on_snapshots("Oldest first.", before=None)


def downgrade() -> None:
    comment_on_snapshots(None, before="Oldest first.")
    op.drop_index(NEWEST, "load_batch", schema="ops")
    op.drop_index(op.f(ASSETS), "fact_exchange_assets", schema="dwh")


def comment_on_snapshots(comment: str | None, before: str | None) -> None:
    op.alter_column(
        "load_batch",
        "snapshots",
        existing_type=postgresql.ARRAY(sa.TIMESTAMP(timezone=True)),
        existing_nullable=False,
        comment=comment,
        existing_comment=before,
        schema="ops",
    )
