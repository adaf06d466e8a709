"""Whatever order snapshots come in, and whatever company: the warehouse is the one of an in-order load."""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.any_order import EXAMPLES, Lab, check, split, units_of
from tests.support.small_histories import SILVER, histories

if TYPE_CHECKING:
    from cryptoelt.warehouse.engine import Warehouse
    from tests.support.small_histories import History


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
