"""Quality checks: each finds what it is there for, none cries wolf, and what they cost does not grow with history."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cryptoelt.clock import StopFlag
from cryptoelt.errors import CheckError, ExitCode, QualityError, StoppedError
from cryptoelt.quality.checks import Check, Severity, checks, chosen_checks
from cryptoelt.quality.report import Verdict
from cryptoelt.quality.run import find, run_checks
from cryptoelt.quality.scope import make_temporary_tables, put_all_in_scope
from cryptoelt.warehouse.engine import Warehouse
from tests.support.broken_rows import BROKEN
from tests.support.healthy import TABLES
from tests.support.schedule import SimulatedClock
from tests.support.silver_writer import at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 spells its class in lower case
    from pydantic import SecretStr

MARKET, GLOBAL = "fact_crypto_market", "fact_global_market"


def an_hour_later() -> SimulatedClock:
    return SimulatedClock(at(5))


@pytest.fixture
def healthy(make_database: Callable[[str | None], SecretStr], healthy_template: str) -> Warehouse:
    """A copy of the healthy warehouse, an hour after its newest snapshot."""
    return Warehouse(make_database(healthy_template), an_hour_later())


@pytest.fixture(scope="module")
def all_in_scope(make_database: Callable[[str | None], SecretStr], healthy_template: str) -> Iterator[Connection]:
    """A session on a healthy warehouse whose every transaction is rolled back."""
    clock = an_hour_later()
    with closing(Warehouse(make_database(healthy_template), clock).connect()) as connection:
        make_temporary_tables(connection.cursor(), clock.now())
        connection.commit()
        yield connection


def execute(warehouse: Warehouse, *statements: str) -> None:
    with closing(warehouse.connect()) as connection, connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def results(warehouse: Warehouse, what: str, where: str = "true") -> list[tuple[object, ...]]:
    with closing(warehouse.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT {what} FROM ops.quality_result WHERE {where} ORDER BY quality_result_id")
        return cursor.fetchall()


def looked_at(check: str, table: str, snapshot: int) -> str:
    """Return a statement that says a check has looked at everything up to a snapshot."""
    return (
        "INSERT INTO ops.quality_result (run_id, check_name, table_name, severity, status, is_full, load_batch_id,"
        f" rows_found, started_at, seconds) SELECT 'run-0', '{check}', '{table}', 'error', 'passed', false,"
        " load_batch_id, 0, now(), 0 FROM ops.load_batch"
        f" WHERE table_name = '{table}' AND snapshots[1] = '{at(snapshot)}'"
    )


def named(name: str) -> Check:
    return next(check for check in checks() if check.name == name)


def test_there_is_a_broken_row_for_every_check_and_for_none_else() -> None:
    assert sorted(BROKEN) == sorted(check.name for check in checks())
    assert len(BROKEN) >= 42


@pytest.mark.parametrize("name", BROKEN)
def test_a_check_finds_the_row_that_is_broken_and_no_other(all_in_scope: Connection, name: str) -> None:
    check = named(name)
    with all_in_scope.cursor() as cursor:
        try:
            put_all_in_scope(cursor, check.table)
            assert find(cursor, check) == (0, [])
            cursor.execute(BROKEN[name])
            put_all_in_scope(cursor, check.table)
            count, sample = find(cursor, check)
            assert (count, len(sample)) == (1, 1), sample
        finally:
            all_in_scope.rollback()


@pytest.mark.parametrize("balance", ["4e-324", "1e-400", "1e400"])
@pytest.mark.parametrize("name", ["assets_kpis", "assets_negative"])
def test_a_balance_that_no_double_can_hold_breaks_no_check(all_in_scope: Connection, balance: str, name: str) -> None:
    check = named(name)
    with all_in_scope.cursor() as cursor:
        try:
            put_all_in_scope(cursor, check.table)
            kpis = "currency_price_usd = 1, total_usd_value = 4e-324"
            cursor.execute(f"UPDATE dwh.fact_exchange_assets SET balance = {balance}, {kpis}")
            assert find(cursor, check) == (0, [])
        finally:
            all_in_scope.rollback()


def test_all_of_a_healthy_warehouse_passes_and_is_recorded(healthy: Warehouse) -> None:
    report = run_checks(healthy, chosen_checks(), "run-1", full=True)
    assert [str(outcome) for outcome in report.outcomes if outcome.verdict is not Verdict.PASSED] == []
    assert report.error is None
    recorded = results(healthy, "check_name, table_name, severity, status, is_full, rows_found, sample, run_id")
    assert recorded == [(c.name, c.table, c.severity.value, "passed", True, 0, None, "run-1") for c in checks()]


def test_only_what_was_loaded_since_is_looked_at_and_full_looks_at_all(healthy: Warehouse) -> None:
    chosen = [named("market_price_negative")]
    execute(healthy, f"UPDATE dwh.{MARKET} SET price_usd = -1 WHERE crypto_id = 2 AND snapshot_timestamp = '{at(1)}'")
    assert run_checks(healthy, chosen, "run-1").error is None  # it never looked: the newest load is what counts
    full = run_checks(healthy, chosen, "run-2", full=True)
    assert [outcome.rows_found for outcome in full.outcomes] == [1]
    assert full.outcomes[0].sample == [
        {"crypto_id": 2, "snapshot_timestamp": "2026-11-23T11:30:00+00:00", "price_usd": -1}
    ]
    assert run_checks(healthy, chosen, "run-3").error is None
    assert results(healthy, "is_full, status") == [(False, "passed"), (True, "failed"), (False, "passed")]


def test_every_load_since_the_last_look_is_looked_at(healthy: Warehouse) -> None:
    chosen = [named("market_price_negative"), named("market_kpis")]
    broken = "price_usd = -1, supply_utilization = 9"
    execute(
        healthy,
        f"UPDATE dwh.{MARKET} SET {broken} WHERE snapshot_timestamp IN ('{at(2)}', '{at(3)}')",
        looked_at("market_price_negative", MARKET, 2),
    )
    # Each remembers for itself: the other one has never looked, and begins with the newest load.
    assert [outcome.rows_found for outcome in run_checks(healthy, chosen, "run-1").outcomes] == [5, 0]
    assert [outcome.rows_found for outcome in run_checks(healthy, chosen, "run-2").outcomes] == [0, 0]


def test_points_of_the_history_are_in_question_at_their_own_times(healthy: Warehouse) -> None:
    execute(
        healthy, "UPDATE dwh.fact_market_sentiment SET fear_greed_score = 101 WHERE snapshot_timestamp = '2026-11-21'"
    )
    report = run_checks(healthy, [named("sentiment_score")], "run-1")
    assert [outcome.rows_found for outcome in report.outcomes] == [1]


@pytest.mark.parametrize("severity", Severity)
def test_what_is_found_ends_in_code_4_only_where_the_severity_is_error(healthy: Warehouse, severity: Severity) -> None:
    broken = {Severity.ERROR: "global_kpis", Severity.WARNING: "global_counts", Severity.INFO: "global_yesterday"}
    execute(healthy, BROKEN[broken[severity]])
    report = run_checks(healthy, chosen_checks([GLOBAL]), "run-1")
    assert [outcome.check.name for outcome in report.found(severity)] == [broken[severity]]
    if severity is not Severity.ERROR:
        assert report.error is None
        return
    assert isinstance(report.error, QualityError)
    assert report.error.exit_code is ExitCode.QUALITY
    assert report.error.message == "global_kpis found 1 row"
    assert report.error.hint == named("global_kpis").action


def test_a_check_that_cannot_be_run_is_named_and_does_not_stop_the_others(healthy: Warehouse) -> None:
    execute(healthy, f"ALTER TABLE dwh.{GLOBAL} DROP COLUMN eth_dominance CASCADE")
    report = run_checks(healthy, chosen_checks([GLOBAL]), "run-1")
    assert {outcome.check.name for outcome in report.broken} == {"global_dominance", "global_kpis"}
    assert len(report.outcomes) == len(chosen_checks([GLOBAL]))
    assert isinstance(report.error, CheckError)
    assert "global_kpis could not be run: " in report.error.message
    assert "eth_dominance" in report.error.message
    recorded = results(healthy, "check_name, rows_found, load_batch_id, message", "status = 'broken'")
    assert [row[:3] for row in recorded] == [("global_kpis", None, None), ("global_dominance", None, None)]
    assert all("eth_dominance" in str(row[3]) for row in recorded)


def test_what_a_broken_check_has_not_seen_it_sees_once_it_is_mended(healthy: Warehouse) -> None:
    check = named("global_dominance")
    broken = f"UPDATE dwh.{GLOBAL} SET btc_dominance = 101 WHERE snapshot_timestamp = '{at(3)}'"
    execute(healthy, broken, looked_at(check.name, GLOBAL, 2))
    report = run_checks(healthy, [replace(check, statement="SELECT 1 / 0")], "run-1")
    assert [outcome.verdict for outcome in report.outcomes] == [Verdict.BROKEN]
    assert [outcome.rows_found for outcome in run_checks(healthy, [check], "run-2").outcomes] == [1]


def test_a_check_can_write_nothing(healthy: Warehouse) -> None:
    writing = "SELECT nextval(pg_get_serial_sequence('ops.load_batch', 'load_batch_id')) AS number"
    report = run_checks(healthy, [replace(named("batch_rows"), statement=writing)], "run-1")
    assert "read-only transaction" in report.broken[0].message


def test_a_signal_ends_the_checks_and_keeps_what_was_found(healthy: Warehouse) -> None:
    stop = StopFlag()
    clock = an_hour_later()
    clock.stop = stop
    stopping = Warehouse(healthy.url, clock)
    chosen = chosen_checks([MARKET])
    run_checks(stopping, chosen, "run-1")
    stop.set()
    with pytest.raises(StoppedError):
        run_checks(stopping, chosen, "run-2")
    assert {row[0] for row in results(healthy, "run_id")} == {"run-1"}


def test_an_empty_warehouse_passes(warehouse: Warehouse) -> None:
    report = run_checks(warehouse, chosen_checks(), "run-1")
    assert [str(outcome) for outcome in report.outcomes if outcome.verdict is not Verdict.PASSED] == []
    assert {outcome.load_batch_id for outcome in report.outcomes} == {None}


def test_every_table_is_checked() -> None:
    assert {check.table for check in checks()} >= set(TABLES)
