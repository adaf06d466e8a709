"""The recorded real answers of every endpoint: each record is typed without a broken rule, every value as recorded.

The recordings are no part of the project, so these tests run only where they lie beside the checkout.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from cryptoelt.api.answer import Answer
from cryptoelt.api.catalogue import ENDPOINTS
from cryptoelt.api.client import CoinMarketCapClient
from cryptoelt.api.envelope import parse_envelope
from cryptoelt.api.governor import Governor
from cryptoelt.api.ledger import CreditLedger
from cryptoelt.clock import Clock, parse_iso
from cryptoelt.extract import extractors
from cryptoelt.extract.base import ExtractContext
from cryptoelt.lake.bronze import Bronze
from cryptoelt.lake.store import LocalStore
from cryptoelt.settings import ApiSettings, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

AT = datetime(2026, 11, 23, 8, 20, tzinfo=UTC)
RECORDINGS = Path(__file__).resolve().parents[3] / "shared" / "payloads"
_STATUS = b'{"timestamp":"2022-10-27T00:00:00.000Z","error_code":0,"error_message":null,"elapsed":9,"credit_count":2}'


def folder_of(endpoint: str) -> Path:
    return RECORDINGS / endpoint.replace("/", "_").replace("-", "_")


def recorded(*endpoints: str) -> list[Any]:
    """The recordings of these endpoints, as parameters of a test."""
    return [
        pytest.param(endpoint, path, id=f"{endpoint}-{path.name}")
        for endpoint in endpoints
        for path in sorted(folder_of(endpoint).glob("*.json"))
    ]


FILES = recorded(*ENDPOINTS)
pytestmark = pytest.mark.skipif(not FILES, reason=f"the recorded API answers are not on this machine ({RECORDINGS})")


@dataclass(frozen=True)
class Typed:
    """A recorded answer, and what the extractor made of it."""

    data: Any
    rows: list[dict[str, Any]]


@pytest.fixture
def context(tmp_path: Path) -> Iterator[ExtractContext]:
    settings, clock = Settings(home=tmp_path, api=ApiSettings(key=SecretStr("canary"))), Clock()
    ledger = CreditLedger(settings.metadata_dir, settings.budget, clock)
    with CoinMarketCapClient(settings, ledger, clock, run_id="run-1") as client:
        bronze = Bronze(LocalStore(tmp_path / "lake"))
        folder, extract, budget = settings.metadata_dir, settings.extract, settings.budget
        yield ExtractContext(client, bronze, clock, folder, "run-1", extract, budget, Governor(ledger))


def typed(context: ExtractContext, endpoint: str, path: Path) -> Typed:
    body = path.read_bytes()
    if path.stem.endswith("_noenvelope"):
        body = b'{"status":' + _STATUS + b',"data":' + body + b"}"
    envelope = parse_envelope(body)
    assert envelope is not None
    assert envelope.records is not None
    answer = Answer("call-1", endpoint, {}, AT, AT, envelope.records, 1, None, "sha", envelope.is_list)
    extractor = extractors()[endpoint](context)
    rows, _ = extractor.typed(answer.call_id, extractor.parse(answer), AT)
    return Typed(json.loads(body)["data"], rows.to_pylist())


def records_of(endpoint: str, data: Any) -> list[Any]:
    """Return the records of an answer, as its rows should be."""
    if endpoint == "cryptocurrency/category":
        return [{name: value for name, value in data.items() if name != "coins"}, *data["coins"]]
    if endpoint in {"exchange/info", "cryptocurrency/info"}:
        return list(data.values())
    return list(data) if isinstance(data, list) else [data]


def test_every_endpoint_has_a_recording() -> None:
    assert [endpoint for endpoint in ENDPOINTS if not any(folder_of(endpoint).glob("*.json"))] == []


@pytest.mark.parametrize(("endpoint", "path"), FILES)
def test_every_recorded_record_is_typed_as_it_was_recorded(context: ExtractContext, endpoint: str, path: Path) -> None:
    found = typed(context, endpoint, path)
    records = records_of(endpoint, found.data)

    assert [json.loads(row["raw"]) for row in found.rows] == records
    assert [row["unfit"] for row in found.rows] == [None] * len(records)
    for row, record in zip(found.rows, records, strict=True):
        for column, name in SAME.get(endpoint, {}).items():
            assert row[column] == as_typed(row[column], record.get(name)), (column, record)


#: Columns that hold what a key of the record itself says.
SAME = {
    "exchange/map": {name: name for name in ("id", "name", "slug", "is_active", "first_historical_data")},
    "exchange/info": {
        name: name
        for name in ("id", "name", "slug", "description", "notice", "date_launched", "fiats", "maker_fee", "taker_fee",
                     "weekly_visits", "spot_volume_usd", "spot_volume_last_updated")
    },
    "exchange/assets": {name: name for name in ("wallet_address", "balance")},
    "cryptocurrency/map": {name: name for name in ("id", "rank", "name", "symbol", "slug", "is_active", "status")},
    "cryptocurrency/info": {
        name: name
        for name in ("id", "name", "symbol", "slug", "category", "description", "notice", "tags", "date_added",
                     "date_launched")
    },
    "cryptocurrency/listings/latest": {
        name: name
        for name in ("id", "name", "symbol", "slug", "cmc_rank", "num_market_pairs", "tags", "max_supply",
                     "circulating_supply", "total_supply", "infinite_supply", "self_reported_market_cap")
    },
    "cryptocurrency/categories": {name: name for name in ("id", "name", "num_tokens", "market_cap", "volume_change")},
    "fear-and-greed/latest": {name: name for name in ("value", "value_classification", "update_time")},
    "fear-and-greed/historical": {name: name for name in ("timestamp", "value", "value_classification")},
    "global-metrics/quotes/latest": {name: name for name in ("btc_dominance", "active_exchanges", "last_updated")},
}  # fmt: skip


def as_typed(value: Any, sent: Any) -> Any:
    """Return what was sent, as a column of the type of `value` holds it."""
    if isinstance(value, datetime):
        return parse_iso(sent)
    return parse_iso(sent).date() if isinstance(value, date) else sent


@pytest.mark.parametrize(("endpoint", "path"), recorded("exchange/assets"))
def test_wallets_know_their_chain_and_their_coin(context: ExtractContext, endpoint: str, path: Path) -> None:
    found = typed(context, endpoint, path)
    for row, record in zip(found.rows, found.data, strict=True):
        chain, coin = record["platform"], record["currency"]
        assert (row["platform_crypto_id"], row["platform_symbol"], row["platform_name"]) == tuple(chain.values())
        assert (row["crypto_id"], row["crypto_name"]) == (coin["crypto_id"], coin["name"])
        assert (row["crypto_symbol"], row["price_usd"]) == (coin["symbol"], coin["price_usd"])
    assert len(found.rows) == 754


@pytest.mark.parametrize(("endpoint", "path"), recorded("cryptocurrency/listings/latest"))
def test_listings_of_every_version_have_their_quote_in_dollars(
    context: ExtractContext, endpoint: str, path: Path
) -> None:
    found = typed(context, endpoint, path)
    for row, record in zip(found.rows, found.data, strict=True):
        quote = record["quote"]
        sent = quote["USD"] if isinstance(quote, dict) else next(one for one in quote if one["symbol"] == "USD")
        for name in ("price", "volume_24h", "volume_change_24h", "percent_change_7d", "market_cap_dominance"):
            assert row[name] == sent.get(name)
        assert row["quote_last_updated"] == sent["last_updated"]
        assert row["platform_id"] == (record["platform"] or {}).get("id")
        assert row["price"] > 0


@pytest.mark.parametrize(("endpoint", "path"), recorded("cryptocurrency/category"))
def test_a_category_is_one_row_and_each_of_its_coins_another(
    context: ExtractContext, endpoint: str, path: Path
) -> None:
    head, *coins = typed(context, endpoint, path).rows

    assert (head["is_member"], head["num_tokens"], head["category_name"]) == (False, 16, "a16z Portfolio")
    assert [row["is_member"] for row in coins] == [True] * 4
    assert all(json.loads(row["raw"])["id"] == row["crypto_id"] for row in coins)
    assert (coins[0]["crypto_id"], coins[0]["crypto_symbol"], coins[0]["num_tokens"]) == (1, "BTC", None)


@pytest.mark.parametrize(("endpoint", "path"), recorded("exchange/info", "cryptocurrency/info"))
def test_infos_take_the_first_of_their_links(context: ExtractContext, endpoint: str, path: Path) -> None:
    found = typed(context, endpoint, path)
    for row, record in zip(found.rows, found.data.values(), strict=True):
        links = record["urls"]
        assert row["website_url"] == (links["website"] or [None])[0]
        assert row["twitter_url"] == (links["twitter"] or [None])[0]
    assert any(row["website_url"] for row in found.rows)


def test_the_recorded_maps_are_as_long_as_they_were_recorded(context: ExtractContext) -> None:
    counts = {
        path.name: len(typed(context, endpoint, path).rows)
        for endpoint in ("exchange/map", "cryptocurrency/map")
        for path in folder_of(endpoint).glob("*.json")
    }

    assert counts == {
        "2025-02-08_785rows.json": 785,
        "2020-12-02_3884rows.json": 3884,
        "2021-10-05_USDT.json": 1,
        "2026-09-26_4rows_XAU.json": 4,
    }
