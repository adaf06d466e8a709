"""The comparison of `make real`: it says nothing of equal rows, and names whatever is not as recorded."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from cryptoelt.api.catalogue import ENDPOINTS
from tests.real.__main__ import main
from tests.real.answers import Market
from tests.real.contract import TABLES, Asked, Contract, differences, is_same
from tests.support.recordings import SMALL, recordings_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.real.contract import Row

AT = datetime(2026, 11, 23, 8, 20, tzinfo=UTC)


def asked(*requests: tuple[str, dict[str, str]]) -> list[Asked]:
    """Ask the market of the small set."""
    market = Market(recordings_in(SMALL, *ENDPOINTS), recordings_in(SMALL, "key/info"))
    for endpoint, query in requests:
        market.answer(endpoint, query)
    return [Asked(AT, served) for served in market.served]


@pytest.fixture(scope="module")
def contract() -> Contract:
    exchanges = ("11", "12", "13")
    sent = asked(
        ("exchange/map", {}),
        ("exchange/info", {"id": "11,14"}),
        *[("exchange/assets", {"id": id_}) for id_ in exchanges],
        ("cryptocurrency/map", {}),
        ("cryptocurrency/info", {"id": "1,2,9"}),
        ("cryptocurrency/listings/latest", {}),
        ("cryptocurrency/categories", {}),
        ("cryptocurrency/category", {"id": "c3"}),
        ("global-metrics/quotes/latest", {}),
        ("fear-and-greed/latest", {}),
        ("fear-and-greed/historical", {}),
    )
    return Contract(sent)


@pytest.mark.parametrize("table", TABLES)
def test_rows_as_they_should_be_are_compared_and_nothing_is_said(contract: Contract, table: str) -> None:
    rows = TABLES[table].rows(contract)
    assert differences(table, rows, contract) == (len(rows), [])
    assert rows


@pytest.mark.parametrize("table", TABLES)
def test_a_row_that_is_missing_or_too_many_is_named(contract: Contract, table: str) -> None:
    first, *rest = TABLES[table].rows(contract)
    compared, (missing,) = differences(table, rest, contract)
    assert missing.startswith(f"{table}: 1 rows are missing, such as ")
    assert compared == len(rest)
    (key, *_) = TABLES[table].key
    _, faults = differences(table, [first, *rest, {**first, key: "another"}], contract)
    assert any(fault.startswith(f"{table}: 1 rows are too many, such as ") for fault in faults)
    assert differences(table, [first, first, *rest], contract)[1] != []


@pytest.mark.parametrize("table", TABLES)
def test_every_value_that_is_not_the_recorded_one_is_named(contract: Contract, table: str) -> None:
    first, *rest = TABLES[table].rows(contract)
    for name in (name for name in first if name not in TABLES[table].key):
        changed: Row = {**first, name: "0" if first[name] is None else None}
        _, (fault,) = differences(table, [changed, *rest], contract)
        assert f": {name} is " in fault


@pytest.mark.parametrize(
    ("found", "wanted", "same"),
    [
        (0, None, False), (None, 0, False), ("1", 1, False), (True, 1, False), (1.0, 1, True),
        (Decimal("412345678901234.57"), Decimal("412345678901234.57"), True),
        (Decimal("412345678901234.56"), Decimal("412345678901234.57"), False),
        (412345678901234.57, Decimal("412345678901234.57"), True), (0.1 + 0.2, 0.3, False),
    ],
)  # fmt: skip
def test_values_are_compared_to_the_last_digit(found: Any, wanted: Any, *, same: bool) -> None:
    assert is_same("balance", found, wanted) is same


def test_what_is_computed_is_compared_to_twelve_digits() -> None:
    assert is_same("wallet_weight", 0.1 + 0.2, 0.3)
    assert not is_same("wallet_weight", 0.3000000001, 0.3)


def test_records_of_one_wallet_are_told_apart_and_two_spellings_are_one(contract: Contract) -> None:
    rows = [row for row in contract.assets() if row["exchange_id"] == 11]
    assert len(rows) == 8  # of nine records, two of which are one wallet's
    twice = [row for row in rows if row["blockchain_name"] == "BNB"]
    assert [(row["entry"], row["balance"]) for row in twice] == [
        (1, Decimal("310000099.25")),
        (2, Decimal("21500000.00")),
    ]
    assert {row["wallet_address"].lower() for row in twice} == {row["wallet_address"] for row in twice}
    assert len({row["wallet_address"] for row in rows if row["crypto_id"] == 10}) == 2  # case matters elsewhere
    assert float(contract.worth()[11, AT]) == pytest.approx(sum(row["total_usd_value"] for row in rows), rel=1e-15)


def test_without_recordings_it_says_so_and_ends_in_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "nowhere")]) == 2
    assert "there is no folder" in capsys.readouterr().err
