"""Tell which snapshots are a list that was cut short, so that no view takes them for a full one."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op
from cryptoelt.warehouse.scripts import withdraw

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

OPS = "ops"


def upgrade() -> None:
    op.create_table(
        "incomplete_snapshot",
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("snapshot_timestamp", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("load_batch_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "completed_at",
            sa.TIMESTAMP(timezone=True),
            comment="When a rebuild found it whole after all; NULL while it is incomplete.",
        ),
        sa.PrimaryKeyConstraint("table_name", "snapshot_timestamp", name=op.f("pk_incomplete_snapshot")),
        schema=OPS,
    )
    op.add_column(
        "load_batch",
        sa.Column(
            "incomplete_snapshots",
            postgresql.ARRAY(sa.TIMESTAMP(timezone=True)),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="Those of the snapshots that are a list cut short, when they were loaded.",
        ),
        schema=OPS,
    )


def downgrade() -> None:
    withdraw(op.get_bind())
    op.drop_column("load_batch", "incomplete_snapshots", schema=OPS)
    op.drop_table("incomplete_snapshot", schema=OPS)
