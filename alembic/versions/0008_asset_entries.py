"""Keep every balance of a wallet: an entry within the key of fact_exchange_assets, and balances to the last digit."""

from __future__ import annotations

import logging

import sqlalchemy as sa

from alembic import op
from cryptoelt.warehouse.scripts import withdraw

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLE, KEY = "fact_exchange_assets", "pk_fact_exchange_assets"
FORMER_KEY = ["exchange_id", "blockchain_name", "wallet_address", "crypto_id", "snapshot_timestamp"]
PRESENT_KEY = [*FORMER_KEY[:-1], "entry", FORMER_KEY[-1]]
WALLET = "0x and 40 hexadecimal digits in lower case; every other address as sent."
ENTRY = "From 1: tells the balances of one wallet, blockchain and coin apart, the largest first."
UNITS = "In units of the coin."
EXACT_UNITS = "In units of the coin, to the last digit that was sent."

log = logging.getLogger("cryptoelt.warehouse")


def upgrade() -> None:
    withdraw(op.get_bind(), f"dwh.{TABLE}", "balance")
    op.add_column(
        TABLE, sa.Column("entry", sa.BigInteger(), server_default="1", nullable=False, comment=ENTRY), schema="dwh"
    )
    _set_key(PRESENT_KEY)
    # A double's own text has all the digits that tell it from its neighbours; its cast to numeric has 15.
    _retype_balance(sa.Double(), sa.Numeric(), "balance::text::numeric", UNITS, EXACT_UNITS)
    op.alter_column(TABLE, "wallet_address", existing_type=sa.Text(), comment=WALLET, schema="dwh")


def downgrade() -> None:
    withdraw(op.get_bind(), f"dwh.{TABLE}", "balance", "entry")
    removed = op.get_bind().execute(sa.text(f"DELETE FROM dwh.{TABLE} WHERE entry > 1")).rowcount  # noqa: S608
    if removed:
        told = f"{TABLE}: {removed} rows above entry 1 went, the former key cannot tell them apart; the lake keeps them"
        log.warning("migration.rows_removed", extra={"fields": {"table": TABLE, "rows": removed}, "told": told})
    op.alter_column(
        TABLE, "wallet_address", existing_type=sa.Text(), comment=None, existing_comment=WALLET, schema="dwh"
    )
    _retype_balance(sa.Numeric(), sa.Double(), "balance::double precision", EXACT_UNITS, UNITS)
    _set_key(FORMER_KEY)
    op.drop_column(TABLE, "entry", schema="dwh")


def _set_key(columns: list[str]) -> None:
    op.drop_constraint(KEY, TABLE, schema="dwh", type_="primary")
    op.create_primary_key(KEY, TABLE, columns, schema="dwh")


def _retype_balance(
    before: sa.types.TypeEngine[object], after: sa.types.TypeEngine[object], using: str, said: str, says: str
) -> None:
    op.alter_column(
        TABLE,
        "balance",
        existing_type=before,
        type_=after,
        existing_comment=said,
        comment=says,
        postgresql_using=using,
        schema="dwh",
    )
