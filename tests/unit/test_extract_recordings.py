"""The recorded answers of every endpoint: each record is typed without a broken rule, every value as recorded."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
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
from tests.support.making import texts
from tests.support.recordings import NO_REAL, REAL, SMALL, Recording, folder_of, recordings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from _pytest.mark import ParameterSet

Row = dict[str, Any]
AT = datetime(2026, 11, 23, 8, 20, tzinfo=UTC)


def recorded(*endpoints: str) -> list[ParameterSet]:
    """The recordings of these endpoints, as parameters of a test."""
    return [pytest.param(recording, id=recording.name) for recording in recordings(*endpoints)]


@pytest.fixture
def context(tmp_path: Path) -> Iterator[ExtractContext]:
    settings, clock = Settings(home=tmp_path, api=ApiSettings(key=SecretStr("canary"))), Clock()
    ledger = CreditLedger(settings.metadata_dir, settings.budget, clock)
    with CoinMarketCapClient(settings, ledger, clock, run_id="run-1") as client:
        bronze = Bronze(LocalStore(tmp_path / "lake"))
        folder, extract, budget = settings.metadata_dir, settings.extract, settings.budget
        yield ExtractContext(client, bronze, clock, folder, "run-1", extract, budget, Governor(ledger))


def typed(context: ExtractContext, recording: Recording) -> list[Row]:
    """Return the rows that the extractor makes of a recorded answer."""
    envelope = parse_envelope(recording.body)
    assert envelope is not None
    assert envelope.records is not None
    answer = Answer("call-1", recording.endpoint, {}, AT, AT, envelope.records, 1, None, "sha", envelope.is_list)
    extractor = extractors()[recording.endpoint](context)
    # An exchange without wallets answers with an empty list; of every other endpoint it is no answer.
    records = answer.records if recording.endpoint == "exchange/assets" else extractor.parse(answer)
    rows, _ = extractor.typed(answer.call_id, records, AT)
    return rows.to_pylist()


def test_the_small_set_is_as_its_maker_writes_it_and_has_every_endpoint() -> None:
    written = {str(path.relative_to(SMALL)): path.read_text(encoding="utf-8") for path in SMALL.rglob("*.json")}
    assert written == texts(), "run `python -m tests.support.making`"
    assert [endpoint for endpoint in ENDPOINTS if not any(not one.is_real for one in recordings(endpoint))] == []


@pytest.mark.skipif(not REAL.is_dir(), reason=NO_REAL)
def test_every_endpoint_has_a_real_recording_and_every_folder_is_read() -> None:
    assert [endpoint for endpoint in ENDPOINTS if not any(one.is_real for one in recordings(endpoint))] == []
    others = {"datasets", "errors", "extra_fiat_map", "key_info", "sandbox"}
    folders = {path.name for path in REAL.iterdir() if path.is_dir()}
    assert folders - others == {folder_of(endpoint) for endpoint in ENDPOINTS}


@pytest.mark.parametrize("recording", recorded(*ENDPOINTS))
def test_every_recorded_record_is_typed_as_it_was_recorded(context: ExtractContext, recording: Recording) -> None:
    rows, records = typed(context, recording), recording.records

    assert [json.loads(row["raw"]) for row in rows] == records
    assert [row["unfit"] for row in rows] == [None] * len(records)
    for row, record in zip(rows, records, strict=True):
        for column, name in SAME.get(recording.endpoint, {}).items():
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


@pytest.mark.parametrize("recording", recorded("exchange/assets"))
def test_wallets_know_their_chain_and_their_coin(context: ExtractContext, recording: Recording) -> None:
    for row, record in zip(typed(context, recording), recording.records, strict=True):
        chain, coin = record["platform"], record["currency"]
        assert {name: row[f"platform_{name}"] for name in chain} == chain
        assert {name: row[name if name in row else f"crypto_{name}"] for name in coin} == coin


@pytest.mark.parametrize("recording", recorded("cryptocurrency/listings/latest"))
def test_listings_of_every_version_have_their_quote_in_dollars(context: ExtractContext, recording: Recording) -> None:
    for row, record in zip(typed(context, recording), recording.records, strict=True):
        quote = record["quote"]
        sent = quote["USD"] if isinstance(quote, dict) else next(one for one in quote if one["symbol"] == "USD")
        for name in ("price", "volume_24h", "volume_change_24h", "percent_change_7d", "market_cap_dominance"):
            assert row[name] == sent.get(name)
        assert row["quote_last_updated"] == sent["last_updated"]
        assert row["platform_id"] == (record["platform"] or {}).get("id")
        assert row["price"] > 0


@pytest.mark.parametrize("recording", recorded("cryptocurrency/category"))
def test_a_category_is_one_row_and_each_of_its_coins_another(context: ExtractContext, recording: Recording) -> None:
    head, *coins = typed(context, recording)

    assert head["is_member"] is False
    assert (head["num_tokens"], head["category_name"]) == (recording.data["num_tokens"], recording.data["name"])
    assert [row["is_member"] for row in coins] == [True] * len(recording.data["coins"])
    for row, coin in zip(coins, recording.data["coins"], strict=True):
        assert (row["crypto_id"], row["crypto_symbol"], row["num_tokens"]) == (coin["id"], coin["symbol"], None)
    assert coins


@pytest.mark.parametrize("recording", recorded("exchange/info", "cryptocurrency/info"))
def test_infos_take_the_first_of_their_links(context: ExtractContext, recording: Recording) -> None:
    rows = typed(context, recording)
    for row, record in zip(rows, recording.records, strict=True):
        links = record["urls"]
        assert row["website_url"] == (links["website"] or [None])[0]
        assert row["twitter_url"] == (links["twitter"] or [None])[0]
    assert any(row["website_url"] for row in rows)


@pytest.mark.skipif(not REAL.is_dir(), reason=NO_REAL)
def test_recordings_are_as_long_as_their_names_say(context: ExtractContext) -> None:
    told = [(one, re.search(r"_(\d+)(of\d+)?(rows|exchanges)", one.name)) for one in recordings(*ENDPOINTS)]
    lengths = {one.name: (len(typed(context, one)), int(said[1])) for one, said in told if said is not None}

    assert len(lengths) >= 25
    assert {name: length for name, length in lengths.items() if length[0] != length[1]} == {}
