"""Make the schemas, the four tables of the 10x frequency, the load batches and the quarantine."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

DWH = "dwh"
OPS = "ops"


def words(name: str, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), **options)


def moment(name: str, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.TIMESTAMP(timezone=True), **options)


def count(name: str, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), **options)


def number(name: str, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.Double(), **options)


def percent(name: str) -> sa.Column[Any]:
    return number(name, comment="Percent, as the API sent it: 3.05 means 3.05 %.")


def kpi(name: str, formula: str) -> sa.Column[Any]:
    return number(name, comment=f"{formula}; NULL where that is undefined.")


def check(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean(), comment="True where the KPI could be computed; a genuine zero is known.")


def upgrade() -> None:
    existing = set(sa.inspect(op.get_bind()).get_schema_names())
    for schema in ("dwh", "analytics", "monitoring"):
        if schema not in existing:  # a database owner may have made it, and left us no right to make one
            op.execute(sa.schema.CreateSchema(schema))
    create_category()
    create_market()
    create_operations()


def create_category() -> None:
    op.create_table(
        "dim_crypto_category",
        words("category_id", nullable=False),
        moment("snapshot_timestamp", nullable=False, comment="The snapshot that last changed this row."),
        words("name"),
        words("title"),
        words("description"),
        sa.Column(
            "is_inferred",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="True while only a fact has named this category; its own row completes it.",
        ),
        count("load_batch_id", nullable=False),
        sa.PrimaryKeyConstraint("category_id", name=op.f("pk_dim_crypto_category")),
        schema=DWH,
    )
    op.create_table(
        "dim_crypto_category_history",
        words("category_id", nullable=False),
        moment("snapshot_timestamp", nullable=False),
        words("name"),
        words("title"),
        words("description"),
        moment("valid_from", nullable=False, comment="The first snapshot that showed this version."),
        moment("valid_to", nullable=False, comment="The snapshot that showed the next version; exclusive."),
        count("load_batch_id", nullable=False),
        sa.PrimaryKeyConstraint("category_id", "valid_from", name=op.f("pk_dim_crypto_category_history")),
        schema=DWH,
    )
    op.create_table(
        "fact_crypto_category",
        words("category_id", nullable=False),
        moment("snapshot_timestamp", nullable=False),
        words("snapshot_str", nullable=False),
        count("num_tokens"),
        percent("avg_price_change"),
        number("market_cap"),
        percent("market_cap_change"),
        number("volume"),
        percent("volume_change"),
        words("last_updated"),
        kpi("volume_to_market_cap_ratio", "volume / market_cap"),
        kpi("dominance_per_token", "market_cap / num_tokens"),
        kpi("market_cap_change_rate", "market_cap_change / 100"),
        kpi("volume_change_rate", "volume_change / 100"),
        kpi("price_change_index", "avg_price_change * num_tokens"),
        count("load_batch_id", nullable=False),
        sa.ForeignKeyConstraint(
            ["category_id"],
            ["dwh.dim_crypto_category.category_id"],
            name=op.f("fk_fact_crypto_category_category_id_dim_crypto_category"),
        ),
        sa.PrimaryKeyConstraint("category_id", "snapshot_timestamp", name=op.f("pk_fact_crypto_category")),
        schema=DWH,
    )
    op.create_index(
        op.f("ix_fact_crypto_category_snapshot_timestamp"), "fact_crypto_category", ["snapshot_timestamp"], schema=DWH
    )


def create_market() -> None:
    op.create_table(
        "fact_global_market",
        moment("snapshot_timestamp", nullable=False),
        words("snapshot_str", nullable=False),
        moment("last_updated_timestamp"),
        words("last_updated_str"),
        percent("btc_dominance"),
        percent("eth_dominance"),
        percent("btc_dominance_yesterday"),
        percent("eth_dominance_yesterday"),
        percent("btc_dominance_24h_change"),
        percent("eth_dominance_24h_change"),
        kpi("btc_dominance_delta", "btc_dominance - btc_dominance_yesterday"),
        kpi("eth_dominance_delta", "eth_dominance - eth_dominance_yesterday"),
        check("check_btc_dominance_delta"),
        check("check_eth_dominance_delta"),
        count("active_cryptocurrencies"),
        count("total_cryptocurrencies"),
        count("active_market_pairs"),
        count("active_exchanges"),
        count("total_exchanges"),
        number("defi_market_cap"),
        number("defi_volume_24h"),
        number("defi_volume_24h_reported"),
        percent("defi_24h_percentage_change"),
        kpi("defi_volume_share", "defi_volume_24h / total_volume_24h"),
        check("check_defi_volume_share"),
        number("stablecoin_market_cap"),
        number("stablecoin_volume_24h"),
        number("stablecoin_volume_24h_reported"),
        percent("stablecoin_24h_percentage_change"),
        kpi("stablecoin_market_share", "stablecoin_market_cap / total_market_cap"),
        check("check_stablecoin_market_share"),
        number("derivatives_volume_24h"),
        number("derivatives_volume_24h_reported"),
        percent("derivatives_24h_percentage_change"),
        number("altcoin_market_cap"),
        number("altcoin_volume_24h"),
        number("altcoin_volume_24h_reported"),
        number("total_market_cap"),
        number("total_volume_24h"),
        number("total_volume_24h_reported"),
        kpi("market_liquidity_ratio", "total_volume_24h / total_market_cap"),
        check("check_market_liquidity_ratio"),
        number("total_market_cap_yesterday"),
        number("total_volume_24h_yesterday"),
        percent("total_market_cap_yesterday_change"),
        percent("total_volume_24h_yesterday_change"),
        count("total_crypto_dex_currencies"),
        count("new_cryptos_today"),
        count("new_cryptos_last_24h"),
        count("new_cryptos_last_7d"),
        count("new_cryptos_last_30d"),
        percent("new_cryptos_today_pct"),
        kpi("crypto_growth_rate_30d", "new_cryptos_last_30d / total_cryptocurrencies"),
        check("check_crypto_growth_rate_30d"),
        count("max_daily_new_cryptos"),
        sa.Column("max_new_cryptos_day", sa.Date(), nullable=True),
        count("min_daily_new_cryptos"),
        sa.Column("min_new_cryptos_day", sa.Date(), nullable=True),
        count("load_batch_id", nullable=False),
        sa.PrimaryKeyConstraint("snapshot_timestamp", name=op.f("pk_fact_global_market")),
        schema=DWH,
    )
    op.create_table(
        "fact_market_sentiment",
        moment(
            "snapshot_timestamp",
            nullable=False,
            comment="Of the run; of a point of the historical answer its own UTC midnight.",
        ),
        words("snapshot_str", nullable=False),
        count("fear_greed_score", comment="0 is extreme fear, 100 extreme greed."),
        words("sentiment_label"),
        moment("value_timestamp", comment="When the API last updated the value."),
        count("load_batch_id", nullable=False),
        sa.PrimaryKeyConstraint("snapshot_timestamp", name=op.f("pk_fact_market_sentiment")),
        schema=DWH,
    )


def create_operations() -> None:
    op.create_table(
        "load_batch",
        sa.Column("load_batch_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        words("run_id", nullable=False),
        words("table_name", nullable=False),
        words("silver_table_id", comment="Delta's identity of the table that was read."),
        count(
            "silver_version",
            comment="Everything up to this Delta version is loaded; NULL where a later batch of the catch-up says so.",
        ),
        sa.Column("snapshots", postgresql.ARRAY(sa.TIMESTAMP(timezone=True)), nullable=False),
        count("rows_in", nullable=False),
        count("rows_loaded", nullable=False),
        count("rows_present", nullable=False),
        count("rows_quarantined", nullable=False),
        moment("started_at", nullable=False),
        moment("ended_at", nullable=False),
        moment("superseded_at", comment="When a rebuild replaced what this batch loaded."),
        sa.CheckConstraint(
            "rows_in = rows_loaded + rows_present + rows_quarantined", name=op.f("ck_load_batch_rows_add_up")
        ),
        sa.PrimaryKeyConstraint("load_batch_id", name=op.f("pk_load_batch")),
        schema=OPS,
    )
    op.create_index(
        op.f("ix_load_batch_table_name_silver_table_id_silver_version"),
        "load_batch",
        ["table_name", "silver_table_id", "silver_version"],
        schema=OPS,
        postgresql_where=sa.text("superseded_at IS NULL"),
    )
    op.create_table(
        "quarantine",
        sa.Column("quarantine_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        words("table_name", nullable=False),
        moment("snapshot_timestamp", nullable=False),
        words("rule", nullable=False),
        words("record", nullable=False, comment="The raw JSON as sent; text, because jsonb refuses some of it."),
        sa.Column("record_md5", sa.Text(), sa.Computed("md5(record)", persisted=True), nullable=False),
        words("call_id"),
        moment("quarantined_at", nullable=False),
        moment("replayed_at"),
        count("load_batch_id", nullable=False),
        sa.PrimaryKeyConstraint("quarantine_id", name=op.f("pk_quarantine")),
        sa.UniqueConstraint(
            "table_name",
            "snapshot_timestamp",
            "rule",
            "record_md5",
            name=op.f("uq_quarantine_table_name_snapshot_timestamp_rule_record_md5"),
        ),
        schema=OPS,
    )


def downgrade() -> None:
    op.drop_table("fact_crypto_category", schema=DWH)
    op.drop_table("quarantine", schema=OPS)
    op.drop_table("load_batch", schema=OPS)
    op.drop_table("fact_market_sentiment", schema=DWH)
    op.drop_table("fact_global_market", schema=DWH)
    op.drop_table("dim_crypto_category_history", schema=DWH)
    op.drop_table("dim_crypto_category", schema=DWH)
    for schema in ("monitoring", "analytics", "dwh"):
        op.execute(sa.schema.DropSchema(schema))
