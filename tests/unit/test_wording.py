"""What messages say of numbers and of names that do not exist."""

from __future__ import annotations

import pytest

from cryptoelt.wording import counted, did_you_mean, nearest

TABLES = ["dim_crypto_category", "fact_global_market"]


@pytest.mark.parametrize(("number", "said"), [(0, "0 credits"), (1, "1 credit"), (1100, "1,100 credits")])
def test_a_number_has_the_noun_that_fits_it(number: int, said: str) -> None:
    assert counted(number, "credit") == said


@pytest.mark.parametrize("typed", ["fact_global_markt", "FACT_GLOBAL_MARKET", "global_market"])
def test_a_name_that_is_alike_is_offered(typed: str) -> None:
    assert did_you_mean(typed, TABLES) == "did you mean fact_global_market?"


@pytest.mark.parametrize("typed", ["zzz", "", "warehouse"])
def test_where_nothing_is_alike_the_names_that_exist_are_told_instead_of_a_guess(typed: str) -> None:
    assert did_you_mean(typed, TABLES) == "one of: dim_crypto_category, fact_global_market"
    assert did_you_mean(typed, TABLES, "see the list") == "see the list"
    assert nearest(typed, TABLES) is None


def test_a_nearest_name_is_always_found_where_one_must_be_named() -> None:
    assert nearest("zzz", TABLES, alike=0.0) in TABLES
    assert nearest("zzz", [], alike=0.0) is None
