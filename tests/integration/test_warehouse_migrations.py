"""The schema goes up and down, equals the models, and two upgrades at once are safe."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import inspect, text

from cryptoelt.clock import Clock
from cryptoelt.errors import SchemaError, UsageError
from cryptoelt.warehouse import migrations
from cryptoelt.warehouse.engine import Warehouse
from tests.support.models import differences

if TYPE_CHECKING:
    from pydantic import SecretStr


def relations(warehouse: Warehouse) -> set[str]:
    with warehouse.engine.connect() as connection:
        seen = inspect(connection)
        return {f"{schema}.{table}" for schema in seen.get_schema_names() for table in seen.get_table_names(schema)} - {
            f"information_schema.{table}" for table in seen.get_table_names("information_schema")
        }


def test_the_head_revision_has_no_difference_to_the_models(warehouse: Warehouse) -> None:
    assert differences(warehouse) == []


@pytest.mark.parametrize(
    "drift",
    [
        "ALTER TABLE dwh.dim_crypto_id_history ALTER COLUMN platform_id TYPE integer",
        "ALTER TABLE dwh.dim_crypto_category ALTER COLUMN is_inferred DROP DEFAULT",
        "COMMENT ON COLUMN dwh.fact_crypto_category.dominance_per_token IS 'something else'",
        "DROP INDEX dwh.ix_fact_crypto_category_snapshot_timestamp",
        "ALTER TABLE ops.load_batch ADD COLUMN extra text",
    ],
)
def test_the_comparison_sees_a_drift_of_each_kind(warehouse: Warehouse, drift: str) -> None:
    with warehouse.engine.begin() as connection:
        connection.execute(text(drift))
    assert differences(warehouse) != []


def test_up_down_and_up_again_leaves_the_same_tables(postgres_url: SecretStr) -> None:
    warehouse = Warehouse(postgres_url, Clock())
    assert migrations.current(warehouse) is None
    assert migrations.upgrade(warehouse) == migrations.head()
    first = relations(warehouse)
    assert {"dwh.dim_crypto_category", "dwh.fact_global_market", "ops.load_batch", "ops.quarantine"} < first
    assert migrations.downgrade(warehouse, "base") == "base"
    assert relations(warehouse) == {"ops.alembic_version"}
    assert migrations.upgrade(warehouse) == migrations.head()
    assert relations(warehouse) == first
    assert differences(warehouse) == []


def test_every_revision_goes_up_down_and_up_by_itself(postgres_url: SecretStr) -> None:
    warehouse = Warehouse(postgres_url, Clock())
    for revision, below in migrations.revisions().items():
        assert migrations.upgrade(warehouse, revision) == revision
        migrations.downgrade(warehouse, below or "base")
        assert migrations.upgrade(warehouse, revision) == revision


def test_schemas_for_views_are_made(warehouse: Warehouse) -> None:
    with warehouse.engine.connect() as connection:
        assert {"dwh", "ops", "analytics", "monitoring"} <= set(inspect(connection).get_schema_names())


def test_two_upgrades_at_once_both_succeed(postgres_url: SecretStr) -> None:
    with ThreadPoolExecutor(4) as pool:
        reached = [pool.submit(upgrade_in_a_process, postgres_url) for _ in range(4)]
    assert [future.result() for future in reached] == [migrations.head()] * 4
    assert differences(Warehouse(postgres_url, Clock())) == []


def upgrade_in_a_process(url: SecretStr) -> str:
    program = (
        "import os; from pydantic import SecretStr; from cryptoelt.clock import Clock;"
        "from cryptoelt.warehouse import engine, migrations;"
        "print(migrations.upgrade(engine.Warehouse(SecretStr(os.environ['URL']), Clock())))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={"URL": url.get_secret_value()},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return ended.stdout.strip()


def test_a_warehouse_at_the_head_is_accepted(warehouse: Warehouse) -> None:
    migrations.require_head(warehouse)


def test_a_warehouse_never_initialised_is_told_how_to(postgres_url: SecretStr) -> None:
    with pytest.raises(SchemaError, match="never initialised") as caught:
        migrations.require_head(Warehouse(postgres_url, Clock()))
    assert "cryptoelt db init" in caught.value.hint


def test_a_warehouse_below_the_head_is_told_to_upgrade(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    known, at = migrations.revisions(), migrations.head()
    monkeypatch.setattr(migrations, "revisions", lambda: {**known, "9999": at})
    with pytest.raises(SchemaError, match=f"at revision {at}, not at 9999") as caught:
        migrations.require_head(warehouse)
    assert "cryptoelt db upgrade" in caught.value.hint


def test_a_warehouse_of_a_newer_cryptoelt_is_refused(warehouse: Warehouse) -> None:
    with warehouse.engine.begin() as connection:
        connection.execute(text("UPDATE ops.alembic_version SET version_num = 'from_the_future'"))
    with pytest.raises(SchemaError, match="does not know"):
        migrations.require_head(warehouse)


def test_a_warehouse_after_downgrade_to_base_counts_as_never_initialised(warehouse: Warehouse) -> None:
    migrations.downgrade(warehouse, "base")
    with pytest.raises(SchemaError, match="never initialised"):
        migrations.require_head(warehouse)


def test_an_unknown_revision_is_wrong_usage_and_changes_nothing(warehouse: Warehouse) -> None:
    before = relations(warehouse)
    with pytest.raises(UsageError, match="no_such_revision"):
        migrations.upgrade(warehouse, "no_such_revision")
    assert relations(warehouse) == before


def test_comparing_revisions_imports_neither_alembic_nor_sqlalchemy(warehouse: Warehouse) -> None:
    program = (
        "import os, sys; from pydantic import SecretStr; from cryptoelt.clock import Clock;"
        "from cryptoelt.warehouse import engine, migrations;"
        "migrations.require_head(engine.Warehouse(SecretStr(os.environ['URL']), Clock()));"
        "print([name for name in ('alembic', 'sqlalchemy', 'pyarrow', 'deltalake') if name in sys.modules])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={"URL": warehouse.url.get_secret_value()},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ended.stdout.strip() == "[]"
