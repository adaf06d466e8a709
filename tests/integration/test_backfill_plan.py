"""`backfill --dry-run` says what would be done, and does nothing of it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from cryptoelt.cli import run
from cryptoelt.clock import iso
from cryptoelt.tables import TABLES
from tests.support.backfilling import MONDAY
from tests.support.cli import java_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.backfilling import BackfilledHome

pytestmark = pytest.mark.usefixtures("quick_disk", "bare_environment")

COINS, MAP, MARKET = "dim_crypto_id", "dim_crypto_map", "fact_crypto_market"
CHOSEN = [word for table in (COINS, MAP, MARKET) for word in ("--table", table)]


@pytest.fixture
def home(
    make_home: Callable[[str], BackfilledHome], fortnight: Path, monkeypatch: pytest.MonkeyPatch
) -> BackfilledHome:
    """A home of which the first days are loaded, and one of them has gone from Bronze."""
    made = make_home("home").take(fortnight, MONDAY + timedelta(days=2))
    made.transform_and_load(COINS, MARKET)
    made.take(fortnight, MONDAY + timedelta(days=4))
    monkeypatch.setenv("CRYPTOELT_HOME", str(made.settings.home))
    monkeypatch.setenv("CRYPTOELT_WAREHOUSE__URL", made.settings.warehouse.url.get_secret_value())
    return made


def tree(home: BackfilledHome) -> dict[str, tuple[int, int]]:
    """Return every file of a home with its size and its time."""
    files = [path for path in home.settings.home.rglob("*") if path.is_file()]
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


def planned(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """Return what a dry run says, by table."""
    assert run(["backfill", "--dry-run", "--json", *arguments]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["command"], shown["dry_run"], shown["credits"]["planned"]) == ("backfill", True, 0)
    return {plan["table"]: plan for plan in shown["tables"]}


def test_it_tells_snapshots_rows_and_days_and_writes_nothing(
    home: BackfilledHome, capsys: pytest.CaptureFixture[str]
) -> None:
    before, rows = tree(home), home.query("SELECT count(*) FROM ops.load_batch")
    plan = planned(capsys, *CHOSEN)

    sources = home.snapshots(MARKET)
    new = sources[3:]
    part = {"snapshots": len(new), "from": iso(new[0].snapshot), "to": iso(new[-1].snapshot)}
    part["rows"] = sum(home.bronze.footer_of(source).rows for source in new)
    nothing = {"snapshots": 0, "from": None, "to": None, "rows": 0}
    assert plan[MARKET] == {
        "table": MARKET, "build": part, "replace": nothing, "load": part, "reload": nothing, "kept": [], "damaged": [],
    }  # fmt: skip
    assert plan[MAP]["build"]["snapshots"] == plan[MAP]["load"]["snapshots"] == len(home.snapshots(MAP))
    assert (tree(home), home.query("SELECT count(*) FROM ops.load_batch")) == (before, rows)
    assert java_of(home.settings.home) == []


def test_what_it_says_is_what_is_then_done(home: BackfilledHome, capsys: pytest.CaptureFixture[str]) -> None:
    home.path(home.snapshots(MARKET)[1]).unlink()
    plan = planned(capsys, "--rebuild", "--from", "2026-11-23", "--to", "2026-11-25", *CHOSEN)
    result = home.backfill(COINS, MAP, MARKET, start="2026-11-23", end="2026-11-25", rebuild=True)

    built = [unit for unit in result.units if unit.phase in {"transform", "load"}]
    for unit in built:
        parts = ("build", "replace") if unit.phase == "transform" else ("load", "reload")
        assert len(unit.snapshots) == sum(plan[unit.name][part]["snapshots"] for part in parts), unit.name
        if unit.phase == "transform":
            assert unit.rows_in == sum(plan[unit.name][part]["rows"] for part in parts)
    assert plan[MARKET]["kept"] == [iso(moment) for moment in built[-1].kept]
    assert len(plan[MARKET]["kept"]) == 1


def test_off_a_terminal_it_prints_plain_lines(home: BackfilledHome, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["backfill", "--dry-run", "--table", MARKET]) == 0
    shown = capsys.readouterr()
    heading, *lines = shown.out.splitlines()
    assert heading.split("\t") == ["table", "would", "snapshots", "from", "to", "rows in Bronze"]
    assert [line.split("\t")[:3] for line in lines] == [[MARKET, "build", "2"], [MARKET, "load", "2"]]
    assert "\x1b" not in shown.out + shown.err


@pytest.mark.parametrize(
    ("option", "said"), [([], "nothing is missing"), (["--rebuild"], "Bronze has nothing to build anew")]
)
def test_where_there_is_nothing_to_do_it_says_so(
    home: BackfilledHome, capsys: pytest.CaptureFixture[str], option: list[str], said: str
) -> None:
    assert run(["backfill", "--dry-run", "--table", MARKET, "--to", "2020-01-01", *option]) == 0
    assert capsys.readouterr().out.splitlines() == [said]


def test_a_damaged_file_is_named(home: BackfilledHome, capsys: pytest.CaptureFixture[str]) -> None:
    torn = home.path(home.snapshots(MARKET)[-1])
    torn.write_bytes(b"PAR1")
    (damage,) = planned(capsys, "--table", MARKET)[MARKET]["damaged"]
    assert torn.name in damage


def test_into_a_warehouse_that_was_never_made_all_would_be_loaded(
    home: BackfilledHome, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRYPTOELT_WAREHOUSE__URL", "embedded")
    plan = planned(capsys)
    assert plan.keys() == TABLES.keys()
    assert plan[MARKET]["load"]["snapshots"] == len(home.snapshots(MARKET))
    assert not (home.settings.home / ".postgres").exists()
