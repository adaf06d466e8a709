"""A backfill gives what ordinary runs give, and a rebuild what today's code makes of Bronze."""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from deltalake import DeltaTable
from pydantic import SecretStr
from pyspark.sql import functions as F

from cryptoelt.clock import iso
from cryptoelt.errors import ExitCode
from cryptoelt.results import Phase, Status
from cryptoelt.settings import Settings, WarehouseSettings
from cryptoelt.tables import TABLES
from cryptoelt.transform.base import Build
from cryptoelt.transform.crypto import CryptoTransformer
from tests.support.backfilling import MONDAY, BackfilledHome, units
from tests.support.comparison import content_of, require_same_content

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("quick_disk")

MARKET, MAP, COINS = "fact_crypto_market", "dim_crypto_map", "dim_crypto_id"


@pytest.fixture
def home(make_home: Callable[[str], BackfilledHome]) -> BackfilledHome:
    """A home with an empty Bronze and an empty warehouse."""
    return make_home("home")


def files_of(home: BackfilledHome, table: str) -> int:
    """Return how many data files a Silver table has."""
    return len(DeltaTable(home.silver(table).uri).file_uris())


def loads(home: BackfilledHome, table: str) -> list[int]:
    """Return how many snapshots each load batch of a table had, oldest first."""
    batches = home.query(f"SELECT cardinality(snapshots) FROM ops.load_batch WHERE table_name = '{table}' ORDER BY 1")
    return [count for (count,) in batches]


def test_a_backfill_gives_the_same_as_ordinary_runs_in_one_commit_and_one_batch_a_table(
    make_home: Callable[[str], BackfilledHome], fortnight: Path
) -> None:
    until = MONDAY + timedelta(days=2)
    ordinary, filled = (make_home(name).take(fortnight, until) for name in ("ordinary", "filled"))
    ordinary.transform_and_load()
    result = filled.backfill()

    assert (result.exit_code, result.status, result.credits.charged) == (ExitCode.DONE, Status.DONE, 0)
    require_same_content(filled.warehouse, ordinary.warehouse, "ordinary runs")
    assert filled.query("SELECT count(*) > 0 FROM ops.quarantine") == [(True,)]
    # An init and two days, of which the second is not clean, so it is a chunk of its own.
    assert (filled.silver(MARKET).version, loads(filled, MARKET)) == (1, [3])
    assert (filled.silver("fact_global_market").version, loads(filled, "fact_global_market")) == (0, [3])
    for unit in result.units:
        assert unit.rows_in == unit.rows_loaded + unit.rows_present + unit.rows_quarantined
    again = filled.backfill()
    assert (again.status, units(again, Phase.TRANSFORM), units(again, Phase.LOAD)) == (Status.NOTHING, {}, {})
    assert filled.transform_and_load().status is Status.NOTHING


def test_only_the_days_that_were_asked_for_are_filled(home: BackfilledHome, fortnight: Path) -> None:
    home.take(fortnight, MONDAY + timedelta(days=4))
    result = home.backfill(MAP, COINS, start="2026-11-24", end="2026-11-25")

    days = [(MONDAY + timedelta(days=day, hours=8, minutes=20)) for day in (1, 2)]
    assert units(result, Phase.TRANSFORM)[MAP].snapshots == units(result, Phase.LOAD)[MAP].snapshots == days
    rest = home.transform_and_load(MAP, COINS)
    assert len(units(rest, Phase.LOAD)[MAP].snapshots) == len(home.snapshots(MAP)) - 2
    assert home.transform_and_load(MAP, COINS).status is Status.NOTHING


def wrong_ratio() -> Build:
    """Return the build of the market with a KPI that is not what it should be."""
    right = CryptoTransformer.builds[MARKET]
    wrong = {"supply_utilization": F.lit(0.5).cast("double")}
    return Build(
        right.reads, right.key, right.columns, lambda: {**right.derived(), **wrong}, incidental=right.incidental
    )


def test_after_a_corrected_kpi_the_window_has_the_corrected_figures_and_the_rest_is_untouched(
    make_home: Callable[[str], BackfilledHome], fortnight: Path
) -> None:
    until = MONDAY + timedelta(days=4)
    home, right = (make_home(name).take(fortnight, until) for name in ("home", "right"))
    tables = (COINS, MARKET)
    right.backfill(*tables)
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(CryptoTransformer.builds, MARKET, wrong_ratio())
        home.backfill(*tables)
    wrong = content_of(home.warehouse, f"dwh.{MARKET}")
    inside, outside = "snapshot_timestamp >= '2026-11-25'", "snapshot_timestamp < '2026-11-25'"
    before = home.query(f"SELECT * FROM dwh.{MARKET} WHERE {outside} ORDER BY 1, 2")

    result = home.backfill(MARKET, start="2026-11-25", rebuild=True)

    assert result.exit_code is ExitCode.DONE
    assert home.query(f"SELECT * FROM dwh.{MARKET} WHERE {outside} ORDER BY 1, 2") == before
    corrected = (
        f"SELECT crypto_id, snapshot_timestamp, supply_utilization FROM dwh.{MARKET} WHERE {inside} ORDER BY 1, 2"
    )
    assert home.query(corrected) == right.query(corrected)
    moments = {row["snapshot_timestamp"] for row in home.silver_rows(MARKET) if row["supply_utilization"] != 0.5}
    assert {iso(moment)[:10] for moment in moments} == {"2026-11-25", "2026-11-26"}
    superseded = home.query(
        f"SELECT cardinality(snapshots), superseded_at IS NULL FROM ops.load_batch WHERE table_name = '{MARKET}'"
        " ORDER BY load_batch_id"
    )
    assert superseded[-1] == (2, True)
    assert home.transform_and_load(*tables).status is Status.NOTHING

    home.backfill(*tables, rebuild=True)
    assert content_of(home.warehouse, f"dwh.{MARKET}") == content_of(right.warehouse, f"dwh.{MARKET}") != wrong


def test_a_second_rebuild_changes_nothing_and_replaces_its_own_files(home: BackfilledHome, fortnight: Path) -> None:
    links = ("dim_crypto_category", "link_crypto_category")
    tables = (COINS, MARKET, "dim_exchange_id", "fact_exchange_assets", *links)
    home.take(fortnight, MONDAY + timedelta(days=2)).transform_and_load(*tables)
    home.backfill(*tables, rebuild=True)
    files = {table: files_of(home, table) for table in tables}
    before = {table: content_of(home.warehouse, f"dwh.{TABLES[table].warehouse_table}") for table in tables}
    again = home.backfill(*tables, rebuild=True)

    assert (again.exit_code, again.status) == (ExitCode.DONE, Status.DONE)
    assert {t: content_of(home.warehouse, f"dwh.{TABLES[t].warehouse_table}") for t in tables} == before
    assert {table: files_of(home, table) for table in tables} == files
    assert home.transform_and_load(*tables).status is Status.NOTHING


def test_what_bronze_no_longer_holds_is_left_as_it_is_and_named(
    make_home: Callable[[str], BackfilledHome], fortnight: Path, tmp_path: Path
) -> None:
    home = make_home("home").take(fortnight, MONDAY + timedelta(days=2))
    tables = (COINS, MAP, MARKET)
    home.transform_and_load(*tables)
    before = {table: content_of(home.warehouse, f"dwh.{table}") for table in (*tables, f"{COINS}_history")}
    gone = {table: home.snapshots(table)[1] for table in (MAP, MARKET)}
    for source in gone.values():
        home.path(source).rename(tmp_path / home.path(source).name)
    in_place = home.backfill(*tables, rebuild=True)

    assert in_place.exit_code is ExitCode.DONE
    assert {table: content_of(home.warehouse, f"dwh.{table}") for table in before} == before
    kept = {unit.name: unit.kept for unit in in_place.units if unit.phase is Phase.LOAD}
    assert kept == {MAP: [gone[MAP].snapshot], MARKET: [gone[MARKET].snapshot], COINS: [gone[MAP].snapshot]}
    assert any(MARKET in words and iso(gone[MARKET].snapshot) in words for words in in_place.notices)
    assert gone[MARKET].snapshot in home.silver(MARKET).snapshots()

    # Its Silver lost as well: what only the warehouse still holds stays there.
    shutil.copytree(home.settings.home / "lake" / "bronze", tmp_path / "other" / "lake" / "bronze")
    other = BackfilledHome(Settings(home=tmp_path / "other", warehouse=home.settings.warehouse), home.host)
    remade = other.backfill(*tables, rebuild=True)
    assert remade.exit_code is ExitCode.DONE
    assert gone[MARKET].snapshot not in other.silver(MARKET).snapshots()
    assert {table: content_of(home.warehouse, f"dwh.{table}") for table in before} == before
    assert any(MARKET in words and iso(gone[MARKET].snapshot) in words for words in remade.notices)


@pytest.mark.parametrize("rebuild", [False, True])
def test_a_damaged_file_fails_its_own_snapshot_only_and_is_taken_in_when_repaired(
    home: BackfilledHome, fortnight: Path, rebuild: bool
) -> None:
    home.take(fortnight, MONDAY + timedelta(days=2))
    tables = (COINS, MARKET)
    if rebuild:
        home.transform_and_load(*tables)
    torn, spoilt = (home.path(source) for source in home.snapshots(MARKET)[1:3])
    good = {path: path.read_bytes() for path in (torn, spoilt)}
    torn.write_bytes(good[torn][:-100])
    spoilt.write_bytes(b"PAR1" + bytes(len(good[spoilt]) // 2) + good[spoilt][4 + len(good[spoilt]) // 2 :])
    damaged = home.backfill(*tables, rebuild=rebuild)

    assert damaged.exit_code is ExitCode.PARTIAL
    unit = units(damaged, Phase.TRANSFORM)[MARKET]
    assert unit.error is not None
    assert all(path.name in unit.error.message for path in good)
    assert len(unit.snapshots) == len(home.snapshots(MARKET)) - 2
    held = home.query(f"SELECT count(DISTINCT snapshot_timestamp) FROM dwh.{MARKET}")
    assert held == [(len(home.snapshots(MARKET)) - (0 if rebuild else 2),)]

    for path, content in good.items():
        path.write_bytes(content)
    repaired = home.backfill(*tables, rebuild=rebuild)
    assert repaired.exit_code is ExitCode.DONE
    assert [len(units(repaired, phase)[MARKET].snapshots) for phase in (Phase.TRANSFORM, Phase.LOAD)] == (
        [2, len(home.snapshots(MARKET))] if rebuild else [2, 2]
    )
    assert home.query(f"SELECT count(DISTINCT snapshot_timestamp) FROM dwh.{MARKET}") == [
        (len(home.snapshots(MARKET)),)
    ]


def test_without_a_database_silver_is_rebuilt_and_the_next_one_only_loads(
    home: BackfilledHome, fortnight: Path, closed_port: int
) -> None:
    home.take(fortnight, MONDAY + timedelta(days=2)).transform_and_load(COINS, MARKET)
    nowhere = WarehouseSettings(url=SecretStr(f"postgresql://u:p@127.0.0.1:{closed_port}/none"))
    away = BackfilledHome(Settings(home=home.settings.home, warehouse=nowhere), home.host)
    cut_off = away.backfill(COINS, MARKET, rebuild=True)
    assert cut_off.exit_code is ExitCode.UNAVAILABLE
    assert set(units(cut_off, Phase.TRANSFORM)) == {COINS, MARKET}
    between = home.transform_and_load(COINS, MARKET)
    assert (between.exit_code, units(between, Phase.TRANSFORM)) == (ExitCode.DONE, {})
    assert sum(unit.rows_in for unit in between.units) == 0  # what was put in place is not read as if it were new

    resumed = home.backfill(COINS, MARKET, rebuild=True)

    assert resumed.exit_code is ExitCode.DONE
    assert units(resumed, Phase.TRANSFORM) == {}
    assert len(units(resumed, Phase.LOAD)[MARKET].snapshots) == len(home.snapshots(MARKET))


def test_procedures_are_called_once_at_the_end(home: BackfilledHome, fortnight: Path) -> None:
    home.take(fortnight, MONDAY + timedelta(days=1))
    name = "fill_nulls_exchange_map_info"
    home.execute(
        "CREATE TABLE dwh.called (moment timestamptz);"
        f" CREATE OR REPLACE PROCEDURE dwh.{name}(INOUT rows_changed bigint DEFAULT NULL) LANGUAGE plpgsql"
        " AS 'BEGIN INSERT INTO dwh.called VALUES (now()); END'"
    )
    result = home.backfill("dim_exchange_id", "dim_exchange_map", "fact_exchange_info", "dim_exchange_info")

    assert [unit.status for unit in result.units if unit.name == name] == [Status.DONE]
    assert home.query("SELECT count(*) FROM dwh.called") == [(1,)]
    home.backfill("dim_exchange_map")
    assert home.query("SELECT count(*) FROM dwh.called") == [(1,)]
