"""The models say what the team's dashboards rely on, and Silver and the load derive from them."""

from __future__ import annotations

import pyarrow as pa
import pytest

from cryptoelt.tables import TABLES, TableKind
from cryptoelt.warehouse.models import Base
from cryptoelt.warehouse.schema import Parent, key_of, model_of, silver_schema, target_of

UTC_TIME = pa.timestamp("us", tz="UTC")


def test_every_table_of_the_catalogue_has_a_model_in_dwh() -> None:
    assert {model_of(table.warehouse_table).__table__.schema for table in TABLES.values()} == {"dwh"}


def test_every_table_of_dwh_says_which_load_wrote_its_rows_and_of_which_snapshot() -> None:
    tables = [table for table in Base.metadata.tables.values() if table.schema == "dwh"]
    assert len(tables) >= len(TABLES)
    for table in tables:
        assert {"snapshot_timestamp", "load_batch_id"} <= set(table.columns.keys()), table.name


def test_every_stable_dimension_has_a_history_of_the_same_columns() -> None:
    for name, table in TABLES.items():
        if table.kind is TableKind.STABLE_DIMENSION:
            former = set(target_of(f"{name}_history").columns.names)
            assert former == {*target_of(name).columns.names, "valid_from", "valid_to"}
            assert key_of(f"{name}_history") == (*key_of(name), "valid_from")


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("dim_crypto_category", ("category_id",)),
        ("fact_crypto_category", ("category_id", "snapshot_timestamp")),
        ("fact_global_market", ("snapshot_timestamp",)),
        ("fact_market_sentiment", ("snapshot_timestamp",)),
    ],
)
def test_keys(table: str, key: tuple[str, ...]) -> None:
    assert key_of(table) == key == target_of(table).key


def test_the_global_market_has_its_58_columns_of_the_agreed_types() -> None:
    schema = silver_schema("fact_global_market")
    types = [field.type for field in schema if field.name != "call_id"]
    counted = {kind: types.count(kind) for kind in set(types)}
    assert counted == {
        pa.float64(): 34,
        pa.int64(): 12,
        pa.bool_(): 6,
        UTC_TIME: 2,
        pa.string(): 2,
        pa.date32(): 2,
    }
    assert schema.names[:4] == ["snapshot_timestamp", "snapshot_str", "last_updated_timestamp", "last_updated_str"]
    assert schema.names[-3:] == ["min_daily_new_cryptos", "min_new_cryptos_day", "call_id"]


def test_silver_has_the_calls_identity_and_not_what_the_warehouse_adds() -> None:
    assert silver_schema("dim_crypto_category").names == [
        "category_id",
        "snapshot_timestamp",
        "name",
        "title",
        "description",
        "call_id",
    ]


def test_the_load_knows_which_attributes_make_a_version_and_which_parents_a_fact_has() -> None:
    dimension, fact = target_of("dim_crypto_category"), target_of("fact_crypto_category")
    assert dimension.attributes == ("name", "title", "description")
    assert dimension.can_be_inferred
    assert fact.parents == (Parent("dwh", "dim_crypto_category", "category_id", "category_id"),)
    assert "call_id" not in fact.columns.names


def test_text_has_no_length_limit_and_times_have_a_zone() -> None:
    kinds = {str(column.type) for table in Base.metadata.tables.values() for column in table.columns}
    assert not [kind for kind in kinds if "CHAR" in kind or kind == "TIMESTAMP WITHOUT TIME ZONE"]


def test_an_unknown_table_is_no_table() -> None:
    with pytest.raises(KeyError):
        model_of("fact_of_life")
