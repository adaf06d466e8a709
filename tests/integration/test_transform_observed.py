"""Members of categories, and the history of the market's sentiment: Silver keeps what each answer said."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.support.transforming import FIRST, Sent, at, sent

if TYPE_CHECKING:
    from tests.support.transforming import Row, Transforming

CATEGORY, LINK = "cryptocurrency/category", "link_crypto_category"
HISTORICAL, HISTORY = "fear-and-greed/historical", "market_sentiment_history"


def page(category: str, start: int, size: object, *coins: object, is_last: bool = True) -> Sent:
    """A page of a category."""
    data = {"id": category, "name": "Name", "num_tokens": size, "coins": list(coins)}
    return sent(data, category_id=category, page_start=start, is_last_page=is_last)


def coin(number: object, name: str = " Coin ") -> Row:
    return {"id": number, "name": name, "symbol": "C"}


def test_a_page_and_every_coin_on_it_are_a_row(transform: Transforming) -> None:
    transform.fetch(
        CATEGORY,
        page("c1", 1, 3, coin(1), coin(2), is_last=False),
        page("c1", 3, 3, coin(2)),
        page("c2", 1, 0),
        page("c3", 1, 1, coin(1)),
    )

    assert transform.build(LINK).rows_loaded == 8
    rows = transform.rows(LINK)
    found = {
        (row["category_id"], row["page_start"], row["crypto_id"], row["is_last_page"], row["num_tokens"])
        for row in rows
    }
    assert found == {
        ("c1", 1, None, False, 3),
        ("c1", 1, 1, False, None),
        ("c1", 1, 2, False, None),
        ("c1", 3, None, True, 3),
        ("c1", 3, 2, True, None),
        ("c2", 1, None, True, 0),
        ("c3", 1, None, True, 1),
        ("c3", 1, 1, True, None),
    }
    assert len(rows) == 8
    assert {(row["crypto_name"], row["crypto_symbol"]) for row in rows} == {("Coin", "C"), (None, None)}
    assert {row["snapshot_timestamp"] for row in rows} == {FIRST}


def test_a_coin_without_an_id_is_rejected_and_its_page_stays(transform: Transforming) -> None:
    transform.fetch(
        CATEGORY,
        page("c1", 1, 9, coin(None), None, coin("7"), coin(3, "a\0b"), coin(1), coin(1), coin(2), coin(2, "Other")),
        page("c2", 1, "9", coin(1)),
    )

    unit = transform.build(LINK)
    assert (unit.rows_in, unit.rows_loaded, unit.rows_present, unit.rows_quarantined) == (11, 4, 1, 6)
    rules = sorted(row["rule"] for row in transform.rejected(LINK))
    assert rules == ["conflicting_duplicate", *["missing_key"] * 2, "nul_in_text", *["wrong_type"] * 2]
    rows = {(row["category_id"], row["crypto_id"]): row["crypto_name"] for row in transform.rows(LINK)}
    assert rows == {("c1", None): None, ("c1", 1): "Coin", ("c1", 2): "Other", ("c2", 1): "Coin"}


def point(timestamp: object, value: object = 40) -> Row:
    return {"timestamp": timestamp, "value": value, "value_classification": "Extreme fear "}


def test_a_point_of_the_history_has_its_own_midnight(transform: Transforming) -> None:
    transform.fetch(HISTORICAL, sent([point("1738886400", 0), point(" 1738800000\n")]), sent([point("1687996800")]))

    assert transform.build(HISTORY).rows_loaded == 3
    rows = {row["value_timestamp"]: row for row in transform.rows(HISTORY)}
    assert set(rows) == {
        datetime(2025, 2, 7, tzinfo=UTC),
        datetime(2025, 2, 6, tzinfo=UTC),
        datetime(2023, 6, 29, tzinfo=UTC),
    }
    assert rows[datetime(2025, 2, 7, tzinfo=UTC)] == {
        "snapshot_timestamp": FIRST,
        "snapshot_str": "2025-02-07",
        "fear_greed_score": 0,
        "sentiment_label": "Extreme fear",
        "value_timestamp": datetime(2025, 2, 7, tzinfo=UTC),
        "call_id": "call-1",
    }


def test_points_whose_time_is_missing_or_no_number_are_rejected_though_its_column_may_hold_it(
    transform: Transforming,
) -> None:
    no_number = ["2025-02-07", "1e9", "-1738886400", "1738886400.5", "99999999999", "١٧٣٨٨٨٦٤٠٠"]
    transform.fetch(HISTORICAL, sent([point("1738886400"), *map(point, no_number)]))
    missing = [point(""), point(None), point(1738886400), point("1738\0")]
    same_time = [point("1738886400"), point("1738886400", 41), point("1738800000"), point("1738800000")]
    transform.fetch(HISTORICAL, sent([*missing, *same_time]), snapshot=at(1))

    unit = transform.build(HISTORY)
    assert (unit.rows_in, unit.rows_loaded, unit.rows_present, unit.rows_quarantined) == (15, 3, 1, 11)
    rejected = {moment: Counter[str]() for moment in (at(0), at(1))}
    for row in transform.rejected(HISTORY):
        rejected[row["snapshot_timestamp"]][row["rule"]] += 1
    assert rejected == {
        at(0): {"wrong_type": 6},
        at(1): {"conflicting_duplicate": 1, "missing_key": 2, "nul_in_text": 1, "wrong_type": 1},
    }
    assert sorted(row["fear_greed_score"] for row in transform.rows(HISTORY, at(1))) == [40, 41]
