"""A replay brings what is no longer rejected into its table, once, without asking anybody."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from cryptoelt.errors import ExitCode, UsageError
from cryptoelt.pipeline.replay import Selection
from cryptoelt.results import Status
from cryptoelt.transform import base
from cryptoelt.transform.rules import broken_rule
from tests.integration.backfilling import MONDAY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.integration.backfilling import BackfilledHome

pytestmark = pytest.mark.usefixtures("quick_disk")

MARKET, COINS, EXCHANGES = "fact_crypto_market", "dim_crypto_id", "dim_exchange_id"
HELD = "SELECT count(*) FROM ops.quarantine WHERE replayed_at IS NULL"


@pytest.fixture
def home(make_home: Callable[[str], BackfilledHome], fortnight: Path) -> BackfilledHome:
    """A home with a rejected listing, and nothing else in its way."""
    made = make_home("home").take(fortnight, MONDAY + timedelta(days=3))
    made.transform_and_load(COINS, MARKET)
    return made


def test_a_record_whose_rule_was_mended_is_once_in_its_table(
    home: BackfilledHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    ((number, moment, rule, record),) = home.query(
        "SELECT quarantine_id, snapshot_timestamp, rule, record FROM ops.quarantine"
    )
    key = json.loads(record)["id"]
    there = f"SELECT count(*) FROM dwh.{MARKET} WHERE crypto_id = {key} AND snapshot_timestamp = '{moment}'"
    rows = home.query(f"SELECT count(*) FROM dwh.{MARKET}")
    assert home.query(there) == [(0,)]

    unchanged = home.replay()
    assert (unchanged.result.exit_code, unchanged.replayed, unchanged.remaining) == (ExitCode.DONE, {}, {MARKET: 1})
    assert home.query(HELD) == [(1,)]

    monkeypatch.setattr(base, "broken_rule", lambda reads, key: broken_rule(frozenset(), key))
    report = home.replay(Selection(table=MARKET, rule=rule, quarantine_id=number))

    assert (report.replayed, report.remaining) == ({MARKET: 1}, {})
    assert report.result.credits.charged == 0
    assert [unit.snapshots for unit in report.result.units if unit.rows_in] == [[moment], [moment]]
    assert home.query(there) == [(1,)]
    assert home.query(f"SELECT count(*) FROM dwh.{MARKET}") == [(rows[0][0] + 1,)]
    assert home.query("SELECT count(*), count(replayed_at) FROM ops.quarantine") == [(1, 1)]
    assert home.rejected(MARKET) == []

    nothing = home.replay()
    assert (nothing.result.status, nothing.result.units) == (Status.NOTHING, [])
    assert nothing.result.reason == "no such record is in quarantine"
    assert home.transform_and_load(COINS, MARKET).status is Status.NOTHING


def test_a_record_that_is_rejected_again_waits_again(home: BackfilledHome, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as mended:
        mended.setattr(base, "broken_rule", lambda reads, key: broken_rule(frozenset(), key))
        home.replay()
    assert home.query(HELD) == [(0,)]
    home.backfill(MARKET, rebuild=True)
    assert home.query("SELECT count(*), count(replayed_at) FROM ops.quarantine") == [(1, 0)]


def test_only_what_is_selected_is_built(home: BackfilledHome) -> None:
    assert home.replay(Selection(rule="conflicting_duplicate")).result.units == []
    assert home.replay(Selection(table=COINS)).result.units == []
    with pytest.raises(UsageError, match="no quarantined record 99"):
        home.replay(Selection(quarantine_id=99))
    with pytest.raises(UsageError, match="unknown table 'dim_crypto'"):
        Selection(table="dim_crypto")
