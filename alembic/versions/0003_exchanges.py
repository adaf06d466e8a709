"""Make the tables of exchanges and of what they hold."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

#: Children before parents.
TABLES = (
    "fact_exchange_info",
    "fact_exchange_assets",
    "dim_exchange_map",
    "dim_exchange_info",
    "dim_exchange_info_history",
    "dim_exchange_id_history",
    "dim_exchange_id",
)


def upgrade() -> None:
    op.create_table(
        "dim_exchange_id",
        sa.Column("exchange_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "snapshot_timestamp",
            sa.TIMESTAMP(timezone=True),
            nullable=False,
            comment="The snapshot that last changed this row.",
        ),
        sa.Column("name", sa.Text()),
        sa.Column(
            "is_inferred",
            sa.Boolean(),
            server_default=sa.false(),
            nullable=False,
            comment="True while only other records have named it; its own row completes it.",
        ),
        sa.Column(
            "inferred_from",
            sa.Text(),
            comment="The table whose record named it while it is inferred; NULL once it is complete.",
        ),
        sa.Column("load_batch_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("exchange_id", name=op.f("pk_dim_exchange_id")),
        schema="dwh",
    )
    op.create_index(op.f("ix_dim_exchange_id_name"), "dim_exchange_id", ["name"], unique=False, schema="dwh")
    op.create_table(
        "dim_exchange_id_history",
        sa.Column("exchange_id", sa.BigInteger(), nullable=False),
        sa.Column("snapshot_timestamp", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("name", sa.Text()),
        sa.Column(
            "valid_from",
            sa.TIMESTAMP(timezone=True),
            nullable=False,
            comment="The first snapshot that showed this version.",
        ),
        sa.Column(
            "valid_to",
            sa.TIMESTAMP(timezone=True),
            nullable=False,
            comment="The snapshot that showed the next version; exclusive.",
        ),
        sa.Column("load_batch_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("exchange_id", "valid_from", name=op.f("pk_dim_exchange_id_history")),
        schema="dwh",
    )
    op.create_table(
        "dim_exchange_info_history",
        sa.Column("exchange_id", sa.BigInteger(), nullable=False),
        sa.Column("snapshot_timestamp", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("slug", sa.Text()),
        sa.Column("description", sa.Text()),
        sa.Column("date_launched", sa.Text(), comment="UTC, as YYYY-MM-DD HH:MM:SS."),
        sa.Column("logo_url", sa.Text()),
        sa.Column("website_url", sa.Text()),
        sa.Column("twitter_url", sa.Text()),
        sa.Column("blog_url", sa.Text()),
        sa.Column("fee_url", sa.Text()),
        sa.Column("fiats", postgresql.ARRAY(sa.Text())),
        sa.Column(
            "valid_from",
            sa.TIMESTAMP(timezone=True),
            nullable=False,
            comment="The first snapshot that showed this version.",
        ),
        sa.Column(
            "valid_to",
            sa.TIMESTAMP(timezone=True),
            nullable=False,
            comment="The snapshot that showed the next version; exclusive.",
        ),
        sa.Column("load_batch_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("exchange_id", "valid_from", name=op.f("pk_dim_exchange_info_history")),
        schema="dwh",
    )
    op.create_table(
        "dim_exchange_info",
        sa.Column("exchange_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "snapshot_timestamp",
            sa.TIMESTAMP(timezone=True),
            nullable=False,
            comment="The snapshot that last changed this row.",
        ),
        sa.Column("slug", sa.Text()),
        sa.Column("description", sa.Text()),
        sa.Column("date_launched", sa.Text(), comment="UTC, as YYYY-MM-DD HH:MM:SS."),
        sa.Column("logo_url", sa.Text()),
        sa.Column("website_url", sa.Text()),
        sa.Column("twitter_url", sa.Text()),
        sa.Column("blog_url", sa.Text()),
        sa.Column("fee_url", sa.Text()),
        sa.Column("fiats", postgresql.ARRAY(sa.Text())),
        sa.Column("load_batch_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["exchange_id"],
            ["dwh.dim_exchange_id.exchange_id"],
            name=op.f("fk_dim_exchange_info_exchange_id_dim_exchange_id"),
        ),
        sa.PrimaryKeyConstraint("exchange_id", name=op.f("pk_dim_exchange_info")),
        schema="dwh",
    )
    op.create_table(
        "dim_exchange_map",
        sa.Column("exchange_id", sa.BigInteger(), nullable=False),
        sa.Column("snapshot_timestamp", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("snapshot_str", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean()),
        sa.Column("maker_fee", sa.Double()),
        sa.Column("taker_fee", sa.Double()),
        sa.Column("weekly_visits", sa.BigInteger()),
        sa.Column(
            "info_snapshot_timestamp",
            sa.TIMESTAMP(timezone=True),
            comment="The exchange/info answer that fees and visits come from: the newest not later than this row.",
        ),
        sa.Column(
            "is_imputed",
            sa.Boolean(),
            server_default=sa.false(),
            nullable=False,
            comment="True where the newest exchange/info had no value and the last observed one was carried forward.",
        ),
        sa.Column("load_batch_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["exchange_id"],
            ["dwh.dim_exchange_id.exchange_id"],
            name=op.f("fk_dim_exchange_map_exchange_id_dim_exchange_id"),
        ),
        sa.PrimaryKeyConstraint("exchange_id", "snapshot_timestamp", name=op.f("pk_dim_exchange_map")),
        schema="dwh",
    )
    op.create_index(
        op.f("ix_dim_exchange_map_snapshot_timestamp"),
        "dim_exchange_map",
        ["snapshot_timestamp"],
        unique=False,
        schema="dwh",
    )
    op.create_table(
        "fact_exchange_assets",
        sa.Column("exchange_id", sa.BigInteger(), nullable=False),
        sa.Column("blockchain_name", sa.Text(), nullable=False),
        sa.Column("wallet_address", sa.Text(), nullable=False),
        sa.Column("crypto_id", sa.BigInteger(), nullable=False),
        sa.Column("snapshot_timestamp", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("snapshot_str", sa.Text(), nullable=False),
        sa.Column("spot_volume_usd", sa.Double(), comment="Of the newest exchange/info not later than this row."),
        sa.Column("blockchain_symbol", sa.Text()),
        sa.Column("balance", sa.Double(), comment="In units of the coin."),
        sa.Column("currency_price_usd", sa.Double()),
        sa.Column(
            "total_usd_value", sa.Double(), comment="balance * currency_price_usd; NULL where that is undefined."
        ),
        sa.Column(
            "wallet_weight",
            sa.Double(),
            comment="total_usd_value / sum of total_usd_value over the exchange at this snapshot;"
            " NULL where that is undefined.",
        ),
        sa.Column(
            "value_to_volume_ratio",
            sa.Double(),
            comment="total_usd_value / spot_volume_usd; NULL where that is undefined.",
        ),
        sa.Column(
            "is_imputed",
            sa.Boolean(),
            server_default=sa.false(),
            nullable=False,
            comment="True where the newest exchange/info had no value and the last observed one was carried forward.",
        ),
        sa.Column("load_batch_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["crypto_id"], ["dwh.dim_crypto_id.crypto_id"], name=op.f("fk_fact_exchange_assets_crypto_id_dim_crypto_id")
        ),
        sa.ForeignKeyConstraint(
            ["exchange_id"],
            ["dwh.dim_exchange_id.exchange_id"],
            name=op.f("fk_fact_exchange_assets_exchange_id_dim_exchange_id"),
        ),
        sa.PrimaryKeyConstraint(
            "exchange_id",
            "blockchain_name",
            "wallet_address",
            "crypto_id",
            "snapshot_timestamp",
            name=op.f("pk_fact_exchange_assets"),
        ),
        schema="dwh",
    )
    op.create_index(
        op.f("ix_fact_exchange_assets_snapshot_timestamp"),
        "fact_exchange_assets",
        ["snapshot_timestamp"],
        unique=False,
        schema="dwh",
    )
    op.create_table(
        "fact_exchange_info",
        sa.Column("exchange_id", sa.BigInteger(), nullable=False),
        sa.Column("snapshot_timestamp", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("maker_fee", sa.Double()),
        sa.Column("taker_fee", sa.Double()),
        sa.Column("weekly_visits", sa.BigInteger()),
        sa.Column("spot_volume_usd", sa.Double()),
        sa.Column("spot_volume_last_updated", sa.TIMESTAMP(timezone=True)),
        sa.Column("load_batch_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["exchange_id"],
            ["dwh.dim_exchange_id.exchange_id"],
            name=op.f("fk_fact_exchange_info_exchange_id_dim_exchange_id"),
        ),
        sa.PrimaryKeyConstraint("exchange_id", "snapshot_timestamp", name=op.f("pk_fact_exchange_info")),
        schema="dwh",
    )


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table, schema="dwh")
