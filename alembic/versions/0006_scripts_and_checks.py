"""Keep account of the views and procedures that are deployed, and of what quality checks found."""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op
from cryptoelt.warehouse.scripts import withdraw

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

OPS = "ops"


def upgrade() -> None:
    op.create_table(
        "script",
        sa.Column("name", sa.Text(), nullable=False, comment="Its path below sql/."),
        sa.Column("kind", sa.Text(), nullable=False, comment="view, function or procedure."),
        sa.Column("object_name", sa.Text(), nullable=False, comment="What it makes, with its schema."),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("deployed_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_script")),
        schema=OPS,
    )
    op.create_table(
        "quality_result",
        sa.Column("quality_result_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("check_name", sa.Text(), nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False, comment="error, warning or info."),
        sa.Column("status", sa.Text(), nullable=False, comment="passed, failed, or broken where it could not be run."),
        sa.Column("is_full", sa.Boolean(), nullable=False, comment="True where all of history was looked at."),
        sa.Column("load_batch_id", sa.BigInteger(), comment="The newest load of the table that was looked at."),
        sa.Column("rows_found", sa.BigInteger(), comment="Rows that break the check; NULL where it could not be run."),
        sa.Column("sample", sa.Text(), comment="The first of them, as JSON."),
        sa.Column("message", sa.Text(), comment="Why it could not be run."),
        sa.Column("started_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("quality_result_id", name=op.f("pk_quality_result")),
        schema=OPS,
    )
    op.create_index(
        op.f("ix_quality_result_check_name_quality_result_id"),
        "quality_result",
        ["check_name", "quality_result_id"],
        schema=OPS,
    )


def downgrade() -> None:
    withdraw(op.get_bind())
    op.drop_table("quality_result", schema=OPS)
    op.drop_table("script", schema=OPS)
