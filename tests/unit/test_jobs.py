"""From options to a job: everything known where nothing is named, in the order of the catalogues."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cryptoelt.api.catalogue import ENDPOINTS
from cryptoelt.errors import ExitCode, UsageError
from cryptoelt.frequencies import FREQUENCIES, endpoints_of, tables_of
from cryptoelt.load import loaders
from cryptoelt.pipeline.jobs import Job, extract_job, load_job, run_job, transform_job
from cryptoelt.tables import TABLES
from cryptoelt.warehouse.schema import model_of

if TYPE_CHECKING:
    from collections.abc import Callable

TEN_ENDPOINTS = ["cryptocurrency/categories", "global-metrics/quotes/latest", "fear-and-greed/latest"]
TEN_TABLES = ["dim_crypto_category", "fact_crypto_category", "fact_global_market", "fact_market_sentiment"]


def test_the_10x_run_is_that_of_the_contract() -> None:
    assert run_job("10x") == Job("10x", TEN_ENDPOINTS, TEN_TABLES, TEN_TABLES)
    assert FREQUENCIES["10x"].cron == "30,40,50 10-19 * * 1-5"


@pytest.mark.parametrize("frequency", FREQUENCIES)
def test_every_table_of_a_frequency_is_built_from_an_endpoint_of_it(frequency: str) -> None:
    assert {TABLES[table].endpoint for table in tables_of(frequency)} <= set(endpoints_of(frequency))


def test_parents_come_before_children() -> None:
    order = [table.warehouse_table for table in TABLES.values()]
    parents = [(key.column.table.name, name) for name in order for key in model_of(name).__table__.foreign_keys]

    assert ("dim_crypto_id", "link_crypto_category") in parents
    assert [(parent, child) for parent, child in parents if order.index(parent) >= order.index(child)] == []


def test_infos_come_before_the_rows_that_take_their_figures() -> None:
    order = list(TABLES)

    assert order.index("fact_exchange_info") < min(order.index("dim_exchange_map"), order.index("fact_exchange_assets"))


def test_every_domain_of_the_catalogue_has_its_loader() -> None:
    assert set(loaders()) == {table.domain for table in TABLES.values()}


def test_where_nothing_is_named_everything_is_asked_built_and_loaded() -> None:
    assert extract_job(None, None) == extract_job(None, []) == Job(None, endpoints=list(ENDPOINTS))
    assert transform_job(None, None) == Job(None, transform=list(TABLES))
    assert load_job(None, None, None, replace=False) == Job(None, load=list(TABLES))


def test_a_phase_of_a_frequency_is_that_part_of_its_run() -> None:
    assert extract_job("10x", None) == Job("10x", endpoints=TEN_ENDPOINTS)
    assert transform_job("10x", None) == Job("10x", transform=TEN_TABLES)
    assert load_job("10x", None, None, replace=False) == Job("10x", load=TEN_TABLES)


def test_names_are_taken_once_and_in_the_order_of_the_catalogue() -> None:
    assert extract_job(None, [*TEN_ENDPOINTS[::-1], *TEN_ENDPOINTS]).endpoints == TEN_ENDPOINTS
    assert transform_job(None, [TEN_TABLES[3], TEN_TABLES[0]]).transform == [TEN_TABLES[0], TEN_TABLES[3]]
    assert load_job(None, [TEN_TABLES[1]], None, replace=False).load == [TEN_TABLES[1]]


def test_a_version_is_loaded_of_the_tables_that_are_named() -> None:
    assert load_job(None, ["fact_global_market"], 0, replace=True) == Job(
        None, load=["fact_global_market"], version=0, replace=True
    )


@pytest.mark.parametrize(
    ("ask", "message", "hint"),
    [
        (lambda: run_job("11x"), "unknown frequency '11x'", "10x"),
        (lambda: extract_job("hourly", None), "unknown frequency 'hourly'", "10x"),
        (lambda: extract_job(None, ["fear-and-gred/latest"]), "'fear-and-gred/latest'", "fear-and-greed/latest"),
        (lambda: transform_job(None, ["fact_global_markt"]), "'fact_global_markt'", "fact_global_market"),
        (lambda: load_job(None, ["zzz"], None, replace=False), "unknown table 'zzz'", "one of: "),
        (lambda: load_job(None, [""], None, replace=False), "unknown table ''", "one of: "),
        (lambda: extract_job("10x", ["fear-and-greed/latest"]), "--freq and --endpoint do not go together", "one of"),
        (lambda: transform_job("10x", ["fact_global_market"]), "--freq and --table do not go together", "one of"),
        (lambda: load_job(None, ["fact_global_market"], None, replace=True), "--replace needs --version", "version"),
        (lambda: load_job(None, None, 3, replace=False), "--version needs --table", "--table NAME"),
        (lambda: load_job("10x", None, 3, replace=False), "--version needs --table", "--table NAME"),
    ],
)
def test_what_does_not_exist_or_go_together_is_wrong_usage(ask: Callable[[], Job], message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        ask()

    assert caught.value.exit_code is ExitCode.USAGE
    assert message in caught.value.message
    assert hint in caught.value.hint
