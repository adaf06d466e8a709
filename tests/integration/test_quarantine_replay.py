"""A replay brings what is no longer rejected into its table, once, without asking anybody."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from cryptoelt.cli import run
from cryptoelt.errors import ExitCode, UsageError
from cryptoelt.pipeline.replay import Selection
from cryptoelt.results import Status
from cryptoelt.transform import base
from cryptoelt.transform.rules import broken_rule
from tests.support.backfilling import MONDAY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.backfilling import BackfilledHome

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

    monkeypatch.setattr(base, "broken_rule", lambda reads, key, indexed: broken_rule(frozenset(), key, indexed))
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
        mended.setattr(base, "broken_rule", lambda reads, key, indexed: broken_rule(frozenset(), key, indexed))
        home.replay()
    assert home.query(HELD) == [(0,)]
    home.backfill(MARKET, rebuild=True)
    assert home.query("SELECT count(*), count(replayed_at) FROM ops.quarantine") == [(1, 0)]


def test_only_what_is_selected_is_built(home: BackfilledHome) -> None:
    assert home.replay(Selection(rule="conflicting_duplicate")).result.units == []
    assert home.replay(Selection(table=COINS)).result.units == []
    with pytest.raises(UsageError, match="no record 99 in quarantine"):
        home.replay(Selection(quarantine_id=99))
    with pytest.raises(UsageError, match="unknown table 'dim_crypto'"):
        Selection(table="dim_crypto")
    with pytest.raises(UsageError, match="unknown rule 'wrong_typ'"):
        Selection(rule="wrong_typ")


@pytest.mark.usefixtures("bare_environment")
def test_the_command_says_how_many_were_replayed_and_refuses_what_does_not_exist(
    make_home: Callable[[str], BackfilledHome], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = make_home("home")
    monkeypatch.setenv("CRYPTOELT_HOME", str(made.settings.home))
    monkeypatch.setenv("CRYPTOELT_WAREHOUSE__URL", made.settings.warehouse.url.get_secret_value())

    assert run(["quarantine", "replay", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["command"], shown["status"], shown["units"]) == ("quarantine replay", "nothing", [])
    assert (shown["replayed"], shown["remaining"], shown["tables"]) == (0, 0, {})
    assert run(["quarantine", "replay"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("quarantine replay: nothing to do, no such record is in quarantine (")
    assert said[1:] == ["table\treplayed\tremaining"]
    for wrong in (["--table", "dim_crypto"], ["--id", "x"], ["--id", "99"], ["--wait", "soon"]):
        assert run(["quarantine", "replay", *wrong, "--json"]) == 2
        refused = capsys.readouterr()
        assert json.loads(refused.out)["exit_code"] == 2
        assert len(refused.err.splitlines()) == 2
