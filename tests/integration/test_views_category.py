"""What the views make of the market of categories; what is expected was worked out by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.warehouse_rows import at

if TYPE_CHECKING:
    from tests.support.warehouse_rows import WrittenRows

FACT = "fact_crypto_category"


@pytest.fixture
def history(written: WrittenRows) -> WrittenRows:
    """Two named categories and one that no list has named; the snapshot of hour 1 is missing, that of hour 2 came last.

    The first loses a coin and gets it back, the second has a cap of zero once, the third sends next to nothing.
    """
    written.category("defi", "DeFi")
    written.category("meme", "Memes")
    written.category("new", None, is_inferred=True, inferred_from="link_crypto_category")
    defi, meme = {"category_id": "defi"}, {"category_id": "meme"}
    written.insert(
        FACT,
        **defi,
        num_tokens=4,
        avg_price_change=-2.5,
        market_cap=1000.0,
        market_cap_change=3.0,
        volume=200.0,
        volume_change=-50.0,
        volume_to_market_cap_ratio=0.2,
        dominance_per_token=250.0,
        market_cap_change_rate=0.03,
        volume_change_rate=-0.5,
        price_change_index=-10.0,
    )
    written.insert(
        FACT,
        **defi,
        snapshot_timestamp=at(3),
        num_tokens=4,
        avg_price_change=0.0,
        market_cap=1200.0,
        volume=0.0,
        volume_to_market_cap_ratio=0.0,
        dominance_per_token=300.0,
        price_change_index=0.0,
    )
    written.insert(
        FACT,
        **defi,
        snapshot_timestamp=at(2),
        load_batch_id=2,
        num_tokens=3,
        avg_price_change=1.0,
        market_cap=900.0,
        volume=90.0,
        volume_to_market_cap_ratio=0.1,
        dominance_per_token=300.0,
        price_change_index=3.0,
    )
    written.insert(FACT, **meme, num_tokens=2, market_cap=0.0, volume=7.0, dominance_per_token=0.0)
    written.insert(FACT, **meme, snapshot_timestamp=at(3), num_tokens=0, market_cap=5.0, avg_price_change=9.0)
    written.insert(FACT, category_id="new", snapshot_timestamp=at(3), volume=1.0)
    return written


def test_dominance_index_keeps_the_flicker_of_the_count_and_leaves_out_what_is_undefined(history: WrittenRows) -> None:
    columns = "category_id, snapshot_timestamp, name, num_tokens, dominance_per_token, volume_to_market_cap_ratio"
    assert history.found("analytics.vw_category_dominance_index", columns) == [
        ("defi", at(0), "DeFi", 4, 250.0, 0.2),
        ("defi", at(2), "DeFi", 3, 300.0, 0.1),
        ("defi", at(3), "DeFi", 4, 300.0, 0.0),
        ("meme", at(0), "Memes", 2, 0.0, None),
    ]


def test_market_trend_has_every_snapshot_and_says_nothing_where_nothing_was_sent(history: WrittenRows) -> None:
    columns = (
        "category_id, snapshot_timestamp, name, num_tokens, market_cap, volume,"
        " market_cap_change, volume_change, market_cap_change_rate, volume_change_rate"
    )
    assert history.found("analytics.vw_category_market_trend", columns) == [
        ("defi", at(0), "DeFi", 4, 1000.0, 200.0, 3.0, -50.0, 0.03, -0.5),
        ("defi", at(2), "DeFi", 3, 900.0, 90.0, None, None, None, None),
        ("defi", at(3), "DeFi", 4, 1200.0, 0.0, None, None, None, None),
        ("meme", at(0), "Memes", 2, 0.0, 7.0, None, None, None, None),
        ("meme", at(3), "Memes", 0, 5.0, None, None, None, None, None),
        ("new", at(3), None, None, None, 1.0, None, None, None, None),
    ]


def test_price_change_index_takes_zero_for_known_and_leaves_out_what_is_undefined(history: WrittenRows) -> None:
    columns = "category_id, snapshot_timestamp, name, num_tokens, avg_price_change, price_change_index"
    assert history.found("analytics.vw_category_price_change_index", columns) == [
        ("defi", at(0), "DeFi", 4, -2.5, -10.0),
        ("defi", at(2), "DeFi", 3, 1.0, 3.0),
        ("defi", at(3), "DeFi", 4, 0.0, 0.0),
    ]


def test_top_categories_are_ranked_within_their_snapshot_alone(history: WrittenRows) -> None:
    columns = "snapshot_timestamp, category_rank, category_id, name, market_cap"
    assert history.found("analytics.vw_top_categories_by_market_cap", columns) == [
        (at(0), 1, "defi", "DeFi", 1000.0),
        (at(0), 2, "meme", "Memes", 0.0),
        (at(2), 1, "defi", "DeFi", 900.0),
        (at(3), 1, "defi", "DeFi", 1200.0),
        (at(3), 2, "meme", "Memes", 5.0),
        (at(3), None, "new", None, None),
    ]


def test_top_categories_with_the_same_cap_share_a_rank(written: WrittenRows) -> None:
    for category_id, market_cap in {"a": 5.0, "b": 7.0, "c": 5.0, "d": 0.0, "e": None}.items():
        written.category(category_id, category_id.upper())
        written.insert(FACT, category_id=category_id, market_cap=market_cap)
    assert written.found("analytics.vw_top_categories_by_market_cap", "category_id, category_rank") == [
        ("a", 2),
        ("b", 1),
        ("c", 2),
        ("d", 4),
        ("e", None),
    ]


def test_volume_to_market_cap_anomalies_begin_above_ten(written: WrittenRows) -> None:
    written.category("a", "A")
    written.category("b", None)
    for hour, ratio in enumerate([10.0, 10.5, None, 0.0]):
        written.insert(
            FACT,
            category_id="a",
            snapshot_timestamp=at(hour),
            market_cap=2.0,
            volume=None if ratio is None else 2.0 * ratio,
            volume_to_market_cap_ratio=ratio,
        )
    written.insert(FACT, category_id="b", market_cap=1.0, volume=11.0, volume_to_market_cap_ratio=11.0)
    columns = "category_id, snapshot_timestamp, name, market_cap, volume, volume_to_market_cap_ratio"
    assert written.found("monitoring.vw_categories_volume_to_market_cap_anomalies", columns) == [
        ("a", at(1), "A", 2.0, 21.0, 10.5),
        ("b", at(0), None, 1.0, 11.0, 11.0),
    ]


def test_extreme_price_change_indices_are_beyond_both_bounds(written: WrittenRows) -> None:
    written.category("a", "A")
    for hour, change in enumerate([-10.0, -10.5, 100.0, 100.5, None, 0.0]):
        index = None if change is None else change * 10
        written.insert(
            FACT,
            category_id="a",
            snapshot_timestamp=at(hour),
            num_tokens=10,
            avg_price_change=change,
            price_change_index=index,
        )
    columns = "category_id, snapshot_timestamp, name, num_tokens, avg_price_change, price_change_index"
    assert written.found("monitoring.vw_extreme_category_price_change_index", columns) == [
        ("a", at(1), "A", 10, -10.5, -105.0),
        ("a", at(3), "A", 10, 100.5, 1005.0),
    ]


def test_a_category_misses_metrics_when_any_of_three_was_not_sent(written: WrittenRows) -> None:
    written.category("a", "A")
    figures = [(1, 2.0, 3.0), (None, 2.0, 3.0), (1, None, 3.0), (1, 2.0, None), (0, 0.0, 0.0)]
    for hour, (num_tokens, market_cap, volume) in enumerate(figures):
        written.insert(
            FACT,
            category_id="a",
            snapshot_timestamp=at(hour),
            num_tokens=num_tokens,
            market_cap=market_cap,
            volume=volume,
            last_updated=f"update {hour}",
        )
    columns = "category_id, snapshot_timestamp, name, num_tokens, market_cap, volume, last_updated"
    assert written.found("monitoring.vw_missing_metrics_in_crypto_category", columns) == [
        ("a", at(1), "A", None, 2.0, 3.0, "update 1"),
        ("a", at(2), "A", 1, None, 3.0, "update 2"),
        ("a", at(3), "A", 1, 2.0, None, "update 3"),
    ]
