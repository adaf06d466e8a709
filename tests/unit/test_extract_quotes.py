"""The quote in US dollars, however it is spelt; what is not known to be one is no price."""

from __future__ import annotations

from typing import Any

import pytest

from cryptoelt.extract.fields import MISPLACED
from cryptoelt.extract.quotes import with_dollar_quote

DOLLARS, EUROS = {"price": 1.0}, {"price": 0.9}


@pytest.mark.parametrize(
    "quotes",
    [
        {"USD": DOLLARS},
        {"usd": DOLLARS, "EUR": EUROS},
        {" Usd ": DOLLARS},
        {"2781": DOLLARS, "2790": EUROS},
    ],
)
def test_an_object_of_quotes_names_dollars_by_symbol_or_id_in_any_case(quotes: dict[str, Any]) -> None:
    assert with_dollar_quote({"id": 1, "quote": quotes}) == {"id": 1, "quote": DOLLARS}


@pytest.mark.parametrize(
    "name",
    [
        {"symbol": "USD"},
        {"symbol": "usd"},
        {"id": 2781},
        {"id": "2781"},
        {"id": 2781, "symbol": "$"},
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_a_list_of_quotes_names_them_too_wherever_they_stand(name: dict[str, Any], *, is_first: bool) -> None:
    quote, other = {**DOLLARS, **name}, {**EUROS, "symbol": "EUR", "id": 2790}

    assert with_dollar_quote({"quote": [quote, other] if is_first else [other, quote]}) == {"quote": quote}


@pytest.mark.parametrize(
    "quotes",
    [
        [DOLLARS],
        [DOLLARS, EUROS],
        [{**DOLLARS, "symbol": "USD"}, {**EUROS, "id": 2781}],
        {"USD": DOLLARS, "2781": EUROS},
        [{**EUROS, "symbol": "EUR"}],
        {"EUR": EUROS},
        [{**DOLLARS, "symbol": "USDT", "id": 825}],
        [None],
        "USD",
        7,
    ],
)
def test_a_quote_that_is_not_named_or_named_twice_is_none(quotes: Any) -> None:
    """By its place it could be that of another currency: a price that may be wrong is worse than none."""
    assert with_dollar_quote({"quote": quotes}) == {"quote": MISPLACED}


@pytest.mark.parametrize("record", [{"id": 1}, {"quote": None}, None, "coin", [{"quote": 1}]])
def test_what_has_no_quote_stays_as_it_is(record: Any) -> None:
    assert with_dollar_quote(record) == record


@pytest.mark.parametrize("quotes", [{}, []])
def test_quotes_without_any_are_none(quotes: Any) -> None:
    assert with_dollar_quote({"quote": quotes}) == {"quote": None}
