"""From an answer's records to a Bronze table: typed columns beside the raw text, and whether all of it is clean."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from cryptoelt.api.answer import Answer, RawRecord
from cryptoelt.api.catalogue import ENDPOINTS, Shape
from cryptoelt.api.client import CoinMarketCapClient
from cryptoelt.api.governor import Governor
from cryptoelt.api.ledger import CreditLedger
from cryptoelt.clock import Clock
from cryptoelt.errors import AnswerError
from cryptoelt.extract import extractors
from cryptoelt.extract.base import BaseExtractor, ExtractContext
from cryptoelt.lake.bronze import COMMON_FIELDS, Bronze
from cryptoelt.lake.store import LocalStore
from cryptoelt.settings import ApiSettings, Settings
from cryptoelt.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AT = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
CATEGORIES, SENTIMENT, GLOBAL = "cryptocurrency/categories", "fear-and-greed/latest", "global-metrics/quotes/latest"


@pytest.fixture
def context(tmp_path: Path) -> Iterator[ExtractContext]:
    settings, clock = Settings(home=tmp_path, api=ApiSettings(key=SecretStr("canary"))), Clock()
    ledger = CreditLedger(settings.metadata_dir, settings.budget, clock)
    with CoinMarketCapClient(settings, ledger, clock, run_id="run-1") as client:
        bronze = Bronze(LocalStore(tmp_path / "lake"))
        folder, extract, budget = settings.metadata_dir, settings.extract, settings.budget
        yield ExtractContext(client, bronze, clock, folder, "run-1", extract, budget, Governor(ledger))


def answer(endpoint: str, data: list[str], *, is_list: bool) -> Answer:
    records = [RawRecord(json.loads(raw), raw) for raw in data]
    return Answer("call-1", endpoint, {}, AT, AT, records, 1, None, "sha", is_list)


def typed(context: ExtractContext, endpoint: str, *data: str) -> tuple[dict[str, list[Any]], bool]:
    """Return the columns of a table made of these records, and whether they are clean."""
    extractor = extractors()[endpoint](context)
    sent = answer(endpoint, list(data), is_list=extractor.endpoint.shape is Shape.LIST)
    rows, clean = extractor.typed(sent.call_id, sent.records, AT)
    return rows.to_pydict(), clean


def category(**fields: Any) -> str:
    return json.dumps({"id": "c1", "name": "One", "num_tokens": 3, "market_cap": 1.5, **fields})


def test_every_endpoint_of_the_catalogue_has_its_extractor() -> None:
    assert set(extractors()) == set(ENDPOINTS)
    assert {table.endpoint for table in TABLES.values()} <= set(ENDPOINTS)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_no_extractor_names_a_column_twice(endpoint: str) -> None:
    extractor: type[BaseExtractor] = extractors()[endpoint]
    names = [*(field.name for field in COMMON_FIELDS), *(column.name for column in extractor.columns)]

    assert len(names) == len(set(names))
    assert set(extractor.key) <= set(names)


def test_each_record_keeps_its_raw_text_beside_its_typed_values(context: ExtractContext) -> None:
    raw = '{"id" : "c1",\t"market_cap": 6.80e26, "num_tokens":2, "unknown_today": [1, {"a": null}]}'
    rows, clean = typed(context, CATEGORIES, raw, category(id="c2"))

    assert rows["raw"] == [raw, category(id="c2")]
    assert rows["snapshot_timestamp"] == [AT, AT]
    assert rows["call_id"] == ["call-1", "call-1"]
    assert rows["record_number"] == [0, 1]
    assert rows["id"] == ["c1", "c2"]
    assert rows["market_cap"] == [6.8e26, 1.5]
    assert rows["num_tokens"] == [2, 3]
    assert rows["name"] == [None, "One"]
    assert rows["unfit"] == [None, None]
    assert clean


def test_a_value_that_does_not_fit_is_null_and_named_and_the_others_stay(context: ExtractContext) -> None:
    broken = category(id="c2", market_cap="1.5", num_tokens=True, volume=float("nan"), name="N\0L")
    rows, clean = typed(context, CATEGORIES, category(), broken)

    assert rows["market_cap"] == [1.5, None]
    assert rows["name"] == ["One", "N\0L"]
    assert rows["unfit"][0] is None
    assert sorted(rows["unfit"][1]) == [
        "market_cap=wrong_type",
        "name=nul_in_text",
        "num_tokens=wrong_type",
        "volume=non_finite",
    ]
    assert not clean


@pytest.mark.parametrize(
    ("second", "clean"),
    [
        (category(id="c2"), True),
        (category(id="C1"), True),
        (category(id="c2", name=None), True),
        (category(), False),
        (category(market_cap=2.0), False),
        (category(id=" c1\n"), False),
        (category(id=None), False),
        (category(id=""), False),
        (category(id=" \t"), False),
        (category(id=1), False),
        (json.dumps({"name": "no key"}), False),
        (category(id="c2", name="a\0b"), False),
        (r'{"id":"c2","name":"half \ud83d of a pair"}', False),
        ("null", False),
        ('"record"', False),
        ("[]", False),
        ("{}", False),
    ],
)
def test_an_answer_is_clean_where_every_record_has_its_own_key_and_every_field_fits(
    context: ExtractContext, second: str, clean: bool
) -> None:
    rows, found = typed(context, CATEGORIES, category(), second)

    assert found is clean
    assert len(rows["raw"]) == 2


def test_an_answer_of_one_record_needs_no_key(context: ExtractContext) -> None:
    _, clean = typed(
        context, SENTIMENT, '{"value":40,"value_classification":"Fear","update_time":"2026-11-23T10:00:00Z"}'
    )
    assert clean
    _, clean = typed(context, SENTIMENT, '{"value":"40"}')
    assert not clean


def test_a_missing_part_of_the_global_answer_is_null_and_a_misplaced_one_is_named(context: ExtractContext) -> None:
    rows, clean = typed(context, GLOBAL, '{"btc_dominance":50.5,"quote":{"USD":{"total_market_cap":3e12}}}')
    assert (rows["btc_dominance"], rows["total_market_cap"], rows["altcoin_market_cap"]) == ([50.5], [3e12], [None])
    assert clean

    rows, clean = typed(context, GLOBAL, '{"btc_dominance":50.5,"quote":"USD","tracked_yearly_number":null}')
    assert (rows["btc_dominance"], rows["total_market_cap"], rows["max_incremental_number"]) == ([50.5], [None], [None])
    assert "total_market_cap=wrong_type" in rows["unfit"][0]
    assert not clean


@pytest.mark.parametrize(
    ("endpoint", "data", "is_list", "message"),
    [
        (CATEGORIES, ["{}"], False, "a list was expected"),
        (CATEGORIES, [], True, "without a single record"),
        (SENTIMENT, ['{"value":1}'], True, "a single record was expected"),
        (SENTIMENT, ["{}"], False, "without a single record"),
        (SENTIMENT, ["null"], False, "without a single record"),
    ],
)
def test_an_answer_of_another_shape_or_without_a_record_is_refused_and_named(
    context: ExtractContext, endpoint: str, data: list[str], is_list: bool, message: str
) -> None:
    with pytest.raises(AnswerError, match=message) as caught:
        list(extractors()[endpoint](context).parse(answer(endpoint, data, is_list=is_list)))

    assert endpoint in caught.value.message
    assert "call-1" in caught.value.message


def test_good_answers_are_taken_whole(context: ExtractContext) -> None:
    sent = answer(CATEGORIES, [category(), "null"], is_list=True)

    assert list(extractors()[CATEGORIES](context).parse(sent)) == sent.records
