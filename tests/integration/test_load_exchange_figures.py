"""Fees, visits and volumes are those of the newest info that is not later than the row, whenever that info comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deltalake import DeltaTable

from tests.support.silver_writer import asset, at, exchange_figures, exchange_map

if TYPE_CHECKING:
    from tests.support.loading import Loading
    from tests.support.silver_writer import SilverWriter

INFO = "fact_exchange_info"
MAP = "dim_exchange_map"
ASSETS = "fact_exchange_assets"


def inform(load: Loading, lake: SilverWriter, number: int, volume: float | None, exchange: int = 1) -> None:
    """Load an info of one exchange; its fee and visits follow the volume."""
    visits = None if volume is None else int(volume)
    lake.commit(INFO, {at(number): [exchange_figures(exchange, volume, volume, visits)]})
    load(INFO)


def rows_at(load: Loading, lake: SilverWriter, *numbers: int) -> None:
    """Load a map row and an asset of 12 dollars at each of these snapshots."""
    lake.commit(MAP, {at(number): [exchange_map(1)] for number in numbers})
    lake.commit(ASSETS, {at(number): [asset(1, 1, 12.0)] for number in numbers})
    load(MAP)
    load(ASSETS)


def visits(load: Loading) -> list[int | None]:
    return [
        row[0] for row in load.rows(f"SELECT weekly_visits FROM dwh.{MAP} ORDER BY exchange_id, snapshot_timestamp")
    ]


def ratios(load: Loading) -> list[float | None]:
    return [row[0] for row in load.rows(f"SELECT value_to_volume_ratio FROM dwh.{ASSETS} ORDER BY snapshot_timestamp")]


def test_a_row_takes_the_figures_of_the_newest_info_not_later_than_itself(load: Loading, lake: SilverWriter) -> None:
    inform(load, lake, 1, 2.0)
    inform(load, lake, 3, 4.0)
    inform(load, lake, 9, 6.0)
    rows_at(load, lake, 0, 1, 2, 3, 8)
    taken = f"SELECT maker_fee, taker_fee, weekly_visits, info_snapshot_timestamp FROM dwh.{MAP}"
    assert load.rows(f"{taken} ORDER BY snapshot_timestamp") == [
        (None, None, None, None),
        *[(2.0, 2.0, 2, at(1))] * 2,
        *[(4.0, 4.0, 4, at(3))] * 2,
    ]
    volumes = f"SELECT spot_volume_usd, value_to_volume_ratio, is_imputed FROM dwh.{ASSETS} ORDER BY snapshot_timestamp"
    assert load.rows(volumes) == [(None, None, False), *[(2.0, 6.0, False)] * 2, *[(4.0, 3.0, False)] * 2]


def test_an_info_that_comes_late_changes_the_rows_up_to_the_next_info_and_no_others(
    load: Loading, lake: SilverWriter
) -> None:
    inform(load, lake, 0, 1.0)
    inform(load, lake, 4, 4.0)
    rows_at(load, lake, 1, 2, 3, 4, 5)
    lake.commit(MAP, {at(3): [exchange_map(2)]})
    load(MAP)
    versions = f"SELECT snapshot_timestamp, exchange_id, xmin FROM dwh.{MAP} ORDER BY 1, 2"
    before = load.rows(versions)
    inform(load, lake, 2, 2.0)
    assert visits(load) == [1, 2, 2, 4, 4, None]
    assert ratios(load) == [12.0, 6.0, 6.0, 3.0, 3.0]
    written = [row[:2] for row, then in zip(load.rows(versions), before, strict=True) if row != then]
    assert written == [(at(2), 1), (at(3), 1)]
    assert load.rows(f"SELECT DISTINCT load_batch_id FROM dwh.{ASSETS}") == load.rows(
        f"SELECT load_batch_id FROM ops.load_batch WHERE table_name = '{ASSETS}'"
    )


def test_an_info_without_a_value_is_the_newest_all_the_same(load: Loading, lake: SilverWriter) -> None:
    inform(load, lake, 0, 1.0)
    rows_at(load, lake, 2)
    inform(load, lake, 1, None)
    assert (visits(load), ratios(load)) == ([None], [None])
    assert load.rows(f"SELECT info_snapshot_timestamp FROM dwh.{MAP}") == [(at(1),)]


def test_an_imputed_figure_gives_way_to_an_observation(load: Loading, lake: SilverWriter) -> None:
    inform(load, lake, 0, None)
    rows_at(load, lake, 1, 3)
    load.execute(f"UPDATE dwh.{ASSETS} SET spot_volume_usd = 5, value_to_volume_ratio = 2.4, is_imputed = true")
    load.execute(f"UPDATE dwh.{MAP} SET weekly_visits = 5, is_imputed = true")
    inform(load, lake, 2, 6.0)
    imputed = "SELECT is_imputed FROM dwh.{} ORDER BY snapshot_timestamp"
    assert load.rows(imputed.format(ASSETS)) == load.rows(imputed.format(MAP)) == [(True,), (False,)]
    assert (visits(load), ratios(load)) == ([5, 6], [2.4, 2.0])
    load.execute(f"UPDATE dwh.{MAP} SET maker_fee = NULL, is_imputed = true WHERE NOT is_imputed")
    inform(load, lake, 2, 6.0)  # nothing new: what was imputed since stays
    assert load.rows(imputed.format(MAP)) == [(True,), (True,)]


def test_a_ratio_that_is_undefined_or_does_not_fit_is_null(load: Loading, lake: SilverWriter) -> None:
    cases: list[tuple[float | None, float | None, float | None]] = [
        (12.0, 0.0, None),
        (0.0, 0.0, None),
        (0.0, 5e-324, 0.0),
        (None, 4.0, None),
        (12.0, None, None),
        (-12.0, 4.0, -3.0),
        (1e300, 1e-300, None),
        (1e-300, 1e300, None),
        (1e300, 1e299, 1e300 / 1e299),
        (1.0, 3.0, 1 / 3),
    ]
    numbered = list(enumerate(cases))
    lake.commit(INFO, {at(0): [exchange_figures(number, volume) for number, (_, volume, _) in numbered]})
    lake.commit(ASSETS, {at(1): [asset(number, 1, value) for number, (value, _, _) in numbered]})
    for order in ((INFO, ASSETS), (ASSETS, INFO)):
        load.execute("TRUNCATE dwh.dim_exchange_id CASCADE; TRUNCATE ops.load_batch")
        for table in order:
            load(table)
        stored = load.rows(f"SELECT exchange_id, value_to_volume_ratio FROM dwh.{ASSETS} ORDER BY 1")
        assert stored == [(number, ratio) for number, (_, _, ratio) in numbered]


def test_replacing_an_info_recomputes_what_depended_on_it(load: Loading, lake: SilverWriter) -> None:
    inform(load, lake, 0, 1.0)
    lake.commit(INFO, {at(2): [exchange_figures(1, 2.0, 2.0, 2), exchange_figures(2, 2.0)]})
    load(INFO)
    rows_at(load, lake, 1, 2, 3)
    assert (visits(load), ratios(load)) == ([1, 2, 2], [12.0, 6.0, 6.0])
    DeltaTable(lake.uri(INFO)).delete()
    version = lake.commit(INFO, {at(2): [exchange_figures(1, 3.0, 3.0, 3)]})
    load(INFO, version=version, replace=True)
    assert (visits(load), ratios(load)) == ([1, 3, 3], [12.0, 4.0, 4.0])
    version = lake.commit(INFO, {at(2): []})
    DeltaTable(lake.uri(INFO)).delete()
    version = lake.commit(INFO, {at(2): [exchange_figures(2, 1.0)]})
    load(INFO, version=version, replace=True)
    assert (visits(load), ratios(load)) == ([1, 1, 1], [12.0, 12.0, 12.0])


def test_two_chains_with_one_address_are_two_rows(load: Loading, lake: SilverWriter) -> None:
    lake.commit(ASSETS, {at(0): [asset(1, 1, 2.0, "Ethereum"), asset(1, 1, 3.0, "BNB Chain")]})
    unit = load(ASSETS)
    assert (unit.rows_loaded, unit.rows_present) == (2, 0)
