"""Scans spend only what is to spare, leave the rest for another day, and say so."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from cryptoelt.errors import BudgetError
from cryptoelt.frequencies import Window
from cryptoelt.pipeline.windows import lacking_endpoints
from cryptoelt.results import Status
from cryptoelt.sandbox.market.world import World
from cryptoelt.sandbox.server import SandboxServer
from cryptoelt.settings import BudgetSettings
from tests.support.extracting import DAY, Extracting, Ran

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("quick_disk")

START = "2026-11-23T08:20:00Z"
EXCHANGES, ASSETS = "exchange/map", "exchange/assets"
LIST, MEMBERS = "cryptocurrency/categories", "cryptocurrency/category"
COINS, COIN_INFO = "cryptocurrency/map", "cryptocurrency/info"
EXCHANGE_INFO = "exchange/info"
SCANS = {ASSETS: EXCHANGES, MEMBERS: LIST, COIN_INFO: COINS, EXCHANGE_INFO: EXCHANGES}
WORLD = World(categories=12, churn=False, coins=60, exchanges=14, publishers=8, wallet_rows=16)


@pytest.fixture
def extract(tmp_path: Path) -> Iterator[Extracting]:
    with SandboxServer(seed=7, world=WORLD, start_time=START, speed=0, refresh=1, minute_limit=100_000) as server:
        yield Extracting(tmp_path, server, {"budget": BudgetSettings(monthly_credits=200, buffer=0.0)})


def with_spare(extract: Extracting, endpoint: str, spare: int, window: Window | None = None) -> Ran:
    """Run a scan when so many credits are to spare beside those that are kept."""
    kept = extract.ledger.state().remaining - spare
    return extract(endpoint, window=window, kept=lambda: kept)


def daily(extract: Extracting) -> Window:
    now = extract.clock.now()
    return Window("daily", now, now + timedelta(hours=12))


@pytest.mark.parametrize("endpoint", SCANS)
@pytest.mark.parametrize("spare", [0, 1])
def test_a_scan_asks_what_is_to_spare_and_postpones_the_rest(extract: Extracting, endpoint: str, spare: int) -> None:
    extract(SCANS[endpoint])
    ran = with_spare(extract, endpoint, spare)
    line = extract.journal(endpoint)

    assert (ran.error, ran.unit.status) == (None, Status.DONE)
    assert ran.credits == ran.unit.planned == spare
    assert line["postponed"] == ran.unit.postponed == ran.unit.as_json()["postponed"]
    assert (ran.unit.postponed > 0) == (spare == 0 or endpoint == MEMBERS)
    assert line["is_complete"]


@pytest.mark.parametrize("endpoint", [ASSETS, MEMBERS])
def test_what_was_postponed_comes_first_another_day(extract: Extracting, endpoint: str) -> None:
    extract(SCANS[endpoint])
    extract.init(endpoint)
    extract.next_weekday()
    everyone = extract(endpoint).ids
    extract.next_weekday()
    first = with_spare(extract, endpoint, 0)
    assert (first.calls, first.unit.postponed > 0) == ([], True)
    extract.next_weekday()

    assert len(extract(endpoint).ids) == len(everyone)


def test_a_window_whose_work_was_postponed_is_done_and_the_next_one_asks(extract: Extracting) -> None:
    extract(EXCHANGES)
    extract.init(ASSETS)
    extract.next_weekday()
    window = daily(extract)
    postponed = with_spare(extract, ASSETS, 3, window)

    assert (len(postponed.calls), postponed.unit.postponed) == (3, 6)
    assert ASSETS not in lacking_endpoints(extract.bronze, window)
    extract.next_weekday()
    assert len(extract(ASSETS, window=daily(extract)).calls) == 9


def test_a_scan_that_costs_more_than_was_thought_stops_in_time(extract: Extracting) -> None:
    extract(EXCHANGES)
    extract.init(ASSETS)
    extract.next_weekday()
    extract.sandbox.add_fault("bad_price", endpoint=ASSETS, value="2")
    before = extract.ledger.state().remaining
    window = daily(extract)
    ran = with_spare(extract, ASSETS, 10, window)

    assert (ran.error, len(ran.calls)) == (None, 3)
    assert before - extract.ledger.state().remaining <= 10
    assert ran.unit.postponed == extract.journal(ASSETS)["postponed"] == 6
    assert ASSETS not in lacking_endpoints(extract.bronze, window)
    assert extract(ASSETS, window=window).calls == []

    extract.sandbox.clear_faults()
    extract.next_weekday()
    assert len(extract(ASSETS).calls) == 9


def test_a_scan_that_is_gone_on_with_spends_only_what_is_to_spare_then(extract: Extracting) -> None:
    extract(EXCHANGES)
    extract.init(ASSETS)
    extract.next_weekday()
    window = daily(extract)
    extract.sandbox.add_fault("http_429_1010", endpoint=ASSETS, skip=2, times=1)
    assert isinstance(extract(ASSETS, window=window).error, BudgetError)
    again = with_spare(extract, ASSETS, 4, window)

    assert (len(again.calls), again.unit.postponed) == (4, 3)
    assert extract(ASSETS, window=window).calls == []


def test_a_run_by_hand_spends_up_to_the_limit_and_is_then_refused(tmp_path: Path, extract: Extracting) -> None:
    poor = Extracting(tmp_path / "poor", extract.sandbox, {"budget": BudgetSettings(monthly_credits=10, buffer=0.2)})
    poor(EXCHANGES)
    (ran,) = poor.init(ASSETS)

    assert isinstance(ran.error, BudgetError)
    assert ran.unit.status is Status.REFUSED
    assert (len(ran.calls), poor.ledger.state().remaining) == (7, 0)
    assert len(poor.bronze.files(ASSETS)) == 7


def test_a_month_that_cannot_hold_everything_is_never_overspent(extract: Extracting) -> None:
    """Something is kept every day, and less of it as the month goes by."""
    extract(EXCHANGES)
    extract(LIST)
    extract.init(ASSETS)
    left = extract.ledger.state().remaining
    kept, postponed = left - 20, 0
    for _ in range(5):
        for endpoint in (ASSETS, MEMBERS):
            ran = extract(endpoint, window=daily(extract), kept=partial(int, kept))
            postponed += ran.unit.postponed
            assert ran.error is None
            assert extract.ledger.state().remaining >= kept
        extract.sandbox.advance(DAY)
        kept -= 4
    assert postponed > 0
    assert extract.ledger.state().remaining >= kept
    assert extract.ledger.state().charged == extract.sandbox.usage()["credits"]
