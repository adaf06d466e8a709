"""One fault of each kind that daily and weekly runs meet, and a market that changes meanwhile: what becomes of them.

The runs are steps of one story in one home, told once; each test looks at one step of it.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from cryptoelt.clock import Clock
from cryptoelt.errors import ExitCode
from cryptoelt.results import Phase
from cryptoelt.sandbox.market.world import World
from cryptoelt.sandbox.server import SandboxServer
from cryptoelt.warehouse.engine import Warehouse
from tests.support.schedule import SimulatedHome
from tests.support.truth import Found, Truth, check_everything

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydantic import SecretStr

    from cryptoelt.results import Result
    from cryptoelt.spark import SparkHost

#: Coins enough for a category of more members than a page has, and changes fast.
WORLD = World(categories=7, churn=True, coins=2400, exchanges=14, publishers=5, wallet_rows=60, haste=25.0)
SEED = 1
SUNDAY = datetime(2026, 11, 22, 12, tzinfo=UTC)
INFO, ASSETS, CATEGORY = "exchange/info", "exchange/assets", "cryptocurrency/category"
LISTINGS, MAP = "cryptocurrency/listings/latest", "cryptocurrency/map"
_TRIES = 5
#: In this market so many pages are answered on Tuesday before the second page of its largest category is asked for.
_PAGES_BEFORE = 3


@dataclass(frozen=True)
class Step:
    """One run of the story.

    Attributes:
        result: how it ended.
        served: what the sandbox answered to it.
        left: the members of the largest category that had left it by then, each with the snapshot that showed it.
        inferred: name and symbol of the coins that were inferred members then.
    """

    result: Result
    served: list[dict[str, Any]]
    left: dict[int, datetime]
    inferred: dict[int, tuple[str, str]]

    @property
    def snapshot(self) -> datetime:
        """The snapshot time of what this run fetched."""
        (moment,) = {at for unit in self.result.units if unit.phase is Phase.EXTRACT for at in unit.snapshots}
        return moment

    def asked(self, endpoint: str) -> list[dict[str, Any]]:
        """Return the calls of an endpoint."""
        return [entry for entry in self.served if entry["endpoint"] == endpoint]

    def ids(self, endpoint: str, status: int = 200) -> list[str]:
        """Return whom the calls of an endpoint with this outcome asked for, each once."""
        return list(dict.fromkeys(e["parameters"]["id"] for e in self.asked(endpoint) if e["http_status"] == status))


@dataclass(frozen=True)
class Story:
    """A home of that market, and what happened in it."""

    sandbox: SandboxServer
    warehouse: Warehouse
    refused: str
    largest: str
    init: Step
    weekly: Step
    listings: Step
    categories: Step
    daily: Step
    again: Step

    @property
    def found(self) -> Found:
        return Found(self.warehouse)

    def data(self, step: Step, endpoint: str) -> Any:
        """Return the `data` of the only answer of an endpoint to a step."""
        (entry,) = step.asked(endpoint)
        return json.loads(self.sandbox.served_body(entry["sequence"]) or b"")["data"]


@pytest.fixture(scope="module")
def story(
    tmp_path_factory: pytest.TempPathFactory,
    make_database: Callable[[str | None], SecretStr],
    template_at_head: str,
    spark_host: SparkHost,
) -> Iterator[Story]:
    warehouse = Warehouse(make_database(template_at_head), Clock())
    with (
        pytest.MonkeyPatch.context() as patch,
        SandboxServer(
            seed=SEED, world=WORLD, start_time=SUNDAY, speed=0, minute_limit=10**6, monthly_credits=10**6
        ) as sandbox,
    ):
        patch.setattr(os, "fsync", lambda _: None)
        home = SimulatedHome.make(tmp_path_factory.mktemp("story"), sandbox, warehouse=warehouse.url, host=spark_host)
        yield _told(home, sandbox, warehouse)


def _told(home: SimulatedHome, sandbox: SandboxServer, warehouse: Warehouse) -> Story:
    found, largest = Found(warehouse), ""

    def step(moment: str, frequency: str, *faults: str, due: bool = True) -> Step:
        nonlocal largest
        sandbox.clear_faults()
        for fault in faults:
            sandbox.add_fault(fault)
        before = len(sandbox.served())
        result = home.at(moment).run(frequency, due=due)
        ((largest, _),) = found.query(
            "SELECT category_id, count(*) FROM dwh.link_crypto_category GROUP BY 1 ORDER BY 2 DESC LIMIT 1"
        )
        ended = f"category_id = '{largest}' AND valid_to IS NOT NULL"
        left = dict(found.query(f"SELECT crypto_id, valid_to FROM dwh.link_crypto_category WHERE {ended}"))
        coins = found.query("SELECT crypto_id, name, symbol FROM dwh.dim_crypto_id WHERE is_inferred")
        inferred = {coin: (name, symbol) for coin, name, symbol in coins}
        return Step(result, sandbox.served()[before:], left, inferred)

    init = step("2026-11-22T12:00:00Z", "init", due=False)
    publishers = [str(id_) for (id_,) in found.query("SELECT DISTINCT exchange_id FROM dwh.fact_exchange_assets")]
    refused = max(publishers, key=int)
    return Story(
        sandbox,
        warehouse,
        refused,
        largest,
        init,
        weekly=step("2026-11-23T08:00:00Z", "weekly", f"refused_id={refused}@{INFO}"),
        listings=step("2026-11-23T09:00:00Z", "5x"),
        categories=step("2026-11-23T10:30:00Z", "10x"),
        daily=step(
            "2026-11-24T08:20:00Z",
            "daily",
            f"http_500@{ASSETS}*{_TRIES}",
            f"http_500@{CATEGORY}*{_TRIES}+{_PAGES_BEFORE}",
        ),
        again=step("2026-11-24T08:50:00Z", "daily"),
    )


def test_an_exchange_that_is_refused_does_not_cost_its_batch(story: Story) -> None:
    step = story.weekly
    assert step.result.exit_code is ExitCode.DONE, step.result.error
    assert step.result.notices == [f"{INFO}: the API refuses id {story.refused}; asked again by the next scan"]
    known = {str(exchange["id"]) for exchange in story.data(story.init, "exchange/map")}
    infos = "SELECT exchange_id FROM dwh.fact_exchange_info WHERE snapshot_timestamp = "
    answered = {str(id_) for (id_,) in story.found.query(f"{infos}'{step.snapshot}'")}
    assert story.refused in known
    assert answered == known - {story.refused}


def test_coins_that_the_listings_know_before_the_map_are_kept_as_inferred_members(story: Story) -> None:
    listed = {coin["id"]: coin for coin in story.data(story.listings, LISTINGS)}
    new = listed.keys() - {coin["id"] for coin in story.data(story.init, MAP)} - story.init.inferred.keys()
    assert len(new) > 10
    facts = f"SELECT crypto_id FROM dwh.fact_crypto_market WHERE snapshot_timestamp = '{story.listings.snapshot}'"
    assert {coin for (coin,) in story.found.query(facts)} == listed.keys()
    for coin in new:
        named = (listed[coin]["name"].strip(), listed[coin]["symbol"])
        assert story.listings.inferred[coin] == named


def test_an_inferred_coin_is_completed_by_the_map_that_knows_it(story: Story) -> None:
    mapped = {coin["id"]: coin for coin in story.data(story.daily, MAP)}
    completed = story.listings.inferred.keys() & mapped.keys()
    assert len(completed) > 10
    assert not completed & story.daily.inferred.keys()
    coins = dict(story.found.query("SELECT crypto_id, slug FROM dwh.dim_crypto_id"))
    assert all(coins[coin] == mapped[coin]["slug"] for coin in completed)
    former = {coin for (coin,) in story.found.query("SELECT crypto_id FROM dwh.dim_crypto_id_history")}
    assert not completed & former


def test_a_renamed_coin_is_one_row_with_its_former_name_in_the_history(story: Story) -> None:
    before = {coin["id"]: coin["name"].strip() for coin in story.data(story.init, MAP)}
    after = {coin["id"]: coin["name"].strip() for coin in story.data(story.daily, MAP)}
    renamed = {coin: name for coin, name in before.items() if after.get(coin, name) != name}
    assert len(renamed) > 10
    names = dict(story.found.query("SELECT crypto_id, name FROM dwh.dim_crypto_id"))
    history = story.found.query("SELECT crypto_id, name, valid_from, valid_to FROM dwh.dim_crypto_id_history")
    interval = (story.init.snapshot, story.daily.snapshot)
    for coin, name in renamed.items():
        assert names[coin] == after[coin]
        assert [row[1:] for row in history if row[0] == coin] == [(name, *interval)]


def test_an_exchange_whose_assets_fail_and_a_category_without_its_second_page_are_told(story: Story) -> None:
    step = story.daily
    assert step.result.exit_code is ExitCode.PARTIAL
    failed = {unit.name for unit in step.result.units if unit.error is not None}
    assert failed == {ASSETS, CATEGORY}
    assert len(step.ids(ASSETS, 500)) == 1
    assert step.ids(CATEGORY, 500) == [story.largest]
    assert {entry["parameters"]["start"] for entry in step.asked(CATEGORY) if entry["http_status"] == 500} == {"1001"}
    assert len(step.ids(ASSETS)) > 1
    assert len(step.ids(CATEGORY)) > 1


def test_the_next_run_asks_for_the_failed_ones_only(story: Story) -> None:
    step = story.again
    assert step.result.exit_code is ExitCode.DONE, step.result.error
    assert step.ids(ASSETS) == story.daily.ids(ASSETS, 500)
    assert step.ids(CATEGORY) == [story.largest]
    assert [entry["endpoint"] for entry in step.served] == ["key/info", ASSETS, CATEGORY, CATEGORY]


def test_a_category_without_its_second_page_loses_no_member_until_all_pages_are_there(story: Story) -> None:
    assert story.daily.left == {}
    assert len(story.again.left) > 10
    assert set(story.again.left.values()) == {story.again.snapshot}


def test_in_the_end_the_warehouse_holds_what_was_served(story: Story) -> None:
    check_everything(Truth(story.sandbox), story.warehouse)
