"""The views on loads and on quarantine."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from cryptoelt.tables import TABLES
from tests.support.global_rows import GlobalRows, Row

if TYPE_CHECKING:
    from cryptoelt.warehouse.engine import Warehouse

MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def rows(warehouse: Warehouse) -> GlobalRows:
    return GlobalRows(warehouse)


def batch(table: str, snapshots: list[datetime], ended_at: datetime, counts: tuple[int, int, int] = (0, 0, 0)) -> Row:
    """A load batch; counts are those loaded, present and quarantined."""
    loaded, present, quarantined = counts
    return {
        "run_id": "run-1",
        "table_name": table,
        "snapshots": snapshots,
        "rows_in": sum(counts),
        "rows_loaded": loaded,
        "rows_present": present,
        "rows_quarantined": quarantined,
        "started_at": ended_at,
        "ended_at": ended_at,
    }


FRESHNESS = (
    "SELECT newest_snapshot_timestamp, load_batch_id, loaded_at, snapshots_loaded, rows_in, rows_loaded, rows_present,"
    " rows_quarantined FROM monitoring.vw_load_freshness WHERE table_name = 'fact_crypto_market'"
)


def test_a_table_shows_its_newest_snapshot_and_its_newest_load(rows: GlobalRows) -> None:
    table = "fact_crypto_market"
    rows.insert(
        "ops.load_batch",
        [
            batch(table, [MONDAY, MONDAY + 4 * HOUR], MONDAY + 5 * HOUR, (10, 0, 0)),
            batch("fact_global_market", [MONDAY + 9 * HOUR], MONDAY + 9 * HOUR, (1, 0, 0)),
            # The newest load brought an older snapshot, late.
            batch(table, [MONDAY + 2 * HOUR], MONDAY + 6 * HOUR, (3, 2, 1)),
            # Then a load found nothing.
            batch(table, [], MONDAY + 7 * HOUR),
        ],
    )

    assert rows.select(FRESHNESS) == [(MONDAY + 4 * HOUR, 3, MONDAY + 6 * HOUR, 1, 6, 3, 2, 1)]


def test_a_table_that_was_never_loaded_is_shown_too(rows: GlobalRows) -> None:
    rows.insert("ops.load_batch", [batch("market_sentiment_history", [MONDAY], MONDAY, (500, 0, 0))])

    query = "SELECT table_name, newest_snapshot_timestamp, rows_in FROM monitoring.vw_load_freshness"
    found = {name: figures for name, *figures in rows.select(query)}
    assert set(found) == set(TABLES)
    assert found.pop("market_sentiment_history") == [MONDAY, 500]
    assert set(map(tuple, found.values())) == {(None, None)}


def test_ages_are_against_the_time_of_the_question(rows: GlobalRows) -> None:
    with closing(rows.warehouse.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT now()")  # that of the transaction, which the view reads too
        (now,) = cursor.fetchone() or (None,)
        assert isinstance(now, datetime)
        made = batch("fact_crypto_market", [now - 3 * HOUR], now - HOUR)
        cursor.execute(
            f"INSERT INTO ops.load_batch ({', '.join(made)}) VALUES ({', '.join(['%s'] * len(made))})",
            list(made.values()),
        )
        cursor.execute(
            "SELECT snapshot_age_seconds, load_age_seconds FROM monitoring.vw_load_freshness"
            " WHERE table_name = 'fact_crypto_market'"
        )
        assert cursor.fetchall() == [(10_800.0, 3_600.0)]


def test_quarantine_shows_what_is_open_by_table_and_rule(rows: GlobalRows) -> None:
    def record(table: str, rule: str, number: int, replayed_at: datetime | None = None) -> Row:
        return {
            "table_name": table,
            "snapshot_timestamp": MONDAY + number * HOUR,
            "rule": rule,
            "record": f'{{"id": {number}}}',
            "quarantined_at": MONDAY + number * HOUR + timedelta(minutes=5),
            "replayed_at": replayed_at,
            "load_batch_id": 1,
        }

    rows.insert(
        "ops.quarantine",
        [
            record("fact_crypto_market", "wrong_type", 3),
            record("fact_crypto_market", "wrong_type", 1, replayed_at=MONDAY + 9 * HOUR),
            record("fact_crypto_market", "wrong_type", 2),
            record("fact_crypto_market", "missing_key", 4),
            record("fact_crypto_category", "wrong_type", 5),
            record("fact_global_market", "wrong_type", 6, replayed_at=MONDAY + 9 * HOUR),
        ],
    )

    def since(number: int) -> datetime:
        return MONDAY + number * HOUR + timedelta(minutes=5)

    query = (
        "SELECT table_name, rule, open_rows, open_since, newest_quarantined_at, oldest_snapshot_timestamp,"
        " newest_snapshot_timestamp FROM monitoring.vw_quarantine_open ORDER BY table_name, rule"
    )
    third = MONDAY + 3 * HOUR
    assert rows.select(query) == [
        ("fact_crypto_category", "wrong_type", 1, since(5), since(5), MONDAY + 5 * HOUR, MONDAY + 5 * HOUR),
        ("fact_crypto_market", "missing_key", 1, since(4), since(4), MONDAY + 4 * HOUR, MONDAY + 4 * HOUR),
        ("fact_crypto_market", "wrong_type", 2, since(2), since(3), MONDAY + 2 * HOUR, third),
    ]
