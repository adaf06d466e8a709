"""What each table rejects, and only what concerns it; the tables of one call are judged apart."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.transforming import Sent, sent

if TYPE_CHECKING:
    from tests.support.transforming import Row, Transforming

NAN = float("nan")


@dataclass(frozen=True)
class Case:
    """Fields that spoil a record of one table.

    Attributes:
        wrong_type: a field and what it cannot be.
        text: a text field; None where the table has none.
        number: a field of a figure; None where the table has none.
        value: a field and another value than that of the good record.
        unread: a field that the table is not made from, and a wrong value.
    """

    table: str
    endpoint: str
    wrong_type: Row
    text: str | None
    number: str | None
    value: Row
    unread: Row
    is_keyed: bool = False

    def records(self) -> list[tuple[str, Row]]:
        """Return records and the rule that each breaks, "" for none; all but one have an id of their own."""
        spoiled: list[tuple[str, Row]] = [
            ("wrong_type", self.wrong_type),
            ("wrong_type", {"id": "1"}),
            ("missing_key", {"id": None}),
            ("", self.unread),
            ("conflicting_duplicate", {"id": 99, **self.value}),
            ("", {"id": 99}),
        ]
        if self.text is not None:
            spoiled += [("nul_in_text", {self.text: "a\0b"}), ("wrong_type", {self.text: "\ud83d"})]
        if self.number is not None:
            spoiled += [("non_finite", {self.number: NAN}), ("non_finite", {self.number: float("-inf")})]
        return [(rule, {"id": number, **fields}) for number, (rule, fields) in enumerate(spoiled, start=1)]


EXCHANGES, EXCHANGE_INFO = "exchange/map", "exchange/info"
COINS, COIN_INFO, LISTINGS = "cryptocurrency/map", "cryptocurrency/info", "cryptocurrency/listings/latest"
CASES = (
    Case("dim_exchange_id", EXCHANGES, {"name": 1}, "name", None, {"name": "b"}, {"is_active": "yes"}),
    Case("dim_exchange_map", EXCHANGES, {"is_active": True}, None, "is_active", {"is_active": 0}, {"name": "a\0b"}),
    Case(
        "dim_exchange_info",
        EXCHANGE_INFO,
        {"fiats": ["USD", 1]},
        "description",
        None,
        {"date_launched": "2014-01-20"},
        {"maker_fee": NAN, "notice": 1},
        is_keyed=True,
    ),
    Case(
        "fact_exchange_info",
        EXCHANGE_INFO,
        {"spot_volume_last_updated": "today"},
        "name",
        "spot_volume_usd",
        {"taker_fee": 0.5},
        {"fiats": "USD", "urls": []},
        is_keyed=True,
    ),
    Case(
        "dim_crypto_id",
        COINS,
        {"platform": []},
        "symbol",
        None,
        {"platform": {"id": 1}},
        {"rank": "1", "is_active": []},
    ),
    Case("dim_crypto_map", COINS, {"rank": 1.5}, "last_historical_data", "rank", {"rank": 2}, {"symbol": "a\0b"}),
    Case(
        "dim_crypto_info",
        COIN_INFO,
        {"date_launched": "soon"},
        "description",
        None,
        {"tags": ["b"]},
        {"notice": "a\0b"},
        is_keyed=True,
    ),
    Case(
        "fact_crypto_market",
        LISTINGS,
        {"quote": [1]},
        "slug",
        "max_supply",
        {"quote": [{"symbol": "USD", "price": 2}]},
        {"tags": 1, "date_added": 1},
    ),
)


def answer(records: list[Row], *, is_keyed: bool) -> Sent:
    return sent({str(number): record for number, record in enumerate(records)} if is_keyed else records)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.table)
def test_a_bad_record_is_rejected_with_its_rule_and_as_it_was_sent(case: Case, transform: Transforming) -> None:
    records = case.records()
    transform.fetch(case.endpoint, answer([record for _, record in records], is_keyed=case.is_keyed))
    unit = transform.build(case.table)

    expected = [(rule, json.dumps(record)) for rule, record in records if rule]
    found = [(row["rule"], row["record"]) for row in transform.rejected(case.table)]
    assert sorted(found) == sorted(expected)
    good: list[Any] = [record["id"] for rule, record in records if not rule]
    rows = transform.rows(case.table)
    key = "exchange_id" if "exchange" in case.table else "crypto_id"
    assert sorted(row[key] for row in rows) == good
    assert (unit.rows_in, unit.rows_loaded, unit.rows_present) == (len(records), len(good), 0)
    assert unit.rows_quarantined == len(expected)
