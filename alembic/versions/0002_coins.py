"""Make the tables of coins and of their categories' members, and say who named an inferred category."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

#: Children before parents.
TABLES = (
    "link_crypto_category",
    "fact_crypto_market",
    "dim_crypto_map",
    "dim_crypto_info",
    "dim_crypto_info_history",
    "dim_crypto_id_history",
    "dim_crypto_id",
)


def upgrade() -> None:
    create_coins()
    create_links()
    op.add_column(
        "dim_crypto_category",
        sa.Column(
            "inferred_from",
            sa.Text(),
            comment="The table whose record named it while it is inferred; NULL once it is complete.",
        ),
        schema="dwh",
    )
    op.alter_column(
        "dim_crypto_category",
        "is_inferred",
        existing_type=sa.Boolean(),
        existing_server_default=sa.false(),
        comment="True while only other records have named it; its own row completes it.",
        schema="dwh",
    )


def create_coins() -> None:
    op.create_table(
        "dim_crypto_id",
        sa.Column("crypto_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "snapshot_timestamp",
            sa.TIMESTAMP(timezone=True),
            nullable=False,
            comment="The snapshot that last changed this row.",
        ),
        sa.Column("name", sa.Text()),
        sa.Column("symbol", sa.Text()),
        sa.Column("slug", sa.Text()),
        sa.Column(
            "platform_id",
            sa.BigInteger(),
            comment="As sent: the parent coin's id until about 2023, an internal number since; join on nothing.",
        ),
        sa.Column("platform_name", sa.Text()),
        sa.Column("platform_symbol", sa.Text()),
        sa.Column("platform_token_address", sa.Text()),
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
        sa.PrimaryKeyConstraint("crypto_id", name=op.f("pk_dim_crypto_id")),
        schema="dwh",
    )
    op.create_index(op.f("ix_dim_crypto_id_name"), "dim_crypto_id", ["name"], unique=False, schema="dwh")
    op.create_index(op.f("ix_dim_crypto_id_symbol"), "dim_crypto_id", ["symbol"], unique=False, schema="dwh")
    op.create_table(
        "dim_crypto_id_history",
        sa.Column("crypto_id", sa.BigInteger(), nullable=False),
        sa.Column("snapshot_timestamp", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("name", sa.Text()),
        sa.Column("symbol", sa.Text()),
        sa.Column("slug", sa.Text()),
        sa.Column(
            "platform_id",
            sa.BigInteger(),
            comment="As sent: the parent coin's id until about 2023, an internal number since; join on nothing.",
        ),
        sa.Column("platform_name", sa.Text()),
        sa.Column("platform_symbol", sa.Text()),
        sa.Column("platform_token_address", sa.Text()),
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
        sa.PrimaryKeyConstraint("crypto_id", "valid_from", name=op.f("pk_dim_crypto_id_history")),
        schema="dwh",
    )
    op.create_table(
        "dim_crypto_info_history",
        sa.Column("crypto_id", sa.BigInteger(), nullable=False),
        sa.Column("snapshot_timestamp", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("slug", sa.Text()),
        sa.Column("snapshot_date", sa.Date(), comment="The UTC day of snapshot_timestamp."),
        sa.Column("date_launched", sa.Date()),
        sa.Column("date_added", sa.Date()),
        sa.Column("category", sa.Text(), comment="coin or token."),
        sa.Column("tags", postgresql.ARRAY(sa.Text())),
        sa.Column(
            "description",
            sa.Text(),
            comment="Holds live figures and differs with every answer; a change of it alone is no new version.",
        ),
        sa.Column("logo_url", sa.Text()),
        sa.Column("website_url", sa.Text()),
        sa.Column("technical_doc_url", sa.Text()),
        sa.Column("explorer_url", sa.Text()),
        sa.Column("source_code_url", sa.Text()),
        sa.Column("twitter_url", sa.Text()),
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
        sa.PrimaryKeyConstraint("crypto_id", "valid_from", name=op.f("pk_dim_crypto_info_history")),
        schema="dwh",
    )
    op.create_table(
        "dim_crypto_info",
        sa.Column("crypto_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "snapshot_timestamp",
            sa.TIMESTAMP(timezone=True),
            nullable=False,
            comment="The snapshot that last changed this row.",
        ),
        sa.Column("slug", sa.Text()),
        sa.Column("snapshot_date", sa.Date(), comment="The UTC day of snapshot_timestamp."),
        sa.Column("date_launched", sa.Date()),
        sa.Column("date_added", sa.Date()),
        sa.Column("category", sa.Text(), comment="coin or token."),
        sa.Column("tags", postgresql.ARRAY(sa.Text())),
        sa.Column(
            "description",
            sa.Text(),
            comment="Holds live figures and differs with every answer; a change of it alone is no new version.",
        ),
        sa.Column("logo_url", sa.Text()),
        sa.Column("website_url", sa.Text()),
        sa.Column("technical_doc_url", sa.Text()),
        sa.Column("explorer_url", sa.Text()),
        sa.Column("source_code_url", sa.Text()),
        sa.Column("twitter_url", sa.Text()),
        sa.Column("load_batch_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["crypto_id"], ["dwh.dim_crypto_id.crypto_id"], name=op.f("fk_dim_crypto_info_crypto_id_dim_crypto_id")
        ),
        sa.PrimaryKeyConstraint("crypto_id", name=op.f("pk_dim_crypto_info")),
        schema="dwh",
    )
    op.create_table(
        "dim_crypto_map",
        sa.Column("crypto_id", sa.BigInteger(), nullable=False),
        sa.Column("snapshot_timestamp", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("snapshot_str", sa.Text(), nullable=False),
        sa.Column("rank", sa.BigInteger()),
        sa.Column("is_active", sa.BigInteger()),
        sa.Column("last_historical_data", sa.Text()),
        sa.Column("load_batch_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["crypto_id"], ["dwh.dim_crypto_id.crypto_id"], name=op.f("fk_dim_crypto_map_crypto_id_dim_crypto_id")
        ),
        sa.PrimaryKeyConstraint("crypto_id", "snapshot_timestamp", name=op.f("pk_dim_crypto_map")),
        schema="dwh",
    )
    op.create_index(
        op.f("ix_dim_crypto_map_snapshot_timestamp"),
        "dim_crypto_map",
        ["snapshot_timestamp"],
        unique=False,
        schema="dwh",
    )
    op.create_table(
        "fact_crypto_market",
        sa.Column("crypto_id", sa.BigInteger(), nullable=False),
        sa.Column("snapshot_timestamp", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("snapshot_str", sa.Text(), nullable=False),
        sa.Column("batch_index", sa.BigInteger(), comment="The page of the answer, from 1."),
        sa.Column("cmc_rank", sa.BigInteger()),
        sa.Column("platform_id", sa.BigInteger()),
        sa.Column("num_market_pairs", sa.BigInteger()),
        sa.Column("last_updated_usd", sa.Text()),
        sa.Column("price_usd", sa.Double()),
        sa.Column("volume_24h_usd", sa.Double()),
        sa.Column("volume_change_24h", sa.Double(), comment="Percent, as the API sent it: 3.05 means 3.05 %."),
        sa.Column("percent_change_1h_usd", sa.Double(), comment="Percent, as the API sent it: 3.05 means 3.05 %."),
        sa.Column("percent_change_24h_usd", sa.Double(), comment="Percent, as the API sent it: 3.05 means 3.05 %."),
        sa.Column("percent_change_7d_usd", sa.Double(), comment="Percent, as the API sent it: 3.05 means 3.05 %."),
        sa.Column("market_cap_usd", sa.Double()),
        sa.Column("market_cap_dominance_usd", sa.Double(), comment="Percent, as the API sent it: 3.05 means 3.05 %."),
        sa.Column("fully_diluted_market_cap_usd", sa.Double()),
        sa.Column("self_reported_market_cap", sa.Double()),
        sa.Column("circulating_supply", sa.Double()),
        sa.Column("total_supply", sa.Double()),
        sa.Column("max_supply", sa.Double()),
        sa.Column("self_reported_circulating_supply", sa.Double()),
        sa.Column("infinite_supply", sa.Boolean()),
        sa.Column(
            "volume_to_market_cap_ratio",
            sa.Double(),
            comment="volume_24h_usd / market_cap_usd; NULL where that is undefined.",
        ),
        sa.Column(
            "missing_supply_ratio",
            sa.Double(),
            comment="(total_supply - circulating_supply) / total_supply; NULL where that is undefined.",
        ),
        sa.Column(
            "supply_utilization", sa.Double(), comment="circulating_supply / max_supply; NULL where that is undefined."
        ),
        sa.Column(
            "fully_diluted_cap_ratio",
            sa.Double(),
            comment="fully_diluted_market_cap_usd / market_cap_usd; NULL where that is undefined.",
        ),
        sa.Column("load_batch_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["crypto_id"], ["dwh.dim_crypto_id.crypto_id"], name=op.f("fk_fact_crypto_market_crypto_id_dim_crypto_id")
        ),
        sa.PrimaryKeyConstraint("crypto_id", "snapshot_timestamp", name=op.f("pk_fact_crypto_market")),
        schema="dwh",
    )
    op.create_index(
        op.f("ix_fact_crypto_market_snapshot_timestamp"),
        "fact_crypto_market",
        ["snapshot_timestamp"],
        unique=False,
        schema="dwh",
    )


def create_links() -> None:
    op.create_table(
        "link_crypto_category",
        sa.Column("crypto_id", sa.BigInteger(), nullable=False),
        sa.Column("category_id", sa.Text(), nullable=False),
        sa.Column(
            "valid_from",
            sa.TIMESTAMP(timezone=True),
            nullable=False,
            comment="The first snapshot that showed the coin.",
        ),
        sa.Column(
            "valid_to",
            sa.TIMESTAMP(timezone=True),
            comment="The first complete snapshot without the coin; exclusive. NULL while it belongs to the category.",
        ),
        sa.Column(
            "snapshot_timestamp",
            sa.TIMESTAMP(timezone=True),
            nullable=False,
            comment="The snapshot that last changed this row.",
        ),
        sa.Column("load_batch_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["category_id"],
            ["dwh.dim_crypto_category.category_id"],
            name=op.f("fk_link_crypto_category_category_id_dim_crypto_category"),
        ),
        sa.ForeignKeyConstraint(
            ["crypto_id"], ["dwh.dim_crypto_id.crypto_id"], name=op.f("fk_link_crypto_category_crypto_id_dim_crypto_id")
        ),
        sa.PrimaryKeyConstraint("crypto_id", "category_id", "valid_from", name=op.f("pk_link_crypto_category")),
        schema="dwh",
    )
    op.create_index(
        op.f("ix_link_crypto_category_category_id_valid_to"),
        "link_crypto_category",
        ["category_id", "valid_to"],
        unique=False,
        schema="dwh",
    )


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table, schema="dwh")
    op.drop_column("dim_crypto_category", "inferred_from", schema="dwh")
    op.alter_column(
        "dim_crypto_category",
        "is_inferred",
        existing_type=sa.Boolean(),
        existing_server_default=sa.false(),
        comment="True while only a fact has named this category; its own row completes it.",
        schema="dwh",
    )
