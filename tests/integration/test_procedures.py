"""What an info did not say is carried forward from the last one that did: every gap, flagged, in any order."""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from deltalake import DeltaTable
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.any_order import EXAMPLES, Lab, split, units_of
from tests.support.silver_writer import asset, at, coin, exchange, exchange_figures, exchange_map
from tests.support.small_histories import exchange_histories, expected_filled

if TYPE_CHECKING:
    from cryptoelt.warehouse.engine import Warehouse
    from tests.support.loading import Loading
    from tests.support.silver_writer import SilverWriter
    from tests.support.small_histories import History

INFO, MAP, ASSETS = "fact_exchange_info", "dim_exchange_map", "fact_exchange_assets"
PROCEDURES = ("fill_nulls_exchange_map_info", "fill_nulls_spot_volume_and_wallet_weight")
Rows = list[tuple[Any, ...]]


def fill(warehouse: Warehouse) -> list[int]:
    """Call both procedures; return how many rows each says it changed."""
    changed: list[int] = []
    with closing(warehouse.connect()) as connection, connection, connection.cursor() as cursor:
        for name in PROCEDURES:
            cursor.execute(f"CALL dwh.{name}()")
            changed += cursor.fetchall()[0]
    return changed


def inform(load: Loading, lake: SilverWriter, number: int, volume: float | None, exchange_id: int = 1) -> None:
    """Load an info whose fees and visits are the volume, too."""
    visits = None if volume is None else int(volume)
    lake.commit(INFO, {at(number): [exchange_figures(exchange_id, volume, volume, visits)]})
    load(INFO)


def rows_at(load: Loading, lake: SilverWriter, *numbers: int, exchange_id: int = 1) -> None:
    """Load a map row and an asset of 12 dollars at each of these snapshots."""
    lake.commit(MAP, {at(number): [exchange_map(exchange_id)] for number in numbers})
    lake.commit(ASSETS, {at(number): [asset(exchange_id, 1, 12.0)] for number in numbers})
    load(MAP)
    load(ASSETS)


def visits(load: Loading) -> Rows:
    """Visits of every map row, and whether they are imputed."""
    return load.rows(f"SELECT weekly_visits, is_imputed FROM dwh.{MAP} ORDER BY exchange_id, snapshot_timestamp")


def volumes(load: Loading) -> Rows:
    """Volume and ratio of every asset, and whether they are imputed."""
    figures = "spot_volume_usd, value_to_volume_ratio, is_imputed"
    return load.rows(f"SELECT {figures} FROM dwh.{ASSETS} ORDER BY exchange_id, snapshot_timestamp")


def versions(load: Loading) -> Rows:
    """What changes with every write of a row."""
    return [load.rows(f"SELECT xmin, ctid FROM dwh.{table} ORDER BY ctid") for table in (MAP, ASSETS)]  # type: ignore[misc]


def test_one_call_fills_every_gap_with_the_last_observed_value(load: Loading, lake: SilverWriter) -> None:
    for number, said in {0: 2.0, 4: None, 6: None, 8: 3.0, 10: None}.items():
        inform(load, lake, number, said)
    rows_at(load, lake, 1, 5, 7, 9, 11)
    assert fill(load.warehouse) == [3, 3]
    assert visits(load) == [(2, False), (2, True), (2, True), (3, False), (3, True)]
    assert volumes(load) == [(2.0, 6.0, False), *[(2.0, 6.0, True)] * 2, (3.0, 4.0, False), (3.0, 4.0, True)]
    ages = load.rows(f"SELECT info_snapshot_timestamp FROM dwh.{MAP} ORDER BY snapshot_timestamp")
    assert ages == [(at(0),), (at(4),), (at(6),), (at(8),), (at(10),)]


def test_a_day_on_which_nobody_called_is_made_good_by_the_next_call(load: Loading, lake: SilverWriter) -> None:
    """The earlier procedures filled the newest gap alone, and met a newer one every day."""
    for number in (1, 2):
        inform(load, lake, 0, float(number), exchange_id=number)
        inform(load, lake, 24, None, exchange_id=number)
        rows_at(load, lake, 25, exchange_id=number)  # then nobody called
        inform(load, lake, 48, None, exchange_id=number)
        rows_at(load, lake, 49, exchange_id=number)
    assert fill(load.warehouse) == [4, 4]
    assert visits(load) == [*[(1, True)] * 2, *[(2, True)] * 2]
    assert volumes(load) == [*[(1.0, 12.0, True)] * 2, *[(2.0, 6.0, True)] * 2]


def test_each_figure_is_carried_for_itself(load: Loading, lake: SilverWriter) -> None:
    def said(maker: float | None, taker: float | None, visitors: int | None) -> dict[str, Any]:
        figures = {"maker_fee": maker, "taker_fee": taker, "weekly_visits": visitors}
        return {**exchange_figures(1, None), **figures}

    lake.commit(INFO, {at(0): [said(1.0, 2.0, 3)], at(2): [said(None, 5.0, None)], at(4): [said(7.0, None, 9)]})
    lake.commit(MAP, {at(number): [exchange_map(1)] for number in (1, 3, 5)})
    load(INFO)
    load(MAP)
    assert fill(load.warehouse) == [2, 0]
    figures = "maker_fee, taker_fee, weekly_visits, is_imputed"
    assert load.rows(f"SELECT {figures} FROM dwh.{MAP} ORDER BY snapshot_timestamp") == [
        (1.0, 2.0, 3, False),
        (1.0, 5.0, 3, True),
        (7.0, 5.0, 9, True),
    ]


def test_what_nothing_was_observed_of_before_stays_null_and_unflagged(load: Loading, lake: SilverWriter) -> None:
    inform(load, lake, 0, None)
    inform(load, lake, 2, 2.0)
    rows_at(load, lake, 1)
    rows_at(load, lake, 5, exchange_id=2)
    inform(load, lake, 4, None, exchange_id=3)
    rows_at(load, lake, 5, exchange_id=3)
    assert fill(load.warehouse) == [0, 0]
    assert visits(load) == [(None, False)] * 3
    assert volumes(load) == [(None, None, False)] * 3


def test_a_second_call_writes_nothing(load: Loading, lake: SilverWriter) -> None:
    inform(load, lake, 0, 2.0)
    inform(load, lake, 2, None)
    rows_at(load, lake, 1, 3)
    rows_at(load, lake, 3, exchange_id=2)
    assert fill(load.warehouse) == [1, 1]
    before = versions(load)
    assert fill(load.warehouse) == [0, 0]
    assert versions(load) == before


def test_only_what_is_null_or_imputed_is_touched(load: Loading, lake: SilverWriter) -> None:
    inform(load, lake, 0, 2.0)
    inform(load, lake, 2, None)
    rows_at(load, lake, 1)
    lake.commit(MAP, {at(number): [exchange_map(1)] for number in (3, 4, 5, 6)})
    lake.commit(ASSETS, {at(3): [asset(1, 1, 12.0), asset(1, 2, 12.0)]})
    load(MAP)
    load(ASSETS)
    # Nobody knows better than the infos, but what stands there unflagged is none of the procedures' business.
    load.execute(f"UPDATE dwh.{MAP} SET (maker_fee, taker_fee) = (NULL, 77) WHERE snapshot_timestamp = '{at(1)}'")
    load.execute(f"UPDATE dwh.{MAP} SET maker_fee = 78 WHERE snapshot_timestamp = '{at(6)}'")
    figures = "maker_fee, taker_fee, weekly_visits"
    load.execute(f"UPDATE dwh.{MAP} SET ({figures}) = (79, 79, 79) WHERE snapshot_timestamp = '{at(4)}'")
    load.execute(f"UPDATE dwh.{ASSETS} SET spot_volume_usd = 77 WHERE snapshot_timestamp = '{at(1)}' OR crypto_id = 2")
    assert fill(load.warehouse) == [4, 1]
    assert load.rows(f"SELECT {figures}, is_imputed FROM dwh.{MAP} ORDER BY snapshot_timestamp") == [
        (2.0, 77.0, 2, False),
        (2.0, 2.0, 2, True),
        (79.0, 79.0, 79, False),
        (2.0, 2.0, 2, True),
        (78.0, 2.0, 2, True),
    ]
    stored = "SELECT spot_volume_usd, value_to_volume_ratio, is_imputed"
    assert load.rows(f"{stored} FROM dwh.{ASSETS} ORDER BY snapshot_timestamp, crypto_id") == [
        (77.0, 6.0, False),
        (2.0, 6.0, True),
        (77.0, None, False),
    ]


def test_an_observation_that_comes_late_is_carried_into_the_gaps_after_it(load: Loading, lake: SilverWriter) -> None:
    for number, said in {0: 1.0, 4: None, 8: None, 12: 4.0, 16: None}.items():
        inform(load, lake, number, said)
    rows_at(load, lake, 5, 9, 13, 17)
    fill(load.warehouse)
    assert visits(load) == [(1, True), (1, True), (4, False), (4, True)]

    inform(load, lake, 2, 6.0)  # no row depends on it but through the gaps
    assert fill(load.warehouse) == [2, 2]
    assert visits(load) == [(6, True), (6, True), (4, False), (4, True)]
    assert volumes(load) == [*[(6.0, 2.0, True)] * 2, (4.0, 3.0, False), (4.0, 3.0, True)]

    inform(load, lake, 6, 3.0)
    assert fill(load.warehouse) == [1, 1]
    assert visits(load) == [(6, True), (3, True), (4, False), (4, True)]
    assert volumes(load) == [(6.0, 2.0, True), (3.0, 4.0, True), (4.0, 3.0, False), (4.0, 3.0, True)]


def test_an_info_that_comes_late_and_says_nothing_changes_no_figure(load: Loading, lake: SilverWriter) -> None:
    inform(load, lake, 0, 1.0)
    inform(load, lake, 4, None)
    rows_at(load, lake, 3, 7)
    fill(load.warehouse)
    inform(load, lake, 2, None)
    inform(load, lake, 6, None)
    assert visits(load) == [(None, False), (None, False)]
    assert fill(load.warehouse) == [2, 2]
    assert visits(load) == [(1, True)] * 2
    assert volumes(load) == [(1.0, 12.0, True)] * 2


def test_an_observation_that_is_taken_back_is_taken_out_of_the_gaps(load: Loading, lake: SilverWriter) -> None:
    inform(load, lake, 0, 2.0)
    inform(load, lake, 4, None)
    rows_at(load, lake, 5)
    fill(load.warehouse)
    assert volumes(load) == [(2.0, 6.0, True)]
    DeltaTable(lake.uri(INFO)).delete()
    version = lake.commit(INFO, {at(0): [exchange_figures(1, None)]})
    load(INFO, version=version, replace=True)
    assert fill(load.warehouse) == [1, 1]
    assert visits(load) == [(None, False)]
    assert volumes(load) == [(None, None, False)]


def test_a_ratio_to_a_carried_volume_is_as_safe_as_one_to_an_observed_one(load: Loading, lake: SilverWriter) -> None:
    cases = [
        (12.0, 0.0),
        (0.0, 0.0),
        (0.0, 5e-324),
        (None, 4.0),
        (-12.0, 4.0),
        (1e300, 1e-300),
        (1e-300, 1e300),
        (1e300, 1e299),
        (1.0, 3.0),
    ]
    numbered = list(enumerate(cases))
    lake.commit(INFO, {at(0): [exchange_figures(number, volume) for number, (_, volume) in numbered]})
    lake.commit(INFO, {at(2): [exchange_figures(number, None) for number, _ in numbered]})
    lake.commit(ASSETS, {at(n): [asset(number, 1, value) for number, (value, _) in numbered] for n in (1, 3)})
    load(INFO)
    load(ASSETS)
    assert fill(load.warehouse) == [0, len(cases)]
    stored = f"SELECT exchange_id, spot_volume_usd, value_to_volume_ratio FROM dwh.{ASSETS} WHERE"
    observed, imputed = (load.rows(f"{stored} {which} is_imputed ORDER BY 1") for which in ("NOT", ""))
    assert [row[1] for row in imputed] == [volume for _, volume in cases]
    assert imputed == observed
    assert [row[2] for row in imputed][:6] == [None, None, 0.0, None, -3.0, None]


def test_all_assets_of_an_exchange_take_the_carried_volume_also_those_that_come_later(
    load: Loading, lake: SilverWriter
) -> None:
    inform(load, lake, 0, 2.0)
    inform(load, lake, 2, None)
    lake.commit(ASSETS, {at(3): [asset(1, 1, 2.0), asset(1, 2, 4.0)]})
    load(ASSETS)
    assert fill(load.warehouse) == [0, 2]
    version = lake.commit(ASSETS, {at(3): [asset(1, 3, 6.0)]})
    load(ASSETS, version=version)
    assert fill(load.warehouse) == [0, 1]
    assert load.rows(f"SELECT crypto_id, value_to_volume_ratio, is_imputed FROM dwh.{ASSETS} ORDER BY 1") == [
        (1, 1.0, True),
        (2, 2.0, True),
        (3, 3.0, True),
    ]


YEAR = f"""
INSERT INTO dwh.dim_exchange_id SELECT n, '{at(0)}', 'x', false, NULL, 0 FROM generate_series(1000, 1099) AS n;
INSERT INTO dwh.{INFO} (exchange_id, snapshot_timestamp, load_batch_id)
    SELECT n, '{at(0)}'::timestamptz - w * interval '7 days', 0
    FROM generate_series(1000, 1099) AS n, generate_series(1, 52) AS w;
INSERT INTO dwh.{MAP} (exchange_id, snapshot_timestamp, info_snapshot_timestamp, snapshot_str, load_batch_id)
    SELECT n, '{at(0)}'::timestamptz - d * interval '1 day',
        '{at(0)}'::timestamptz - (d + 6) / 7 * interval '7 days', '', 0
    FROM generate_series(1000, 1099) AS n, generate_series(1, 260) AS d;
INSERT INTO dwh.{ASSETS} (exchange_id, blockchain_name, wallet_address, crypto_id, snapshot_timestamp, snapshot_str,
        load_batch_id)
    SELECT n, 'c', 'w', 1, '{at(0)}'::timestamptz - d * interval '1 day', '', 0
    FROM generate_series(1000, 1099) AS n, generate_series(1, 260) AS d;
-- One exchange had a value once, and then no more.
UPDATE dwh.{INFO} SET spot_volume_usd = 2, maker_fee = 2, taker_fee = 2, weekly_visits = 2
    WHERE exchange_id = 1000 AND snapshot_timestamp = (SELECT min(snapshot_timestamp) FROM dwh.{INFO});
"""
READ = """
SELECT relname, pg_stat_get_xact_tuples_returned(oid) FROM pg_class
WHERE relnamespace = 'dwh'::regnamespace AND relkind IN ('r', 'i') AND pg_stat_get_xact_tuples_returned(oid) > 0
"""


@pytest.mark.parametrize("is_analyzed", [True, False])
def test_a_year_of_exchanges_that_never_had_a_value_is_not_read(
    load: Loading, lake: SilverWriter, is_analyzed: bool
) -> None:
    lake.commit("dim_exchange_id", {at(0): [exchange(1)]})
    lake.commit("dim_crypto_id", {at(0): [coin(1)]})
    load("dim_exchange_id")
    load("dim_crypto_id")
    load.execute(YEAR)
    filled = fill(load.warehouse)  # the first call has the work of a year
    assert filled == [260, 260]
    inform(load, lake, 1, 2.0)
    inform(load, lake, 3, None)
    rows_at(load, lake, 4)
    if is_analyzed:
        load.execute(f"ANALYZE dwh.{INFO}, dwh.{MAP}, dwh.{ASSETS}, dwh.dim_exchange_id")
    for name in PROCEDURES:
        with closing(load.warehouse.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(f"CALL dwh.{name}()")
            assert cursor.fetchone() == (1,)
            cursor.execute(READ)
            read = dict(cursor.fetchall())
        # Of 26,000 rows without a value those of the one exchange that once had one, by a few look-ups each; of each of
        # the others no more than that there never was one.
        assert sum(read.values()) < 260 * 12 + 101 * 4, read


# An example takes a second, so shrinking one would take minutes; they are small as they are drawn.
@settings(max_examples=EXAMPLES, phases=[Phase.generate], deadline=None, suppress_health_check=list(HealthCheck))
@given(history=exchange_histories, data=st.data())
def test_any_order_of_loading_and_calling_gives_what_the_infos_say(
    warehouse: Warehouse, history: History, data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder, closing(warehouse.connect()) as connection:
        connection.autocommit = True
        lab = Lab(connection.cursor(), warehouse, history, Path(folder))
        shuffled = data.draw(st.permutations(units_of(history)), label="order")
        for group in split(shuffled, data.draw(st.sets(st.integers(1, len(shuffled)), max_size=5), label="cuts")):
            tables = data.draw(st.permutations((INFO, MAP, ASSETS)), label="tables")
            lab.take(group, tables, together=data.draw(st.booleans(), label="together"))
            if data.draw(st.booleans(), label="called"):
                fill(warehouse)
        fill(warehouse)
        maps, assets = expected_filled(history)
        figures = "exchange_id, snapshot_timestamp, maker_fee, is_imputed"
        assert lab.rows(f"SELECT {figures} FROM dwh.{MAP} ORDER BY 1, 2") == maps
        assert lab.rows(f"SELECT taker_fee FROM dwh.{MAP} ORDER BY exchange_id, snapshot_timestamp") == [
            (row[2],) for row in maps
        ]
        figures = "exchange_id, crypto_id, blockchain_name, snapshot_timestamp, spot_volume_usd, value_to_volume_ratio"
        assert lab.rows(f"SELECT {figures}, is_imputed FROM dwh.{ASSETS} ORDER BY 1, 2, 3, 4") == assets
        assert fill(warehouse) == [0, 0]
