"""A list that was cut short is marked in Silver and in the warehouse, and no view takes it for a full one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cryptoelt.lake.silver import SilverTable, incomplete_uri
from cryptoelt.load.rebuild import Choice
from cryptoelt.pipeline.bronze_scope import scope_of
from cryptoelt.results import Phase, Unit
from cryptoelt.transform.pending import silver_uri
from cryptoelt.transform.rebuild import Rebuild
from tests.support.silver_writer import at, category, category_fact, listing
from tests.support.transforming import sent

if TYPE_CHECKING:
    from datetime import datetime

    from tests.support.loading import Loading
    from tests.support.silver_writer import SilverWriter
    from tests.support.transforming import Sent, Silver, Transforming

MARKET, CATEGORIES = "fact_crypto_market", "fact_crypto_category"
COINS, MAP = "cryptocurrency/map", "dim_crypto_map"
MARKED = "SELECT table_name, snapshot_timestamp, completed_at IS NULL FROM ops.incomplete_snapshot ORDER BY 1, 2"
BATCHES = "SELECT snapshots, incomplete_snapshots FROM ops.load_batch ORDER BY load_batch_id"


@pytest.fixture
def cut_short(load: Loading, lake: SilverWriter) -> Loading:
    """A warehouse whose newest listing is the first coin of two."""
    coins = [{**listing(number), "price_usd": 2.0, "market_cap_usd": 10.0} for number in (1, 2)]
    lake.mark_incomplete(MARKET, at(1))
    lake.commit(MARKET, {at(0): coins})
    lake.commit(MARKET, {at(1): coins[:1]})
    load(MARKET)
    return load


def test_a_load_marks_what_silver_says_is_cut_short(cut_short: Loading) -> None:
    assert cut_short.rows(MARKED) == [(MARKET, at(1), True)]
    assert cut_short.rows(BATCHES) == [([at(0)], []), ([at(1)], [at(1)])]
    assert cut_short.rows("SELECT reason FROM ops.incomplete_snapshot") == [("the list goes on",)]
    freshness = "SELECT newest_snapshot_timestamp, is_newest_complete FROM monitoring.vw_load_freshness"
    assert cut_short.rows(f"{freshness} WHERE table_name = '{MARKET}'") == [(at(1), False)]
    assert cut_short.rows(f"{freshness} WHERE table_name = 'fact_global_market'") == [(None, None)]


def test_no_view_shows_it_as_a_full_list(cut_short: Loading) -> None:
    latest = "SELECT crypto_id, snapshot_timestamp FROM analytics.vw_crypto_market_kpis_latest ORDER BY 1"
    sums = "SELECT snapshot_timestamp, sum(market_cap_usd) FROM analytics.vw_crypto_market_cap_trend GROUP BY 1"
    prices = "SELECT snapshot_timestamp, crypto_id FROM analytics.vw_crypto_price_evolution ORDER BY 1, 2"

    assert cut_short.rows(latest) == [(1, at(0)), (2, at(0))]
    assert cut_short.rows(sums) == [(at(0), 20.0)]
    assert cut_short.rows(prices) == [(at(0), 1), (at(0), 2), (at(1), 1)], "what a coin cost is true all the same"


def test_categories_are_not_ranked_within_part_of_their_list(load: Loading, lake: SilverWriter) -> None:
    lake.mark_incomplete(CATEGORIES, at(1))
    lake.commit("dim_crypto_category", {at(0): [category(1), category(2)]})
    lake.commit(CATEGORIES, {at(0): [category_fact(1, 1.0), category_fact(2, 2.0)]})
    lake.commit(CATEGORIES, {at(1): [category_fact(1, 1.0)]})
    load("dim_crypto_category")
    load(CATEGORIES)
    ranks = "SELECT snapshot_timestamp, category_id, category_rank FROM analytics.vw_top_categories_by_market_cap"

    assert load.rows(f"{ranks} ORDER BY 3") == [(at(0), "c2", 1), (at(0), "c1", 2)]


def test_a_rebuild_that_finds_it_whole_completes_it(cut_short: Loading, lake: SilverWriter) -> None:
    lake.mark_incomplete(MARKET)
    unit, moments = Unit(Phase.LOAD, MARKET), {at(0), at(1)}
    choice = Choice(moments.__contains__, replace=True, in_bronze=moments)
    cut_short.loader(MARKET).load_chosen(MARKET, unit, choice)

    assert cut_short.rows(MARKED) == [(MARKET, at(1), False)]
    latest = "SELECT DISTINCT snapshot_timestamp FROM analytics.vw_crypto_market_kpis_latest"
    assert cut_short.rows(latest) == [(at(1),)]

    lake.mark_incomplete(MARKET, at(1))
    cut_short.loader(MARKET).load_chosen(MARKET, Unit(Phase.LOAD, MARKET), choice)
    assert cut_short.rows(MARKED) == [(MARKET, at(1), True)]
    assert cut_short.rows(latest) == [(at(0),)]


def test_a_second_warehouse_of_the_same_lake_has_the_marks_too(cut_short: Loading, lake: SilverWriter) -> None:
    """The log of the lake may be cleaned up by then."""
    lake.touch(MARKET)
    lake.forget_log(MARKET)
    cut_short.execute("TRUNCATE ops.load_batch, ops.incomplete_snapshot, dwh.fact_crypto_market")
    cut_short(MARKET)

    assert cut_short.rows(MARKED) == [(MARKET, at(1), True)]
    assert cut_short.rows(BATCHES) == [([at(0), at(1)], [at(1)])]


# --- from Bronze ------------------------------------------------------------------------------------------------------


def marked(silver: Silver) -> list[datetime]:
    """The snapshots of the map that Silver says are incomplete."""
    beside = SilverTable(incomplete_uri(silver_uri(silver.settings.lake_root, MAP)))
    return [row["snapshot_timestamp"] for batch in beside.read() for row in batch.to_pylist()] if beside.exists else []


def coins(*ids: int) -> Sent:
    """A page of the map."""
    return sent([{"id": id_, "name": f"Coin {id_}", "symbol": "C", "slug": f"c-{id_}", "is_active": 1} for id_ in ids])


def rebuild(silver: Silver) -> None:
    """Build all of Bronze anew, in place of what there is."""
    scope = scope_of(MAP, silver.bronze, silver.settings, lambda _: True, silver.context.clock.now(), rebuild=True)
    Rebuild(silver.transformer(MAP), MAP, Unit(Phase.TRANSFORM, MAP)).build(scope.sources)


def test_silver_says_which_lists_bronze_has_only_in_part(transform: Transforming) -> None:
    transform.fetch(COINS, coins(1, 2), coins(3), snapshot=at(0))
    transform.build(MAP)
    assert marked(transform) == []

    transform.fetch(COINS, coins(1, 2), snapshot=at(1), is_whole=False)
    transform.build(MAP)
    assert marked(transform) == [at(1)]

    rebuild(transform)
    assert marked(transform) == [at(1)]
    assert len(transform.rows(MAP)) == 5


def test_an_unusable_answer_is_built_by_nobody_and_none_of_its_pages(transform: Transforming) -> None:
    transform.fetch(COINS, coins(1, 2), coins(1, 2), snapshot=at(0), unusable="it repeats")
    transform.fetch(COINS, coins(7), snapshot=at(1), unusable="it is short")
    transform.fetch(COINS, coins(1, 2), snapshot=at(2))
    built = transform.build(MAP)
    rebuild(transform)

    assert built.snapshots == [at(2)]
    assert {row["snapshot_timestamp"] for row in transform.rows(MAP)} == {at(2)}
    assert not transform.transformer(MAP).should_transform(MAP)
    assert marked(transform) == []
