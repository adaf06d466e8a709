"""Real recorded answers become Silver: no record is lost, and every value is the one that was recorded.

The recordings are not part of the project (they are not ours to publish), so these tests run only where they lie beside
the checkout.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cryptoelt.extract.fields import BLANKS
from tests.support.expected import address
from tests.support.transforming import Row, Sent, sent

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.transforming import Transforming

RECORDINGS = Path(__file__).resolve().parents[3] / "shared" / "payloads"

pytestmark = pytest.mark.skipif(
    not RECORDINGS.is_dir(), reason=f"the recorded API answers are not on this machine ({RECORDINGS})"
)


def recorded(path: str) -> Any:
    """Return `data` of a recorded answer; some were recorded without their envelope."""
    content = json.loads((RECORDINGS / path).read_text(encoding="utf-8"))
    return content["data"] if isinstance(content, dict) and "data" in content else content


def text(value: str | None) -> str | None:
    return None if value is None else value.strip(BLANKS) or None


def first(urls: dict[str, list[str]], name: str) -> str | None:
    return text(next(iter(urls.get(name) or []), None))


def day(moment: str | None) -> date | None:
    return None if moment is None else datetime.fromisoformat(moment).date()


def exchange_id(record: Row) -> Row:
    return {"exchange_id": record["id"], "name": text(record["name"])}


def exchange_map(record: Row) -> Row:
    return {"exchange_id": record["id"], "is_active": bool(record["is_active"])}


def exchange_info(record: Row) -> Row:
    launched = record["date_launched"]
    return {
        "exchange_id": record["id"],
        "slug": record["slug"],
        "description": text(record["description"]),
        "date_launched": launched and f"{datetime.fromisoformat(launched):%Y-%m-%d %H:%M:%S}",
        "logo_url": record["logo"],
        **{f"{name}_url": first(record["urls"], name) for name in ("website", "twitter", "blog", "fee")},
        "fiats": [fiat.strip(BLANKS) for fiat in record["fiats"]],
    }


def exchange_figures(record: Row) -> Row:
    names = ("maker_fee", "taker_fee", "weekly_visits", "spot_volume_usd")
    return {"exchange_id": record["id"], **{name: record[name] for name in names}}


def assets(record: Row) -> Row:
    balance, price = record["balance"], record["currency"]["price_usd"]
    return {
        "exchange_id": 270,
        "blockchain_name": text(record["platform"]["name"]),
        "blockchain_symbol": text(record["platform"]["symbol"]),
        "wallet_address": address(record["wallet_address"]),
        "crypto_id": record["currency"]["crypto_id"],
        "balance": float(balance),
        "currency_price_usd": price,
        "total_usd_value": float(balance) * price,
    }


def coin_id(record: Row) -> Row:
    platform = record.get("platform") or {}
    return {
        "crypto_id": record["id"],
        **{name: text(record[name]) for name in ("name", "symbol", "slug")},
        **{f"platform_{name}": platform.get(name) for name in ("id", "name", "symbol", "token_address")},
    }


def coin_map(record: Row) -> Row:
    names = ("rank", "is_active", "last_historical_data")
    return {"crypto_id": record["id"], **{name: record.get(name) for name in names}}


def coin_info(record: Row) -> Row:
    urls = record["urls"]
    links = ("website", "technical_doc", "explorer", "source_code", "twitter")
    return {
        "crypto_id": record["id"],
        "slug": record["slug"],
        "date_added": day(record.get("date_added")),
        "date_launched": day(record.get("date_launched")),
        "category": record["category"],
        "tags": record["tags"],
        "description": text(record["description"]),
        "logo_url": record["logo"],
        **{f"{name}_url": first(urls, name) for name in links},
        "crypto_name": record["name"],
        "crypto_symbol": record["symbol"],
    }


def listed(record: Row) -> Row:
    quotes = record["quote"]
    quote = quotes["USD"] if isinstance(quotes, dict) else next(item for item in quotes if item["symbol"] == "USD")
    same = ("cmc_rank", "num_market_pairs", "circulating_supply", "total_supply", "max_supply", "infinite_supply")
    reported = ("self_reported_market_cap", "self_reported_circulating_supply")
    renamed = ("price", "volume_24h", "percent_change_1h", "percent_change_24h", "percent_change_7d", "market_cap")
    newer = ("market_cap_dominance", "fully_diluted_market_cap")
    cap, volume = quote["market_cap"], quote["volume_24h"]
    return {
        "crypto_id": record["id"],
        **{name: record.get(name) for name in (*same, *reported)},
        "platform_id": (record.get("platform") or {}).get("id"),
        **{f"{name}_usd": quote.get(name) for name in (*renamed, *newer)},
        "volume_change_24h": quote.get("volume_change_24h"),
        "last_updated_usd": quote["last_updated"],
        "volume_to_market_cap_ratio": volume / cap if cap else None,
    }


def observed(record: Row) -> Row:
    return {"category_id": "c", "crypto_id": record["id"], "crypto_name": record["name"], "num_tokens": None}


def point(record: Row) -> Row:
    moment = datetime.fromtimestamp(int(record["timestamp"]), UTC)
    return {
        "value_timestamp": moment,
        "snapshot_str": f"{moment:%Y-%m-%d}",
        "fear_greed_score": record["value"],
        "sentiment_label": record["value_classification"],
    }


def values(data: Any) -> list[Row]:
    """Return the records of an answer that is a list, or an object of records or of lists of records."""
    if isinstance(data, list):
        return data
    found = list[Row]()
    for member in data.values():
        found += member if isinstance(member, list) else [member]
    return found


MAP_OF_COINS = "cryptocurrency_map/2020-12-02_3884rows.json"
V1, V3 = "cryptocurrency_listings_latest/v1_", "cryptocurrency_listings_latest/v3_2026-09-26_5of50rows.json"
PAGES = (f"{V1}2025-02-08_100rows.json", f"{V1}2019-08-14_10rows.json", f"{V1}2020-01-11_100rows.json", V3)
INFOS = ("v1_2021-10-07_USDT.json", "v2_2022-11-25_BTC.json", "v2_2026-09-25_XLM.json")


@pytest.mark.parametrize(
    ("table", "endpoint", "paths", "expected"),
    [
        ("dim_exchange_id", "exchange/map", ["exchange_map/2025-02-08_785rows.json"], exchange_id),
        ("dim_exchange_map", "exchange/map", ["exchange_map/2025-02-08_785rows.json"], exchange_map),
        ("dim_exchange_info", "exchange/info", ["exchange_info/2024-01-19_2exchanges.json"], exchange_info),
        ("fact_exchange_info", "exchange/info", ["exchange_info/2024-01-19_2exchanges.json"], exchange_figures),
        ("fact_exchange_assets", "exchange/assets", ["exchange_assets/2024-01-19_754rows.json"], assets),
        ("dim_crypto_id", "cryptocurrency/map", [MAP_OF_COINS], coin_id),
        ("dim_crypto_map", "cryptocurrency/map", [MAP_OF_COINS], coin_map),
        ("dim_crypto_info", "cryptocurrency/info", [f"cryptocurrency_info/{name}" for name in INFOS], coin_info),
        *(("fact_crypto_market", "cryptocurrency/listings/latest", [path], listed) for path in PAGES),
        (
            "market_sentiment_history",
            "fear-and-greed/historical",
            ["fear_and_greed_historical/2025-02-08_50rows.json"],
            point,
        ),
    ],
)
def test_every_recorded_record_is_a_row_with_the_recorded_values(
    table: str, endpoint: str, paths: list[str], expected: Callable[[Row], Row], transform: Transforming
) -> None:
    constants = {"exchange/assets": {"exchange_id": 270}, "cryptocurrency/listings/latest": {"batch_index": 1}}
    answers = [recorded(path) for path in paths]
    transform.fetch(endpoint, *(sent(data, **constants.get(endpoint, {})) for data in answers))
    unit = transform.build(table)

    assert transform.rejected(table) == []
    rows = transform.rows(table)
    wanted = [expected(record) for data in answers for record in values(data)]
    assert unit.rows_in == unit.rows_loaded == len(rows) == len(wanted) > 0
    assert sorted(cut(rows, wanted[0]), key=repr) == sorted(wanted, key=repr)


def cut(rows: list[Row], like: Row) -> list[Row]:
    """Return rows with the columns of another one, in its order."""
    return [{name: row[name] for name in like} for row in rows]


def test_the_recorded_members_of_a_category_are_rows_beside_its_page(transform: Transforming) -> None:
    data = recorded("cryptocurrency_category/2022-08-03_a16z_4coins_noenvelope.json")
    page = Sent(json.dumps(data), {"category_id": "c", "page_start": 1, "is_last_page": True})
    transform.fetch("cryptocurrency/category", page)

    assert transform.build("link_crypto_category").rows_loaded == 5
    rows = transform.rows("link_crypto_category")
    wanted = [observed(record) for record in data["coins"]]
    page_row = {"category_id": "c", "crypto_id": None, "crypto_name": None, "num_tokens": data["num_tokens"]}
    assert sorted(cut(rows, wanted[0]), key=repr) == sorted([*wanted, page_row], key=repr)


def test_the_shares_of_recorded_wallets_add_up(transform: Transforming) -> None:
    data = recorded("exchange_assets/2024-01-19_754rows.json")
    transform.fetch("exchange/assets", sent(data, exchange_id=270))
    transform.build("fact_exchange_assets")

    rows = transform.rows("fact_exchange_assets")
    total = sum(row["total_usd_value"] for row in rows)
    assert total > 1e9
    assert sum(row["wallet_weight"] for row in rows) == pytest.approx(1, abs=1e-12)
    for row in rows:
        assert row["wallet_weight"] == pytest.approx(row["total_usd_value"] / total, rel=1e-12)
