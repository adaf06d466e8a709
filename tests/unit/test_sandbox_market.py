"""The synthetic market is the same for the same seed and time, moves smoothly, and is as odd as the real one."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from cryptoelt.errors import UsageError
from cryptoelt.sandbox.market.categories import categories, category_record
from cryptoelt.sandbox.market.global_market import global_metrics
from cryptoelt.sandbox.market.noise import DAY
from cryptoelt.sandbox.market.sentiment import classification, fear_and_greed
from cryptoelt.sandbox.market.world import WORLDS, Market, World, world_named

MOMENT = datetime(2026, 11, 23, 10, 30, tzinfo=UTC).timestamp()
SMALL = Market(1, WORLDS["small"])
FULL = Market(1, WORLDS["full"])


def records(market: Market, moment: float = MOMENT) -> list[dict[str, Any]]:
    return [category_record(market, category, moment) for category in categories(market, moment)]


def by_name(market: Market, moment: float = MOMENT) -> dict[str, dict[str, Any]]:
    return {record["name"]: record for record in records(market, moment)}


def test_same_seed_and_time_give_the_same_categories() -> None:
    assert records(FULL) == records(Market(1, World()))


def test_another_seed_is_another_market() -> None:
    ours, theirs = records(SMALL), records(Market(2, WORLDS["small"]))

    assert {record["id"] for record in ours}.isdisjoint(record["id"] for record in theirs)
    assert by_name(SMALL)["Layer 1"]["market_cap"] != by_name(Market(2, WORLDS["small"]))["Layer 1"]["market_cap"]


def test_ids_are_24_hex_digits_and_stay() -> None:
    now, later = categories(SMALL, MOMENT), categories(SMALL, MOMENT + 300 * DAY)

    assert {category.id for category in now} == {category.id for category in later}
    assert all(re.fullmatch(r"[0-9a-f]{24}", category.id) for category in categories(FULL, MOMENT))


@pytest.mark.parametrize("days", range(0, 400, 25))
def test_the_full_world_has_about_280_categories_and_no_id_twice(days: int) -> None:
    found = categories(FULL, MOMENT + days * DAY)

    assert 268 <= len(found) <= 284
    assert len({category.id for category in found}) == len(found)


def test_the_small_world_has_twelve_categories_at_any_time() -> None:
    assert {len(categories(SMALL, MOMENT + days * DAY)) for days in range(0, 400, 7)} == {12}


def test_an_unknown_world_is_refused_and_the_known_ones_named() -> None:
    with pytest.raises(UsageError) as caught:
        world_named("flat")

    assert "small" in caught.value.hint


def test_names_hold_what_breaks_naive_code() -> None:
    names = {category.name for category in categories(SMALL, MOMENT)}

    assert {"NAN", "TRUE", "NULL", "去中心化交易所", "R&amp;D &lt;Labs&gt; Tokens"} <= names
    assert any(name.endswith("  ") for name in names)
    assert any('"' in name and ";" in name for name in names)
    assert any("," in name for name in names)
    assert any(ord(letter) > 0xFFFF for name in names for letter in name)
    assert any(len(name) == 23 and " " not in name for name in names)


def test_values_hold_the_extremes_of_the_real_market() -> None:
    found = records(SMALL)
    numbers = [value for record in found for value in record.values() if isinstance(value, float | int)]

    assert any(6e26 < number < 8e26 for number in numbers)
    assert any(3e16 < number < 4e16 for number in numbers)
    assert any(0 < number < 1e-8 for number in numbers)
    assert {record["num_tokens"] for record in found} >= {0, 26}
    assert any(record["market_cap"] == 0 for record in found)
    assert any(record["volume_change"] is None for record in found)
    assert all(math.isfinite(number) for number in numbers)


def test_numbers_are_int_or_float_by_chance_of_the_value() -> None:
    kinds = {type(record["volume"]) for record in records(FULL)}

    assert kinds == {int, float, type(None)}


def test_values_move_a_little_in_a_refresh_and_more_in_a_day() -> None:
    first, soon, later = (by_name(SMALL, MOMENT + s)["Layer 1"]["market_cap"] for s in (0, 30, DAY))

    assert 0 < abs(soon / first - 1) < 0.01
    assert abs(later / first - 1) > abs(soon / first - 1)


def test_the_change_of_a_day_is_the_change_the_day_before_shows() -> None:
    before, now = (by_name(SMALL, MOMENT + s)["Layer 1"] for s in (-DAY, 0))

    told = now["market_cap_change"]
    assert told == pytest.approx((now["market_cap"] / before["market_cap"] - 1) * 100, rel=1e-6, abs=1e-6)


def test_definitions_that_last_are_months_old() -> None:
    assert all(MOMENT - category.defined > 90 * DAY for category in categories(SMALL, MOMENT))


def test_categories_appear_vanish_and_return_as_days_go_by() -> None:
    seen = [{category.id for category in categories(FULL, MOMENT + days * DAY)} for days in range(120)]
    first = seen[0]

    assert seen[-1] - first, "some are new"
    assert first - seen[-1], "some have gone"
    returned = [
        gone for day, ids in enumerate(seen) for gone in first - ids if any(gone in later for later in seen[day + 1 :])
    ]
    assert returned


def test_categories_are_renamed_while_their_id_stays() -> None:
    before = {category.id: category for category in categories(FULL, MOMENT)}
    after = {category.id: category for category in categories(FULL, MOMENT + 60 * DAY)}
    renamed = [key for key in before.keys() & after.keys() if before[key].name != after[key].name]

    assert renamed
    assert all(after[key].defined > before[key].defined for key in renamed)


@pytest.mark.parametrize("seed", range(1, 6))
def test_global_metrics_stay_plausible(seed: int) -> None:
    for days in range(0, 700, 50):
        data: dict[str, Any] = global_metrics(Market(seed, World()), MOMENT + days * DAY, {"USD": 1.0})
        assert 55 < data["btc_dominance"] < 65
        assert 1e12 < data["quote"]["USD"]["total_market_cap"] < 8e12
        assert data["quote"]["USD"]["altcoin_market_cap"] < data["quote"]["USD"]["total_market_cap"]
        assert (
            data["tracked_yearly_number"]["maxIncrementalNumber"]
            > data["tracked_yearly_number"]["minIncrementalNumber"]
        )


def test_yesterday_of_the_global_metrics_is_what_yesterday_said() -> None:
    yesterday: dict[str, Any] = global_metrics(FULL, MOMENT - DAY, {"USD": 1.0})
    today: dict[str, Any] = global_metrics(FULL, MOMENT, {"USD": 1.0})

    assert today["btc_dominance_yesterday"] == pytest.approx(yesterday["btc_dominance"], abs=1e-8)
    assert today["quote"]["USD"]["total_market_cap_yesterday"] == pytest.approx(
        yesterday["quote"]["USD"]["total_market_cap"], rel=1e-9
    )


def test_fear_and_greed_uses_its_range() -> None:
    values = {fear_and_greed(FULL, MOMENT + hours * 3600) for hours in range(0, 24 * 700, 6)}

    assert min(values) >= 0
    assert max(values) <= 100
    assert max(values) - min(values) > 60


@pytest.mark.parametrize(
    ("value", "band"),
    [
        (0, "Extreme fear"),
        (19, "Extreme fear"),
        (20, "Fear"),
        (39, "Fear"),
        (40, "Neutral"),
        (59, "Neutral"),
        (60, "Greed"),
        (79, "Greed"),
        (80, "Extreme greed"),
        (100, "Extreme greed"),
    ],
)
def test_bands_are_those_of_the_api(value: int, band: str) -> None:
    assert classification(value) == band
