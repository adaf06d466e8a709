"""The sandbox's coins are the same for a seed and a time, add up, and are as odd as real ones."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

import pytest

from cryptoelt.sandbox.accounts import Limits
from cryptoelt.sandbox.clock import SandboxClock
from cryptoelt.sandbox.core import Sandbox
from cryptoelt.sandbox.faults import parse_fault
from cryptoelt.sandbox.market.world import WORLDS, Market, World
from cryptoelt.sandbox.replies import Request

START = datetime(2026, 11, 23, 10, 30, 5, tzinfo=UTC)
MAP = "/v1/cryptocurrency/map"
V1 = "/v1/cryptocurrency/listings/latest"
V3 = "/v3/cryptocurrency/listings/latest"
INFO = "/v2/cryptocurrency/info"
CATEGORIES = "/v1/cryptocurrency/categories"
CATEGORY = "/v1/cryptocurrency/category"
METRICS = "/v1/global-metrics/quotes/latest"


def make_sandbox(world: str | World = "small", seed: int = 1) -> Sandbox:
    market = Market(seed, WORLDS[world] if isinstance(world, str) else world)
    return Sandbox(market, SandboxClock(START, speed=0), Limits(minute=10**6))


def answer(sandbox: Sandbox, path: str, **query: str | int) -> tuple[int, dict[str, Any]]:
    reply = sandbox.answer(Request("GET", path, [(name, str(value)) for name, value in query.items()], "sandbox"))
    return reply.http_status, json.loads(reply.body)


def data(sandbox: Sandbox, path: str, **query: str | int) -> Any:
    status, payload = answer(sandbox, path, **query)
    assert status == 200, payload
    return payload["data"]


def credits_of(sandbox: Sandbox, path: str, **query: str | int) -> int:
    count: int = answer(sandbox, path, **query)[1]["status"]["credit_count"]
    return count


def test_same_seed_and_time_give_the_same_coins_and_another_seed_others() -> None:
    rows, again, other = (data(make_sandbox(seed=seed), V3, limit=5000) for seed in (1, 1, 2))

    assert rows == again
    assert {row["id"] for row in rows} != {row["id"] for row in other}


def test_dominances_add_up_and_agree_with_the_global_metrics() -> None:
    sandbox = make_sandbox()
    quotes = [row["quote"][0] for row in data(sandbox, V3, limit=5000)]
    sandbox.clock.set(datetime(2026, 11, 23, 10, 35, tzinfo=UTC))
    bitcoin = data(sandbox, V3, limit=1)[0]["quote"][0]
    metrics = data(sandbox, METRICS)
    later = [row["quote"][0]["market_cap"] or 0 for row in data(sandbox, V3, limit=5000)]

    assert sum(quote["market_cap_dominance"] for quote in quotes) == pytest.approx(100, abs=0.01)
    assert bitcoin["market_cap_dominance"] == pytest.approx(metrics["btc_dominance"], abs=1e-4)
    assert sum(later) == pytest.approx(metrics["quote"]["USD"]["total_market_cap"], rel=1e-9)


def test_a_change_in_percent_is_what_the_price_of_then_says() -> None:
    sandbox = make_sandbox()
    before = {row["id"]: row["quote"][0]["price"] for row in data(sandbox, V3, limit=5000)}
    sandbox.clock.advance(86_400)
    checked = 0
    for row in data(sandbox, V3, limit=5000):
        quote = row["quote"][0]
        if before[row["id"]] and abs(quote["percent_change_24h"]) < 1e6 and row["last_updated"][:10] == "2026-11-24":
            change = (quote["price"] / before[row["id"]] - 1) * 100
            assert quote["percent_change_24h"] == pytest.approx(change, abs=1e-6)
            checked += 1

    assert checked > 50


def test_the_first_version_has_the_same_coins_in_its_own_form() -> None:
    sandbox = make_sandbox()
    third = answer(sandbox, V3, limit=5000)[1]
    first = answer(sandbox, V1, limit=5000)[1]

    assert "total_count" not in third["status"]
    assert first["status"]["total_count"] == len(first["data"]) == 60
    assert first["status"]["notice"] is None
    for old, new in zip(first["data"], third["data"], strict=True):
        (quote,) = new["quote"]
        assert (quote["id"], quote["symbol"]) == (2781, "USD")
        assert old["quote"]["USD"].items() <= quote.items()
        assert set(new) - set(old) == {"minted_market_cap"}


def test_listings_are_ordered_by_capitalisation_which_is_not_the_order_of_the_ranks() -> None:
    rows = data(make_sandbox(), V3, limit=5000)
    caps = [row["quote"][0]["market_cap"] or 0 for row in rows]
    ranks = [row["cmc_rank"] for row in rows if row["cmc_rank"] is not None]

    assert caps == sorted(caps, reverse=True)
    assert ranks != sorted(ranks)
    assert len(set(ranks)) == len(ranks) < len(rows)


def test_pages_of_map_and_listings_together_are_the_whole() -> None:
    sandbox = make_sandbox()
    for path in (MAP, V1, V3):
        whole = data(sandbox, path, limit=5000)
        pages = [data(sandbox, path, start=start, limit=25) for start in (1, 26, 51, 76)]
        assert [len(page) for page in pages] == [25, 25, 10, 0]
        assert [row for page in pages for row in page] == whole


def test_aux_replaces_the_optional_fields() -> None:
    sandbox = make_sandbox()

    assert set(data(sandbox, MAP, aux="status", limit=1)[0]) == {"id", "name", "symbol", "slug", "rank", "status"}
    row = data(sandbox, V3, aux="cmc_rank,volume_7d", limit=1)[0]
    assert "cmc_rank" in row
    assert "volume_7d" in row["quote"][0]
    assert not {"tags", "platform", "max_supply", "date_added", "num_market_pairs"} & set(row)
    assert "logo" not in data(sandbox, INFO, id=1, aux="status")["1"]


def test_prices_are_those_of_october_2026() -> None:
    sandbox = make_sandbox(World(categories=7, churn=False, coins=501))
    ids = [str(row["id"]) for row in data(sandbox, MAP)]
    huge = max(data(sandbox, CATEGORIES), key=lambda category: int(category["num_tokens"]))

    assert credits_of(sandbox, MAP) == 0
    assert [credits_of(sandbox, V3, limit=limit) for limit in (1, 250, 251, 501)] == [1, 1, 2, 3]
    assert [credits_of(sandbox, V1, limit=limit) for limit in (200, 201, 401)] == [1, 2, 3]
    assert credits_of(sandbox, V3, limit=251, convert="USD,EUR") == 4
    assert credits_of(sandbox, V3, start=10_000) == 1
    assert [credits_of(sandbox, INFO, id=",".join(ids[:count])) for count in (1, 250, 251)] == [1, 1, 2]
    assert credits_of(sandbox, CATEGORY, id=huge["id"], limit=1000) == 1


@pytest.mark.parametrize(
    ("path", "query", "named"),
    [
        (MAP, {"limit": "5001"}, "limit"),
        (MAP, {"listing_status": "dead"}, "listing_status"),
        (MAP, {"symbol": "NOSUCHCOIN"}, "symbol"),
        (MAP, {"aux": "colour"}, "aux"),
        (MAP, {"sort": "name"}, "sort"),
        (V3, {"limit": "0"}, "limit"),
        (V3, {"price_min": "cheap"}, "price_min"),
        (V3, {"percent_change_24h_min": "-101"}, "percent_change_24h_min"),
        (V3, {"self_reported_market_cap_min": "1"}, "self_reported_market_cap_min"),
        (V3, {"convert": "USD", "convert_id": "2781"}, "convert_id"),
        (V1, {"sort_dir": "up"}, "sort_dir"),
        (INFO, {}, "id"),
        (INFO, {"id": "1", "slug": "bitcoin"}, "slug"),
        (INFO, {"id": "1,999999999"}, "999999999"),
        (INFO, {"id": "1,x"}, "x"),
        (INFO, {"skip_invalid": "yes", "id": "1"}, "skip_invalid"),
        (CATEGORY, {}, "id"),
        (CATEGORY, {"id": "605e2ce9d41eae1066535f7c"}, "605e2ce9d41eae1066535f7c"),
        (CATEGORY, {"id": "1", "limit": "1001"}, "limit"),
        (CATEGORIES, {"slug": "bitcoin", "id": "1"}, "slug"),
    ],
)
def test_a_bad_request_costs_nothing_and_is_told_what_is_wrong(path: str, query: dict[str, str], named: str) -> None:
    status, payload = answer(make_sandbox(), path, **query)

    assert status == 400
    assert named in payload["status"]["error_message"]
    assert payload["status"]["credit_count"] == 0


def test_listings_can_be_filtered_and_sorted() -> None:
    sandbox = make_sandbox()
    every = data(sandbox, V3, limit=5000)
    cheap = data(sandbox, V3, limit=5000, price_max="0.001", sort="name")
    tokens = data(sandbox, V3, limit=5000, cryptocurrency_type="tokens")

    assert {row["id"] for row in cheap} == {row["id"] for row in every if row["quote"][0]["price"] <= 0.001}
    assert [row["name"] for row in cheap] == sorted(row["name"] for row in cheap)
    assert tokens == [row for row in every if row["platform"]]
    assert answer(sandbox, V1, price_max="0.001")[1]["status"]["total_count"] == len(cheap)


def test_the_map_tells_inactive_coins_only_when_asked() -> None:
    sandbox = make_sandbox()
    active = data(sandbox, MAP)
    others = data(sandbox, MAP, listing_status="inactive,untracked", aux="is_active,status,first_historical_data")
    symbol = others[0]["symbol"]

    assert {row["is_active"] for row in active} == {1}
    assert {row["status"] for row in others} == {"inactive", "untracked"}
    assert {row["rank"] for row in others} == {None}
    assert {"first_historical_data" in row for row in others} == {True, False}
    assert others[0]["id"] in {row["id"] for row in data(sandbox, MAP, symbol=symbol)}


def test_a_platform_has_another_id_in_every_endpoint() -> None:
    sandbox = make_sandbox()
    tether = {"listings": data(sandbox, V3, limit=5000), "map": data(sandbox, MAP)}
    platforms = {name: next(row["platform"] for row in rows if row["id"] == 825) for name, rows in tether.items()}
    platforms["info"] = data(sandbox, INFO, id=825)["825"]["platform"]
    platforms["old info"] = data(sandbox, "/v1/cryptocurrency/info", id=825)["825"]["platform"]

    assert {name: platform["id"] for name, platform in platforms.items()} == {
        "listings": 1027, "map": 1, "info": "1027", "old info": 1027,
    }  # fmt: skip
    assert len({platform["token_address"] for platform in platforms.values()}) == 1


def test_infos_are_keyed_by_what_was_asked() -> None:
    sandbox = make_sandbox()
    by_symbol = data(sandbox, INFO, symbol="BTC")
    old = data(sandbox, "/v1/cryptocurrency/info", symbol="BTC")

    assert list(data(sandbox, INFO, id="1027,1")) == ["1027", "1"]
    assert list(data(sandbox, INFO, slug="bitcoin")) == ["bitcoin"]
    assert [coin["name"] for coin in by_symbol["BTC"]] == ["Bitcoin", "Bitcoin"]
    assert old["BTC"]["id"] == 1
    assert list(data(sandbox, INFO, id="1,999999999", skip_invalid="true")) == ["1"]
    assert data(sandbox, INFO, id="999999999", skip_invalid="true") == {}


def test_only_the_description_of_an_info_changes_as_time_goes_by() -> None:
    sandbox = make_sandbox()
    first = data(sandbox, INFO, id="1,3408")
    sandbox.clock.advance(60)
    second = data(sandbox, INFO, id="1,3408")

    assert first["1"]["description"] != second["1"]["description"]
    for info in (*first.values(), *second.values()):
        del info["description"]
        info.pop("self_reported_market_cap", None)
    assert first == second


def test_contracts_have_two_chains_of_one_coin() -> None:
    rows = data(make_sandbox(), INFO, id=3408)["3408"]["contract_address"]
    keys = [(row["contract_address"], row["platform"]["name"]) for row in rows]
    coins = [row["platform"]["coin"]["id"] for row in rows if "Avalanche" in row["platform"]["name"]]

    assert len(rows) > 100
    assert len(set(keys)) == len(keys)
    assert coins == ["5805", "5805"]


def test_coins_hold_what_breaks_naive_code() -> None:
    sandbox = make_sandbox()
    rows = data(sandbox, V3, limit=5000)
    quotes = [row["quote"][0] for row in rows]
    symbols = [row["symbol"] for row in rows]

    assert {"NAN", "INF", "TRUE", "NIL", "00", "42", "usdq", "CO,MMA", "🚀", "金狗"} <= set(symbols)
    assert symbols.count("BTC") == 2
    assert any(len(symbol) > 20 for symbol in symbols)
    assert any(row["name"] != row["name"].strip() for row in rows)
    assert max(row["circulating_supply"] for row in rows) == 6.8e26
    assert any(row["max_supply"] is None for row in rows)
    assert any(row["max_supply"] == 0 for row in rows)
    assert any(row["total_supply"] == 0 for row in rows)
    assert any(row["circulating_supply"] > row["total_supply"] > 0 for row in rows)
    assert any(row["last_updated"] < "2026-11-22" for row in rows)
    assert any(quote["percent_change_24h"] > 1e16 for quote in quotes)
    assert any(quote["volume_change_24h"] is None for quote in quotes)
    assert any(quote["market_cap"] is None for quote in quotes)
    assert any(quote["price"] == 0 for quote in quotes)
    assert any(0 < quote["price"] < 1e-8 for quote in quotes)
    assert any(quote["price"] > 1e7 for quote in quotes)
    assert {type(row["circulating_supply"]) for row in rows} == {int, float}
    assert all(math.isfinite(value) for quote in quotes for value in quote.values() if isinstance(value, float))


def pages_of(sandbox: Sandbox, category_id: str, limit: int) -> tuple[set[int], list[dict[str, Any]]]:
    counts, coins, start = set(), [], 1
    while True:
        page = data(sandbox, CATEGORY, id=category_id, start=start, limit=limit)
        counts.add(page["num_tokens"])
        coins += page["coins"]
        start += limit
        if len(page["coins"]) < limit:
            return counts, coins


@pytest.mark.parametrize("days", [0, 3, 11])
def test_a_category_has_as_many_coins_as_it_says(days: int) -> None:
    sandbox = make_sandbox("small-churn")
    sandbox.clock.advance(days * 86_400)
    listed = {row["id"] for row in data(sandbox, V3, limit=5000)}
    for category in data(sandbox, CATEGORIES):
        counts, coins = pages_of(sandbox, category["id"], 10)
        assert counts == {category["num_tokens"]} == {len({coin["id"] for coin in coins})} == {len(coins)}
        assert {coin["id"] for coin in coins} <= listed


def test_a_category_says_of_itself_what_the_list_says() -> None:
    sandbox = make_sandbox()
    listed = data(sandbox, CATEGORIES)
    alone = [data(sandbox, CATEGORY, id=category["id"], limit=1) for category in listed]

    assert [{name: category[name] for name in category if name != "coins"} for category in alone] == listed
    coin = next(category["coins"][0] for category in alone if category["coins"])
    assert (coin["is_active"], coin["is_fiat"]) == (1, 0)
    assert list(coin["quote"]) == ["USD"]


def test_categories_can_be_asked_for_by_their_coins() -> None:
    sandbox = make_sandbox()
    every = data(sandbox, CATEGORIES)
    member_of = [
        category["id"]
        for category in every
        if 1 in {coin["id"] for coin in data(sandbox, CATEGORY, id=category["id"], limit=1000)["coins"]}
    ]

    assert 0 < len(member_of) < len(every)
    for query in ({"id": "1"}, {"slug": "bitcoin"}):
        assert [category["id"] for category in data(sandbox, CATEGORIES, **query)] == member_of


def test_one_id_is_refused_in_any_request_until_the_fault_is_lifted() -> None:
    sandbox = make_sandbox()
    sandbox.faults.faults.append(parse_fault("refused_id=1027@cryptocurrency/info"))
    refused = answer(sandbox, INFO, id="1,1027")

    assert refused[0] == 400
    assert refused[1]["status"]["error_message"] == 'Invalid value for "id": "1027"'
    assert answer(sandbox, "/v1/cryptocurrency/info", id="1027")[0] == 400
    assert answer(sandbox, INFO, id="1,825")[0] == 200
    assert answer(sandbox, CATEGORIES, id="1027")[0] == 200
    sandbox.faults.faults.clear()
    assert answer(sandbox, INFO, id="1,1027")[0] == 200
    assert [entry["fault"] for entry in sandbox.served.as_json() if entry["fault"]] == [
        "refused_id=1027@cryptocurrency/info"
    ] * 2


def test_a_fault_can_aim_at_one_record_and_at_the_object_that_holds_the_records() -> None:
    sandbox = make_sandbox()
    good = data(sandbox, V3, limit=5000)
    category = max(data(sandbox, CATEGORIES), key=lambda found: int(found["num_tokens"]))["id"]
    specs = (
        "missing_field=825.price@cryptocurrency/listings/latest*1",
        "wrong_type=1.date_added@cryptocurrency/info*1",
        "missing_field=num_tokens@cryptocurrency/category*1",
    )
    sandbox.faults.faults += [parse_fault(spec) for spec in specs]
    bad = data(sandbox, V3, limit=5000)
    infos = data(sandbox, INFO, id="825,1")

    assert [new["id"] for old, new in zip(good, bad, strict=True) if old != new] == [825]
    assert "price" not in next(row for row in bad if row["id"] == 825)["quote"][0]
    assert infos["1"]["date_added"] == "many"
    assert infos["825"]["date_added"] != "many"
    assert "num_tokens" not in data(sandbox, CATEGORY, id=category)


def test_what_was_served_is_counted_in_records_and_told_by_path() -> None:
    sandbox = make_sandbox()
    category = max(data(sandbox, CATEGORIES), key=lambda found: int(found["num_tokens"]))
    data(sandbox, V1, limit=7)
    data(sandbox, INFO, id="1,825")
    data(sandbox, CATEGORY, id=category["id"], limit=1000)
    answer(sandbox, V3, limit=0)

    assert [(entry["path"], entry["endpoint"], entry["records"]) for entry in sandbox.served.as_json()] == [
        (CATEGORIES, "cryptocurrency/categories", 12),
        (V1, "cryptocurrency/listings/latest", 7),
        (INFO, "cryptocurrency/info", 2),
        (CATEGORY, "cryptocurrency/category", category["num_tokens"]),
        (V3, "cryptocurrency/listings/latest", None),
    ]
