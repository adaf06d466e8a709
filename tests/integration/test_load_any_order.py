"""Whatever order snapshots come in, and whatever company: the warehouse is the one of an in-order load."""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.any_order import DWH, EXAMPLES, Lab, split, units_of
from tests.support.small_histories import (
    SILVER,
    expected_coins,
    expected_figures,
    expected_links,
    expected_versions,
    histories,
    said_by,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptoelt.warehouse.engine import Warehouse
    from tests.support.small_histories import History

#: Dimension -> its key, a column that changes, and what was said of it.
VERSIONED: dict[str, tuple[str, str, Callable[[Any], Any]]] = {
    "dim_crypto_id": ("crypto_id", "name", lambda said: said[0]),
    "dim_crypto_info": ("crypto_id", "tags", lambda said: said[0]),
    "dim_exchange_id": ("exchange_id", "name", lambda said: said),
    "dim_exchange_info": ("exchange_id", "fiats[1]", lambda said: said[0]),
    "dim_crypto_category": ("category_id", "name", lambda said: said),
}


# An example takes a second, so shrinking one would take minutes; they are small as they are drawn.
@settings(max_examples=EXAMPLES, phases=[Phase.generate], deadline=None, suppress_health_check=list(HealthCheck))
@given(history=histories, data=st.data())
def test_any_order_gives_the_warehouse_of_the_load_in_order(
    warehouse: Warehouse, history: History, data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder, closing(warehouse.connect()) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        lab = Lab(cursor, warehouse, history, Path(folder) / "in order")
        for n, run in history.items():
            lab.take([(n, endpoint) for endpoint in run.parts])
        in_order = lab.stored()
        check(lab, history)

        lab = Lab(cursor, warehouse, history, Path(folder) / "shuffled")
        shuffled = data.draw(st.permutations(units_of(history)), label="order")
        for group in split(shuffled, data.draw(st.sets(st.integers(1, len(shuffled)), max_size=5), label="cuts")):
            tables = data.draw(st.just(tuple(SILVER)) | st.permutations(tuple(SILVER)), label="tables")
            lab.take(group, tables, together=data.draw(st.booleans(), label="together"))
        for table, rows in lab.stored().items():
            assert rows == in_order[table], table

        table = data.draw(st.sampled_from([t for t in SILVER if any(SILVER[t][0] == e for _, e in shuffled)]))
        newest = len([batch for batch in lab.load.batches(table) if batch[0] is not None]) - 1
        lab.load(table, version=data.draw(st.integers(0, newest)), replace=True)
        for name, rows in lab.stored().items():
            assert rows == in_order[name], f"{name} after replacing {table}"


def check(lab: Lab, history: History) -> None:
    """Hold the warehouse against what was found by walking through the snapshots."""
    rows = lab.rows
    links = "SELECT category_id, crypto_id, valid_from, valid_to, snapshot_timestamp FROM dwh.link_crypto_category"
    assert rows(f"{links} ORDER BY 1, 2, 3") == expected_links(history)
    coins = "SELECT crypto_id, name, snapshot_timestamp, is_inferred, inferred_from FROM dwh.dim_crypto_id"
    assert rows(f"{coins} ORDER BY 1") == expected_coins(history)
    maps, assets = expected_figures(history)
    figures = "exchange_id, snapshot_timestamp, taker_fee, weekly_visits, info_snapshot_timestamp"
    assert rows(f"SELECT {figures} FROM dwh.dim_exchange_map ORDER BY 1, 2") == maps
    ratios = "exchange_id, crypto_id, blockchain_name, snapshot_timestamp, spot_volume_usd, value_to_volume_ratio"
    assert rows(f"SELECT {ratios} FROM dwh.fact_exchange_assets ORDER BY 1, 2, 3, 4") == assets
    for table, (key, column, value_of) in VERSIONED.items():
        told = said_by(history, SILVER[table][0])
        current, former = expected_versions(
            {n: {key_text(key, k): value_of(said) for k, said in part.said.items()} for n, part in told.items()}
        )
        known = "WHERE NOT is_inferred" if "is_inferred" in DWH[table].columns else ""
        assert rows(f"SELECT {key}, {column}, snapshot_timestamp FROM dwh.{table} {known} ORDER BY 1") == current
        history_of = f"SELECT {key}, {column}, valid_from, valid_to FROM dwh.{table}_history ORDER BY 1, 3"
        assert rows(history_of) == former


def key_text(column: str, key: int) -> int | str:
    return f"c{key}" if column == "category_id" else key
