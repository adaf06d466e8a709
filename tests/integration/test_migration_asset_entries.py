"""Rows of fact_exchange_assets as an older version wrote them, through the revision that gives them an entry."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from cryptoelt.clock import Clock
from cryptoelt.errors import SchemaError
from cryptoelt.warehouse import migrations
from cryptoelt.warehouse.engine import Warehouse

if TYPE_CHECKING:
    from pydantic import SecretStr

FACT = "dwh.fact_exchange_assets"
PARENTS = (
    "INSERT INTO dwh.dim_exchange_id (exchange_id, snapshot_timestamp, load_batch_id) VALUES (1, now(), 1);"
    "INSERT INTO dwh.dim_crypto_id (crypto_id, snapshot_timestamp, load_batch_id) VALUES (1, now(), 1);"
)
COLUMNS = "exchange_id, blockchain_name, wallet_address, crypto_id, snapshot_timestamp, snapshot_str, load_batch_id"


def execute(warehouse: Warehouse, statement: str) -> list[tuple[Any, ...]]:
    with closing(warehouse.connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def hold(warehouse: Warehouse, wallet: str, balance: str, entry: str = "") -> None:
    """Insert a row; with an entry where there is such a column."""
    columns, values = ("entry, ", f"{entry}, ") if entry else ("", "")
    execute(
        warehouse,
        f"INSERT INTO {FACT} ({columns}balance, {COLUMNS})"
        f" VALUES ({values}{balance}, 1, 'Chain', '{wallet}', 1, '2026-11-23T10:30:00Z', 'x', 1)",
    )


@pytest.fixture
def older(postgres_url: SecretStr) -> Warehouse:
    """A warehouse as an older version leaves it: at its revision, with views, and with two wallets."""
    warehouse = Warehouse(postgres_url, Clock())
    migrations.upgrade(warehouse)
    migrations.downgrade(warehouse, "0007")
    execute(warehouse, f"CREATE VIEW analytics.mine AS SELECT exchange_id, total_usd_value FROM {FACT}; {PARENTS}")
    hold(warehouse, "w1", "'230974428784003.81'")
    hold(warehouse, "w2", "NULL")
    return warehouse


def test_rows_keep_their_balance_and_are_the_first_entry(older: Warehouse) -> None:
    migrations.upgrade(older)

    rows = f"SELECT wallet_address, entry, balance::text FROM {FACT} ORDER BY 1, 2"
    assert execute(older, rows) == [("w1", 1, "230974428784003.8"), ("w2", 1, None)]
    hold(older, "w1", "230974428784003.81", entry="2")
    assert execute(older, "SELECT balance FROM analytics.vw_top_wallets_by_usd_value WHERE entry = 2") != []


def test_a_downgrade_keeps_the_first_entry_of_each_key(older: Warehouse, caplog: pytest.LogCaptureFixture) -> None:
    migrations.upgrade(older)
    hold(older, "w1", "1.5", entry="2")
    hold(older, "w1", "0.1", entry="3")

    migrations.downgrade(older, "0007")
    (said,) = caplog.records
    assert said.told.startswith("fact_exchange_assets: 2 rows above entry 1 went")  # type: ignore[attr-defined]
    rows = f"SELECT wallet_address, balance, pg_typeof(balance)::text FROM {FACT} ORDER BY 1"
    assert execute(older, rows) == [("w1", 230974428784003.8, "double precision"), ("w2", None, "double precision")]
    migrations.upgrade(older)
    assert len(execute(older, rows)) == 2


def test_a_view_of_somebody_else_on_balances_is_named_and_nothing_is_changed(older: Warehouse) -> None:
    execute(older, f"CREATE VIEW analytics.theirs AS SELECT balance FROM {FACT}")

    with pytest.raises(SchemaError, match=r"fact_exchange_assets cannot be changed: analytics\.theirs"):
        migrations.upgrade(older)
    assert migrations.current(older) == "0007"
