"""Recorded answers become Silver, each as a snapshot of its own: no record is lost, every value is the recorded one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.support import expected
from tests.support.expected_wallets import wallets
from tests.support.recordings import Recording, recordings
from tests.support.transforming import Sent, at

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tests.support.transforming import Row, Transforming

EXCHANGE, CATEGORY = 270, "c3"
#: What a request says of all records of an answer.
CONSTANTS: dict[str, Row] = {
    "exchange/assets": {"exchange_id": EXCHANGE},
    "cryptocurrency/listings/latest": {"batch_index": 1},
    "cryptocurrency/category": {"category_id": CATEGORY, "page_start": 1, "is_last_page": True},
}


@dataclass(frozen=True)
class Case:
    """A Silver table, and the row it must hold for each record of its endpoint."""

    table: str
    endpoint: str
    row_of: Callable[[Row, datetime], Row]


def map_row(record: Row, snapshot: datetime) -> Row:
    row = expected.exchange_map(record, snapshot, {}, None)
    return {name: row[name] for name in ("exchange_id", "snapshot_timestamp", "is_active")}


def member(record: Row, _: datetime) -> Row:
    if "num_tokens" in record:
        return {"category_id": CATEGORY, "crypto_id": None, "crypto_name": None, "num_tokens": record["num_tokens"]}
    name = expected.text(record["name"])
    return {"category_id": CATEGORY, "crypto_id": record["id"], "crypto_name": name, "num_tokens": None}


def named(record: Row, _: datetime) -> Row:
    return {"exchange_id": record["id"], "name": expected.text(record["name"])}


def coin(record: Row, _: datetime) -> Row:
    own = {"is_inferred", "inferred_from"}  # a load knows that, not a record
    return {name: value for name, value in expected.coin_attributes(record).items() if name not in own}


CASES = (
    Case("dim_exchange_id", "exchange/map", named),
    Case("dim_exchange_map", "exchange/map", map_row),
    Case("dim_exchange_info", "exchange/info", lambda record, _: expected.exchange_attributes(record)),
    Case("fact_exchange_info", "exchange/info", expected.exchange_figures),
    Case("dim_crypto_id", "cryptocurrency/map", coin),
    Case("dim_crypto_map", "cryptocurrency/map", expected.coin_rank),
    Case("dim_crypto_info", "cryptocurrency/info", expected.coin_info),
    Case("fact_crypto_market", "cryptocurrency/listings/latest", expected.market_fact),
    Case(
        "dim_crypto_category",
        "cryptocurrency/categories",
        lambda record, _: {"category_id": record["id"], **expected.category_attributes(record)},
    ),
    Case("fact_crypto_category", "cryptocurrency/categories", expected.category_fact),
    Case("link_crypto_category", "cryptocurrency/category", member),
    Case("fact_global_market", "global-metrics/quotes/latest", expected.global_fact),
    Case("fact_market_sentiment", "fear-and-greed/latest", expected.sentiment_fact),
    Case("market_sentiment_history", "fear-and-greed/historical", lambda record, _: expected.point_fact(record)),
)
#: In these the snapshot of a row is the time of its point.
BY_POINT = "market_sentiment_history"


def fetch(transform: Transforming, endpoint: str) -> list[tuple[Recording, datetime]]:
    """Put every recording of an endpoint into Bronze, and return each with its snapshot."""
    found = [(recording, at(number)) for number, recording in enumerate(recordings(endpoint))]
    for recording, snapshot in found:
        transform.fetch(endpoint, Sent(recording.raw_data, CONSTANTS.get(endpoint, {})), snapshot=snapshot)
    return found


def cut(rows: list[Row], like: Row) -> list[Row]:
    """Return rows with the columns of another one, in its order."""
    return [{name: row[name] for name in like} for row in rows]


def in_order(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=repr)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.table)
def test_every_recorded_record_is_a_row_with_the_recorded_values(case: Case, transform: Transforming) -> None:
    answers = fetch(transform, case.endpoint)
    unit = transform.build_at_once(case.table)

    assert transform.rejected(case.table) == []
    assert unit.rows_in == unit.rows_loaded == sum(len(recording.records) for recording, _ in answers) > 0
    for recording, snapshot in answers:
        wanted = [case.row_of(record, snapshot) for record in recording.records]
        if case.table == BY_POINT:
            wanted = [{**row, "snapshot_timestamp": snapshot} for row in wanted]
        assert in_order(cut(transform.rows(case.table, snapshot), wanted[0])) == in_order(wanted), recording.name


def test_every_recorded_wallet_is_a_row_or_repeats_one(transform: Transforming) -> None:
    answers = fetch(transform, "exchange/assets")
    unit = transform.build_at_once("fact_exchange_assets")
    rows = transform.rows("fact_exchange_assets")
    of_answer = {snapshot: wallets(recording.raw_data, EXCHANGE, snapshot) for recording, snapshot in answers}

    assert unit.rows_in == sum(len(recording.records) for recording, _ in answers)
    assert unit.rows_present == sum(found.repeated for found in of_answer.values())
    assert unit.rows_quarantined == 0
    for recording, snapshot in answers:
        wanted = [as_silver(row) for row in of_answer[snapshot].rows]
        found = [dict(row) for row in rows if row["snapshot_timestamp"] == snapshot]
        assert in_order(cut(found, wanted[0]) if wanted else found) == in_order(wanted), recording.name
        if wanted:
            total = sum(row["total_usd_value"] for row in wanted)
            assert sum(row["wallet_weight"] for row in found) == pytest.approx(1, abs=1e-9)
            for row in found:
                assert row["wallet_weight"] == pytest.approx(row["total_usd_value"] / total, rel=1e-9)


def as_silver(row: Row) -> Row:
    """Return a row as Silver types it; an entry that need not be told from others is not told there."""
    return {name: value for name, value in {**row, "balance": float(row["balance"])}.items() if name != "entry"}
