"""What follows the loads of a run: procedures first, then the checks of the tables that got something."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from cryptoelt.cli.render import summary
from cryptoelt.errors import CheckError, ExitCode, LoadError, QualityError
from cryptoelt.pipeline.jobs import Job, load_job
from cryptoelt.pipeline.run import Pipeline
from cryptoelt.pipeline.runtime import Runtime
from cryptoelt.results import Phase, Status
from cryptoelt.settings import LakeSettings, QualitySettings, Settings, WarehouseSettings
from cryptoelt.tables import PROCEDURES, TABLES
from cryptoelt.warehouse import sql_files
from tests.support.healthy import TABLES as HEALTHY
from tests.support.processes import run_python
from tests.support.schedule import SimulatedClock
from tests.support.silver_writer import at

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptoelt.results import Result
    from cryptoelt.warehouse.engine import Warehouse
    from tests.support.loading import Loading
    from tests.support.silver_writer import SilverWriter

MARKET, GLOBAL, ASSETS = "fact_crypto_market", "fact_global_market", "fact_exchange_assets"
#: Loads what a home's settings say, and tells which modules that took.
IDLE = """
import json, sys
from cryptoelt.cli import run
code = run(["load"])
print(json.dumps([code, [name for name in sys.modules if name.startswith("cryptoelt.")]]))
"""


@pytest.fixture
def settings(home: Path, warehouse: Warehouse, lake: SilverWriter) -> Settings:
    """A home whose Silver a test writes."""
    return Settings(home=home, warehouse=WarehouseSettings(url=warehouse.url), lake=LakeSettings(root=lake.root))


@pytest.fixture
def run(settings: Settings) -> Callable[..., Result]:
    """Runs a job as the commands do."""

    def do(job: Job | None = None, settings: Settings = settings) -> Result:
        runtime = Runtime(settings, "load", SimulatedClock(at(5)))
        return Pipeline(runtime).run(job or load_job(None, None, None, replace=False))

    return do


@pytest.fixture
def procedures(load: Loading) -> None:
    """In place of both procedures ones that write their names down."""
    load.execute("CREATE TABLE public.called (number bigint GENERATED ALWAYS AS IDENTITY, name text)")
    for name in PROCEDURES:
        load.execute(
            f"CREATE OR REPLACE PROCEDURE dwh.{name}(INOUT rows_changed bigint DEFAULT NULL) LANGUAGE plpgsql"
            f" AS $$ BEGIN INSERT INTO public.called (name) VALUES ('{name}'); END $$"
        )


def commit(lake: SilverWriter, *tables: str, snapshots: tuple[int, ...] = (0,)) -> None:
    for number in snapshots:
        for table in tables:
            lake.commit(table, {at(number): HEALTHY[table](number)})


def of(result: Result, phase: Phase) -> dict[str, Status]:
    return {unit.name: unit.status for unit in result.units if unit.phase is phase}


def called(load: Loading) -> list[str]:
    return [name for (name,) in load.rows("SELECT name FROM public.called ORDER BY number")]


def test_the_tables_that_got_something_are_checked_and_the_results_recorded(
    run: Callable[..., Result], lake: SilverWriter, load: Loading
) -> None:
    commit(lake, MARKET, GLOBAL, snapshots=(0, 1))
    result = run()
    assert (result.exit_code, result.notices) == (ExitCode.DONE, [])
    assert of(result, Phase.QUALITY) == dict.fromkeys((MARKET, GLOBAL, "load_batch"), Status.DONE)
    assert of(result, Phase.SQL) == {}
    phases = [unit.phase for unit in result.units]
    assert phases == sorted(phases, key=list(Phase).index)
    checked = next(unit for unit in result.as_json()["units"] if unit["phase"] == "quality")
    assert checked["snapshots"] == ["2026-11-23T10:30:00Z", "2026-11-23T11:30:00Z"]
    assert (checked["rows_in"], checked["error"]) == (0, None)
    recorded = load.rows("SELECT DISTINCT table_name, status, run_id FROM ops.quality_result ORDER BY 1")
    assert recorded == [(table, "passed", result.run_id) for table in (MARKET, GLOBAL, "load_batch")]
    assert summary(result).endswith(", quality 3/3")


def test_the_first_run_looks_at_all_that_it_loaded(run: Callable[..., Result], lake: SilverWriter) -> None:
    """There is no earlier look to begin after, and the batch with the fault is not the newest."""
    for number in (0, 1):
        rows = HEALTHY[GLOBAL](number)
        lake.commit(GLOBAL, {at(number): [{**rows[0], **({"btc_dominance_delta": 99.0} if number == 0 else {})}]})
    lake.touch(GLOBAL)
    result = run()
    assert result.exit_code is ExitCode.QUALITY


def test_an_error_that_is_found_ends_in_code_4_and_what_was_loaded_stays(
    run: Callable[..., Result], lake: SilverWriter, load: Loading
) -> None:
    rows = HEALTHY[MARKET](0)
    lake.commit(MARKET, {at(0): [{**rows[0], "supply_utilization": 9.0}, *rows[1:]]})
    commit(lake, GLOBAL)
    result = run()
    assert (result.exit_code, result.status) == (ExitCode.QUALITY, Status.PARTIAL)
    assert of(result, Phase.LOAD)[MARKET] is Status.DONE
    quality = {MARKET: Status.FAILED, GLOBAL: Status.DONE, "load_batch": Status.DONE}
    assert of(result, Phase.QUALITY) == quality
    assert isinstance(result.error, QualityError)
    assert result.error.message == "market_kpis found 1 row"
    assert load.rows(f"SELECT count(*) FROM dwh.{MARKET}") == [(5,)]
    again = run()
    assert (again.exit_code, again.status) == (ExitCode.DONE, Status.NOTHING)


def test_warnings_are_told_in_one_line_and_change_no_code(run: Callable[..., Result], lake: SilverWriter) -> None:
    lake.commit(MARKET, {at(0): [{**row, "cmc_rank": 0 if row["crypto_id"] == 2 else 7} for row in HEALTHY[MARKET](0)]})
    lake.commit(GLOBAL, {at(0): [{**HEALTHY[GLOBAL](0)[0], "active_exchanges": 10_001}]})
    result = run()
    assert (result.exit_code, result.status) == (ExitCode.DONE, Status.DONE)
    assert set(of(result, Phase.QUALITY).values()) == {Status.DONE}
    told = "market_rank found 1 row; global_counts found 1 row"
    assert result.notices == [f"quality: {told} (see `cryptoelt quality run`)"]


def test_a_table_whose_load_failed_is_left_out_and_the_others_are_checked(
    run: Callable[..., Result], lake: SilverWriter
) -> None:
    commit(lake, GLOBAL)
    lake.commit_untyped(MARKET, [{"snapshot_timestamp": at(0), "crypto_id": None, "snapshot_str": "no coin"}])
    result = run()
    assert result.exit_code is ExitCode.PARTIAL
    assert isinstance(result.error, LoadError)
    assert of(result, Phase.QUALITY) == dict.fromkeys((GLOBAL, "load_batch"), Status.DONE)


def test_a_check_that_cannot_be_run_makes_the_run_partial(
    run: Callable[..., Result], lake: SilverWriter, load: Loading
) -> None:
    commit(lake, GLOBAL)
    load.execute("ALTER TABLE dwh.dim_exchange_map DROP COLUMN load_batch_id")
    result = run(Job(load=[GLOBAL]))
    assert result.exit_code is ExitCode.PARTIAL
    assert of(result, Phase.QUALITY) == {GLOBAL: Status.DONE, "load_batch": Status.FAILED}
    assert isinstance(result.error, CheckError)
    assert "batch_rows could not be run: " in result.error.message


@pytest.mark.usefixtures("procedures")
def test_procedures_are_called_after_the_tables_they_mend_and_before_the_checks(
    run: Callable[..., Result], lake: SilverWriter, load: Loading
) -> None:
    commit(lake, "dim_exchange_map", ASSETS)
    result = run()
    assert result.exit_code is ExitCode.DONE, result.error
    assert of(result, Phase.SQL) == dict.fromkeys(PROCEDURES, Status.DONE)
    assert called(load) == list(PROCEDURES)
    phases = [unit.phase for unit in result.units]
    assert phases == sorted(phases, key=list(Phase).index)
    assert ", sql 2/2, quality 3/3" in summary(result)


@pytest.mark.usefixtures("procedures")
@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("dim_exchange_map", ["fill_nulls_exchange_map_info"]),
        (ASSETS, ["fill_nulls_spot_volume_and_wallet_weight"]),
        ("fact_exchange_info", list(PROCEDURES)),
        (GLOBAL, []),
    ],
)
def test_a_procedure_is_called_when_a_table_it_depends_on_was_loaded(
    run: Callable[..., Result], lake: SilverWriter, load: Loading, table: str, expected: list[str]
) -> None:
    commit(lake, table)
    result = run()
    assert called(load) == expected
    checked = {table, "load_batch", *(PROCEDURES[name].mends for name in expected)}
    assert set(of(result, Phase.QUALITY)) == checked
    assert run().status is Status.NOTHING
    assert called(load) == expected


@pytest.mark.usefixtures("procedures")
def test_a_procedure_that_fails_makes_the_run_partial_and_stops_nothing_else(
    run: Callable[..., Result], lake: SilverWriter, load: Loading
) -> None:
    first, second = PROCEDURES
    load.execute(f"DROP PROCEDURE dwh.{first}")
    commit(lake, "fact_exchange_info")
    result = run()
    assert result.exit_code is ExitCode.PARTIAL
    assert of(result, Phase.SQL) == {first: Status.FAILED, second: Status.DONE}
    assert first in str(result.error)
    assert set(of(result, Phase.QUALITY).values()) == {Status.DONE}


@pytest.mark.usefixtures("procedures")
def test_the_checks_can_be_switched_off_and_the_procedures_cannot(
    run: Callable[..., Result], lake: SilverWriter, load: Loading, settings: Settings
) -> None:
    commit(lake, "dim_exchange_map")
    result = run(settings=settings.model_copy(update={"quality": QualitySettings(after_load=False)}))
    assert of(result, Phase.QUALITY) == {}
    assert called(load) == ["fill_nulls_exchange_map_info"]


def test_a_run_that_loads_nothing_imports_nothing_for_it(
    run: Callable[..., Result], lake: SilverWriter, settings: Settings, load: Loading
) -> None:
    commit(lake, GLOBAL)
    run()
    before = load.rows("SELECT count(*) FROM ops.quality_result")
    environment = {
        "CRYPTOELT_HOME": str(settings.home),
        "CRYPTOELT_WAREHOUSE__URL": settings.warehouse.url.get_secret_value(),
        "CRYPTOELT_LAKE__ROOT": settings.lake_root,
        "PYTHONPATH": ":".join(sys.path),
    }
    done = run_python(IDLE, env=environment)
    code, modules = json.loads(done.stdout.splitlines()[-1])
    assert code == 0, done.stderr
    assert "cryptoelt.pipeline.run" in modules
    assert [name for name in modules if "quality" in name and not name.startswith("cryptoelt.cli")] == []
    assert "cryptoelt.pipeline.after_load" not in modules
    assert load.rows("SELECT count(*) FROM ops.quality_result") == before


def test_every_procedure_that_is_shipped_is_called_after_tables_that_exist() -> None:
    assert {file.stem for file in sql_files.sql_files("procedures")} == set(PROCEDURES)
    tables = {table.warehouse_table for table in TABLES.values()}
    for procedure in PROCEDURES.values():
        assert {procedure.mends, *procedure.after} <= tables
