"""What holds for all views: they are there under their own names, say what they are, and leave sorting to who asks."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cryptoelt.warehouse.scripts import scripts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptoelt.warehouse.engine import Warehouse
    from cryptoelt.warehouse.scripts import Script
    from tests.support.warehouse_rows import WrittenRows

VIEWS = [script for script in scripts() if script.kind == "view"]
of_every_view = pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.file.stem)


def without_groups(text: str) -> str:
    """Leave texts and all that is in parentheses out of a statement."""
    text = re.sub(r"--.*|'[^']*'", "", text)
    while (shorter := re.sub(r"\([^()]*\)", "", text)) != text:
        text = shorter
    return text


@of_every_view
def test_a_file_makes_the_view_of_its_name_and_says_what_it_shows(view: Script) -> None:
    made = re.findall(r"^CREATE (?:OR REPLACE )?\w+ (\S+)", view.file.text, re.MULTILINE)
    assert made == [".".join(view.object_name)]
    assert f"COMMENT ON VIEW {made[0]} IS" in view.file.text


@of_every_view
def test_sorting_is_left_to_who_asks(view: Script) -> None:
    assert "ORDER BY" not in without_groups(view.file.text).upper()


def test_no_two_scripts_have_the_same_name() -> None:
    files = list((Path(__file__).parents[2] / "sql").glob("views/*/*.sql"))
    assert len({file.stem for file in files}) == len(files) == len(VIEWS)


@of_every_view
def test_a_view_has_a_test_that_names_it(view: Script) -> None:
    tests = [file.read_text(encoding="utf-8") for file in Path(__file__).parent.glob("test_*.py")]
    assert any(".".join(view.object_name) in text or f'"{view.file.stem}"' in text for text in tests)


@of_every_view
def test_a_view_can_be_selected_from_and_is_explained_in_the_database(view: Script, written: WrittenRows) -> None:
    with written.connection.cursor() as cursor:
        name = ".".join(view.object_name)
        cursor.execute(f"SELECT * FROM {name}")
        assert cursor.description
        cursor.execute("SELECT obj_description(%s::regclass)", (name,))
        ((comment,),) = cursor.fetchall()
        assert comment
        assert comment.endswith(".")


def test_the_schemas_of_views_hold_the_views_of_the_files_and_nothing_else(written: WrittenRows) -> None:
    found = written.found("pg_class AS c", "relnamespace::regnamespace::text, relname", WHERE_A_VIEW_MAY_BE)
    assert found == sorted(view.object_name for view in VIEWS)


WHERE_A_VIEW_MAY_BE = "relnamespace IN ('analytics'::regnamespace, 'monitoring'::regnamespace)"


# --- plans of what dashboards ask -------------------------------------------------------------------------------------


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)


def reads(warehouse: Warehouse, table: str, query: str) -> list[tuple[str, str | None]]:
    """Return how a query reads a table: kind of scan and index."""
    with closing(warehouse.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {query}")
        ((((plan,)),),) = cursor.fetchall()
    scans = nodes(plan["Plan"])
    return [(scan["Node Type"], scan.get("Index Name")) for scan in scans if scan.get("Relation Name") == table]


def filled(warehouse: Warehouse, *statements: str) -> None:
    """Fill a warehouse and let the server look at what it holds."""
    with closing(warehouse.connect()) as connection:
        connection.autocommit = True
        for statement in (*statements, "VACUUM ANALYZE"):
            connection.cursor().execute(statement)


def test_the_caps_of_all_coins_are_summed_from_the_index_alone(warehouse: Warehouse) -> None:
    filled(
        warehouse,
        "INSERT INTO dwh.dim_crypto_id (crypto_id, snapshot_timestamp, load_batch_id)"
        " SELECT n, now(), 1 FROM generate_series(1, 200) AS n",
        "INSERT INTO dwh.fact_crypto_market"
        " (crypto_id, snapshot_timestamp, snapshot_str, load_batch_id, market_cap_usd, last_updated_usd)"
        " SELECT n, timestamptz '2026-01-01Z' + day * interval '1 day', 'x', 1, n, 'x'"
        " FROM generate_series(1, 200) AS n, generate_series(0, 49) AS day",
    )
    query = (
        "SELECT snapshot_timestamp, sum(market_cap_usd), sum(fully_diluted_market_cap_usd),"
        " sum(market_cap_dominance_usd) FROM analytics.vw_crypto_market_cap_trend"
        " WHERE snapshot_timestamp >= '2026-02-01Z' GROUP BY 1"
    )
    index = "ix_fact_crypto_market_snapshot_timestamp"
    assert reads(warehouse, "fact_crypto_market", query) == [("Index Only Scan", index)]
    assert reads(warehouse, "dim_crypto_id", query) == []


@pytest.mark.parametrize("chosen", ["name = 'category 7'", "category_id = '7'"])
def test_one_category_is_read_by_its_key(warehouse: Warehouse, chosen: str) -> None:
    filled(
        warehouse,
        "INSERT INTO dwh.dim_crypto_category (category_id, name, snapshot_timestamp, load_batch_id)"
        " SELECT n, 'category ' || n, now(), 1 FROM generate_series(1, 200) AS n",
        "INSERT INTO dwh.fact_crypto_category"
        " (category_id, snapshot_timestamp, snapshot_str, load_batch_id, dominance_per_token)"
        " SELECT n, timestamptz '2026-01-01Z' + day * interval '1 day', 'x', 1, n"
        " FROM generate_series(1, 200) AS n, generate_series(0, 49) AS day",
    )
    query = (
        "SELECT snapshot_timestamp, dominance_per_token, volume_to_market_cap_ratio"
        f" FROM analytics.vw_category_dominance_index WHERE {chosen} AND snapshot_timestamp >= '2026-01-02Z'"
    )
    ((scan, index),) = reads(warehouse, "fact_crypto_category", query)
    assert (scan, index) == ("Index Scan", "pk_fact_crypto_category") or scan == "Bitmap Heap Scan"
