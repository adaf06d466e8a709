"""The sandbox's exchanges and its fear-and-greed history: strict, priced, as odd as the real ones, and changing."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from cryptoelt.sandbox.accounts import Limits
from cryptoelt.sandbox.clock import SandboxClock
from cryptoelt.sandbox.core import Sandbox
from cryptoelt.sandbox.faults import parse_fault
from cryptoelt.sandbox.market.noise import DAY
from cryptoelt.sandbox.market.world import WORLDS, Market, World
from cryptoelt.sandbox.replies import Reply, Request
from tests.support.recordings import Recording, recordings

START = datetime(2026, 11, 23, 10, 30, 5, tzinfo=UTC)
MAP, INFO, ASSETS = "/v1/exchange/map", "/v1/exchange/info", "/v1/exchange/assets"
HISTORY = "/v3/fear-and-greed/historical"
#: Few coins, and wallets as many as the largest exchange has.
MANY_WALLETS = World(
    categories=1, churn=False, coins=60, exchanges=14, publishers=5, wallet_rows=WORLDS["full"].wallet_rows
)


def make(world: str | World = "small", seed: int = 1) -> Sandbox:
    size = WORLDS[world] if isinstance(world, str) else world
    return Sandbox(Market(seed, size), SandboxClock(START, speed=0), Limits(minute=100_000, month=1_000_000))


def ask(sandbox: Sandbox, path: str, **query: str) -> Reply:
    return sandbox.answer(Request("GET", path, list(query.items()), "sandbox"))


def data(sandbox: Sandbox, path: str, **query: str) -> Any:
    reply = ask(sandbox, path, **query)
    assert reply.http_status == 200, reply.body
    return json.loads(reply.body)["data"]


def refused(sandbox: Sandbox, path: str, **query: str) -> str:
    reply = ask(sandbox, path, **query)
    assert (reply.http_status, reply.credits) == (400, 0)
    return str(json.loads(reply.body)["status"]["error_message"])


def ids_of(sandbox: Sandbox, **query: str) -> list[str]:
    return [str(row["id"]) for row in data(sandbox, MAP, **query)]


def assets(sandbox: Sandbox) -> dict[str, list[dict[str, Any]]]:
    return {exchange: data(sandbox, ASSETS, id=exchange) for exchange in ids_of(sandbox)}


def key(row: dict[str, Any]) -> tuple[str, int, str]:
    return row["wallet_address"], row["currency"]["crypto_id"], row["platform"]["name"]


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    return "number" if isinstance(value, int | float) else type(value).__name__


# ----- exchange/map


def test_the_full_map_holds_about_978_active_exchanges_by_id_for_one_credit() -> None:
    reply = ask(make("full"), MAP)
    rows = json.loads(reply.body)["data"]
    names = Counter(row["name"] for row in rows)

    assert reply.credits == 1
    assert 965 <= len(rows) <= 990
    assert [row["id"] for row in rows] == sorted({row["id"] for row in rows})
    assert len({row["slug"] for row in rows}) == len(rows)
    assert sum(count > 1 for count in names.values()) == 2
    assert {row["is_active"] for row in rows} == {1}


def test_the_map_pages_without_hole_or_overlap() -> None:
    sandbox = make("small")
    pages = [ids_of(sandbox, start=str(start), limit="5") for start in (1, 6, 11, 16)]

    assert [len(page) for page in pages] == [5, 5, 4, 0]
    assert [row for page in pages for row in page] == ids_of(sandbox)


def test_aux_replaces_the_fields_of_the_map() -> None:
    fixed = {"id", "name", "slug", "is_listed", "is_redistributable"}
    (plain,), (chosen,) = (data(make(), MAP, limit="1", **more) for more in ({}, {"aux": "status"}))

    assert set(plain) == fixed | {"first_historical_data", "last_historical_data", "is_active"}
    assert set(chosen) == fixed | {"status"}


def test_the_map_can_be_sorted_by_volume_and_asked_by_slug() -> None:
    sandbox = make()
    by_volume = [str(row["id"]) for row in data(sandbox, MAP, sort="volume_24h")]
    infos = data(sandbox, INFO, id=",".join(by_volume))
    volumes = [infos[exchange]["spot_volume_usd"] or 0 for exchange in by_volume]

    assert volumes == sorted(volumes, reverse=True)
    assert [row["name"] for row in data(sandbox, MAP, slug="forty-two", start="9")] == ["42"]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"limit": "5001"}, "limit"), ({"start": "0"}, "start"), ({"listing_status": "open"}, "open"),
        ({"sort": "name"}, "name"), ({"aux": "urls"}, "urls"), ({"slug": "nobody"}, "nobody"), ({"ids": "1"}, "ids"),
    ],
)  # fmt: skip
def test_the_map_refuses_what_is_not_documented(query: dict[str, str], named: str) -> None:
    assert f'"{named}"' in refused(make(), MAP, **query)


def test_inactive_exchanges_are_there_only_when_asked_for() -> None:
    sandbox = make()
    active, inactive, both = (
        ids_of(sandbox, listing_status=status) for status in ("active", "inactive", "active,inactive")
    )

    assert ids_of(sandbox) == active
    assert inactive
    assert sorted(both) == sorted(active + inactive)
    assert {row["is_active"] for row in data(sandbox, MAP, listing_status="inactive,untracked")} == {0}


# ----- exchange/info


@pytest.mark.parametrize(("number", "price"), [(1, 1), (250, 1), (251, 2), (501, 3)])
def test_info_costs_one_for_each_started_250(number: int, price: int) -> None:
    sandbox = make("full")

    assert ask(sandbox, INFO, id=",".join(ids_of(sandbox, limit=str(number)))).credits == price


def test_info_is_keyed_by_what_was_asked() -> None:
    sandbox = make()
    first, second = data(sandbox, MAP, limit="2")

    assert list(data(sandbox, INFO, id=f"{second['id']},{first['id']}")) == [str(second["id"]), str(first["id"])]
    assert data(sandbox, INFO, slug=first["slug"])[first["slug"]]["id"] == first["id"]


@pytest.mark.parametrize("query", [{}, {"id": "16", "slug": "tidewater"}, {"id": "sixteen"}, {"id": "16", "skip": "1"}])
def test_info_refuses_a_request_that_makes_no_sense(query: dict[str, str]) -> None:
    assert refused(make(), INFO, **query)


def test_aux_replaces_the_fields_of_info() -> None:
    optional = {"urls", "logo", "description", "date_launched", "notice"}
    plain, chosen = (data(make(), INFO, slug="forty-two", **more)["forty-two"] for more in ({}, {"aux": "status"}))

    assert optional <= set(plain)
    assert set(chosen) == set(plain) - optional | {"status"}
    assert chosen["status"] == "active"


@pytest.mark.parametrize("seed", range(1, 5))
def test_every_world_holds_the_oddities_of_real_infos(seed: int) -> None:
    sandbox = make("small", seed)
    rows = list(data(sandbox, INFO, id=",".join(ids_of(sandbox))).values())

    for field in ("description", "date_launched", "tags", "weekly_visits", "spot_volume_usd"):
        assert any(row[field] is None for row in rows), field
        assert any(row[field] is not None for row in rows), field
    assert any(row["description"] == "" for row in rows)
    assert any(len(row["description"] or "") > 1000 and "\r\n## " in row["description"] for row in rows)
    assert any(row["maker_fee"] < 0 for row in rows)
    assert any(row["spot_volume_usd"] == 0 for row in rows)
    assert any(fiat.startswith(" ") for row in rows for fiat in row["fiats"])
    assert all(json.loads(row["porSwitch"])["auditSwitch"] == 1 for row in rows)
    assert all((row["spot_volume_usd"] is None) == (row["spot_volume_last_updated"] is None) for row in rows)


def test_the_shares_of_what_is_missing_are_those_of_the_real_list() -> None:
    sandbox = make("full")
    rows = list(data(sandbox, INFO, id=",".join(ids_of(sandbox))).values())

    def share(field: str, value: object) -> float:
        return float(sum(row[field] == value for row in rows) / len(rows))

    assert share("description", None) == pytest.approx(0.07, abs=0.025)
    assert share("description", "") == pytest.approx(0.25, abs=0.04)
    assert share("date_launched", None) == pytest.approx(0.43, abs=0.05)
    assert share("spot_volume_usd", None) == pytest.approx(0.18, abs=0.04)
    assert share("tags", None) == pytest.approx(0.33, abs=0.05)
    assert {type(row["maker_fee"]) for row in rows} == {int, float}
    assert "" in {row["type"] for row in rows}


# ----- exchange/assets


def test_assets_are_asked_for_one_exchange_and_cost_one_even_when_there_are_none() -> None:
    sandbox = make()
    replies = [ask(sandbox, ASSETS, id=exchange) for exchange in ids_of(sandbox)]

    assert {reply.credits for reply in replies} == {1}
    assert sum(json.loads(reply.body)["data"] != [] for reply in replies) == 5
    assert '"id"' in refused(sandbox, ASSETS)
    assert '"id"' in refused(sandbox, ASSETS, id=",".join(ids_of(sandbox, limit="2")))
    assert '"99999"' in refused(sandbox, ASSETS, id="99999")


def test_the_largest_exchange_has_over_a_thousand_rows_and_all_that_breaks_keys_and_numbers() -> None:
    largest = max(assets(make(MANY_WALLETS)).values(), key=len)
    keys = Counter(key(row) for row in largest)
    without_platform = Counter(key(row)[:2] for row in largest)
    wallets = {row["wallet_address"] for row in largest}
    balances = [row["balance"] for row in largest]

    assert len(largest) > 1000
    repeated = [row for row in largest if keys[key(row)] > 1]
    assert 2 <= len(largest) - len(keys) <= 6
    assert len({json.dumps(row) for row in repeated}) == len({key(row) for row in repeated}), "repeated rows are equal"
    assert 0.02 < 1 - len(without_platform) / len(largest) < 0.12
    assert len({wallet.lower() for wallet in wallets}) < len(wallets)
    assert {type(balance) for balance in balances} == {int, float}
    assert any(isinstance(balance, int) and 2**53 < balance < 2**63 for balance in balances)
    assert any(isinstance(balance, int) and balance > 2**63 for balance in balances)


def test_one_address_on_several_chains_is_in_every_published_list() -> None:
    for rows in assets(make()).values():
        chains = Counter(wallet for wallet, _ in {(row["wallet_address"], row["platform"]["name"]) for row in rows})
        assert not rows or max(chains.values()) > 1


def test_coins_in_wallets_are_those_of_the_market_at_its_prices_but_for_inactive_ones() -> None:
    sandbox = make()
    listed = {coin["id"]: coin for coin in data(sandbox, "/v3/cryptocurrency/listings/latest", limit="5000")}
    rows = [row for found in assets(sandbox).values() for row in found]
    strange = {row["currency"]["crypto_id"] for row in rows} - set(listed)
    known = [row for row in rows if row["currency"]["crypto_id"] in listed]

    assert strange <= {coin["id"] for coin in data(sandbox, "/v1/cryptocurrency/map", listing_status="inactive")}
    assert strange
    assert {row["platform"]["crypto_id"] for row in rows} <= set(listed)
    for row in known:
        coin = listed[row["currency"]["crypto_id"]]
        assert (row["currency"]["name"], row["currency"]["symbol"]) == (coin["name"], coin["symbol"])
        # a listing is a few minutes younger, and rounds a large price to a whole number now and then
        assert row["currency"]["price_usd"] == pytest.approx(coin["quote"][0]["price"], rel=0.01)


# ----- fear-and-greed


def test_the_history_is_a_point_a_day_since_june_2023_newest_first_over_three_pages() -> None:
    sandbox = make()
    pages = [data(sandbox, HISTORY, start=str(start), limit="500") for start in (1, 501, 1001, 1501)]
    days = [int(row["timestamp"]) for page in pages for row in page]

    assert [len(page) for page in pages] == [500, 500, 243, 0]
    assert all(isinstance(row["timestamp"], str) for page in pages for row in page)
    assert {newer - older for newer, older in pairwise(days)} == {DAY}
    assert datetime.fromtimestamp(days[-1], UTC) == datetime(2023, 6, 29, tzinfo=UTC)
    assert datetime.fromtimestamp(days[0], UTC) == datetime(2026, 11, 22, tzinfo=UTC)


def test_the_history_has_50_points_unless_more_are_asked_for_and_costs_one() -> None:
    replies = [ask(make(), HISTORY, **query) for query in ({}, {"limit": "500"})]

    assert [len(json.loads(reply.body)["data"]) for reply in replies] == [50, 500]
    assert [reply.credits for reply in replies] == [1, 1]
    assert '"limit"' in refused(make(), HISTORY, limit="501")


def test_a_point_of_the_history_never_changes() -> None:
    sandbox = make("small-churn")
    before = data(sandbox, HISTORY, limit="100")
    sandbox.clock.advance(DAY)

    assert data(sandbox, HISTORY, limit="101")[1:] == before


# ----- change


def daily(sandbox: Sandbox, days: int) -> list[dict[str, tuple[dict[str, Any], list[Any]]]]:
    """Return info and assets of every active exchange, once a day."""
    found = []
    for _ in range(days):
        infos = data(sandbox, INFO, id=",".join(ids_of(sandbox)))
        found.append({exchange: (info, data(sandbox, ASSETS, id=exchange)) for exchange, info in infos.items()})
        sandbox.clock.advance(DAY)
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_every_kind_of_change_is_seen_within_a_week_of_the_small_world_with_churn(seed: int) -> None:
    seen = daily(make("small-churn", seed), 8)
    kinds: Counter[str] = Counter()
    for day, (before, after) in enumerate(pairwise(seen)):
        ever = set().union(*seen[: day + 1])
        kinds["opened"] += len(after.keys() - ever)
        kinds["came back"] += len((after.keys() & ever) - before.keys())
        kinds["closed"] += len(before.keys() - after.keys())
        for exchange in before.keys() & after.keys():
            (old, had), (new, has) = before[exchange], after[exchange]
            kinds["renamed"] += old["name"] != new["name"]
            kinds["rewritten"] += old["name"] == new["name"] and old["description"] != new["description"]
            kinds["fees"] += (old["maker_fee"], old["taker_fee"]) != (new["maker_fee"], new["taker_fee"])
            kinds["visits"] += old["weekly_visits"] != new["weekly_visits"]
            kinds["volume"] += old["spot_volume_usd"] != new["spot_volume_usd"]
            kinds["volume no longer told"] += old["spot_volume_usd"] is not None and new["spot_volume_usd"] is None
            kinds["began to publish"] += not had and bool(has)
            kinds["ceased to publish"] += bool(had) and not has
            kinds["wallets"] += bool(had and has) and {key(row) for row in had} != {key(row) for row in has}

    assert all(kinds.values()), kinds
    assert len(kinds) == 12


def test_nothing_but_values_changes_in_the_small_world_without_churn() -> None:
    first, *_, last = daily(make("small"), 12)

    assert first.keys() == last.keys()
    for exchange, (info, rows) in first.items():
        later, rows_later = last[exchange]
        still = set(info) - {"spot_volume_usd", "spot_volume_last_updated", "weekly_visits"}
        assert {name: info[name] for name in still} == {name: later[name] for name in still}
        assert [key(row) for row in rows] == [key(row) for row in rows_later]


def test_the_same_seed_and_time_give_the_same_answers_however_the_clock_got_there() -> None:
    walked, jumped = make("small-churn"), make("small-churn")
    daily(walked, 5)
    jumped.clock.advance(5 * DAY)

    assert daily(walked, 1) == daily(jumped, 1)
    assert daily(make("small-churn", 2), 1) != daily(make("small-churn"), 1)


def test_an_exchange_that_has_closed_refuses_its_batch_and_is_named() -> None:
    sandbox = make("small-churn")
    before = ids_of(sandbox)
    gone: set[str] = set()
    while not gone:
        sandbox.clock.advance(DAY)
        gone = set(before) - set(ids_of(sandbox))
    closed = min(gone)

    assert closed in ids_of(sandbox, listing_status="inactive")
    assert f'"{closed}"' in refused(sandbox, INFO, id=f"{ids_of(sandbox)[0]},{closed}")
    assert f'"{closed}"' in refused(sandbox, ASSETS, id=closed)


def test_one_that_closed_long_ago_can_still_be_asked_for_and_tells_little() -> None:
    sandbox = make()
    (old, *_) = ids_of(sandbox, listing_status="inactive")
    info = data(sandbox, INFO, id=old)[old]

    assert [info[field] for field in ("description", "tags", "spot_volume_usd", "weekly_visits")] == [None] * 4
    assert data(sandbox, ASSETS, id=old) == []


def test_whom_the_map_names_can_be_asked_at_once() -> None:
    sandbox = make("small-churn")
    for _ in range(120):
        sandbox.clock.advance(DAY / 24 + 67)
        for exchange in ids_of(sandbox):
            data(sandbox, ASSETS, id=exchange)


# ----- faults


def publisher(sandbox: Sandbox) -> str:
    return next(exchange for exchange, rows in assets(sandbox).items() if rows)


@pytest.mark.parametrize("path", [MAP, INFO, ASSETS, HISTORY])
@pytest.mark.parametrize(
    "kind", ["wrong_type", "missing_field", "unknown_field", "nan_token", "nul_in_text", "empty_data", "no_data"]
)
def test_faults_of_the_data_strike_once(path: str, kind: str) -> None:
    sandbox = make()
    query = {INFO: {"id": ",".join(ids_of(sandbox))}, ASSETS: {"id": publisher(sandbox)}}.get(path, {})
    good = ask(sandbox, path, **query)
    sandbox.faults.faults.append(parse_fault(f"{kind}@{path.removeprefix('/v1/').removeprefix('/v3/')}*1"))
    bad, after = ask(sandbox, path, **query), ask(sandbox, path, **query)

    assert bad.http_status == 200
    assert json.loads(bad.body).get("data") != json.loads(good.body)["data"]
    assert json.loads(after.body)["data"] == json.loads(good.body)["data"]


@pytest.mark.parametrize("path", [MAP, ASSETS, HISTORY])
@pytest.mark.parametrize("kind", ["duplicate_record", "conflicting_duplicate", "null_record"])
def test_faults_of_records_strike_the_lists(path: str, kind: str) -> None:
    sandbox = make()
    query = {"id": publisher(sandbox)} if path == ASSETS else {}
    good = data(sandbox, path, **query)
    sandbox.faults.faults.append(parse_fault(f"{kind}*1"))

    assert len(data(sandbox, path, **query)) == len(good) + 1


def test_an_id_that_is_refused_costs_every_request_that_holds_it_and_no_other() -> None:
    sandbox = make()
    first, second, third = ids_of(sandbox, limit="3")
    sandbox.faults.faults.append(parse_fault(f"refused_id={second}"))

    assert f'"{second}"' in refused(sandbox, INFO, id=f"{first},{second},{third}")
    assert f'"{second}"' in refused(sandbox, ASSETS, id=second)
    assert list(data(sandbox, INFO, id=f"{first},{third}")) == [first, third]
    assert data(sandbox, ASSETS, id=first) is not None


# ----- the recorded answers

PATHS = {"exchange/map": MAP, "exchange/info": INFO, "exchange/assets": ASSETS, "fear-and-greed/historical": HISTORY}
#: Of the shape that the sandbox has.
OF_DAYS = ("2024-01-19", "2025-02-08")


@pytest.mark.parametrize(
    "recording", [one for one in recordings(*PATHS) if one.day in OF_DAYS], ids=lambda recording: recording.name
)
def test_records_have_the_fields_and_types_of_the_recorded_ones(recording: Recording) -> None:
    sandbox, path = make(), PATHS[recording.endpoint]
    query = {INFO: {"id": ids_of(sandbox, listing_status="inactive")[0]}, ASSETS: {"id": publisher(sandbox)}}
    ours = json.loads(ask(sandbox, path, **query.get(path, {})).body)
    our_row = next(iter(ours["data"].values())) if path == INFO else ours["data"][0]
    real_row = recording.records[-1] if path == INFO else recording.records[0]

    def may_be_null(row: dict[str, Any]) -> dict[str, Any]:
        return {name: shape(value) for name, value in row.items() if value is not None and name != "date_launched"}

    assert list(our_row) == list(real_row)
    assert may_be_null(our_row) == may_be_null(real_row)
    assert shape(ours["status"]) == shape(json.loads(recording.body)["status"])
