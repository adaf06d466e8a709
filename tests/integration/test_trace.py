"""Every row of every table leads back to the call that the sandbox really served."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from cryptoelt.cli import run as command_line
from cryptoelt.clock import Clock, iso, parse_iso
from cryptoelt.errors import ExitCode, SchemaError, UsageError
from cryptoelt.lake.silver import table_uri
from cryptoelt.pipeline.runtime import Runtime
from cryptoelt.pipeline.trace import Trace, trace_row
from cryptoelt.sandbox.server import SandboxServer
from cryptoelt.settings import Settings, WarehouseSettings
from cryptoelt.tables import TABLES
from cryptoelt.warehouse.engine import Warehouse
from cryptoelt.warehouse.models import DWH, Base
from tests.support.expected import address
from tests.support.schedule import SimulatedHome
from tests.support.truth import number, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydantic import SecretStr

    from cryptoelt.spark import SparkHost

SUNDAY = datetime(2026, 11, 22, 12, tzinfo=UTC)
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
NEXT_MONDAY = MONDAY + timedelta(days=7)
#: The listings come last, so that they name coins which no map has named yet.
RUNS = (
    (MONDAY + timedelta(hours=10), "10x"),
    (NEXT_MONDAY + timedelta(hours=8), "weekly"),
    (NEXT_MONDAY + timedelta(hours=9), "daily"),
    (NEXT_MONDAY + timedelta(hours=10), "10x"),
    (NEXT_MONDAY + timedelta(hours=11), "5x"),
)
ROWS = 5

TABLES_OF_DWH = sorted(table.name for table in Base.metadata.sorted_tables if table.schema == DWH)
KEYS = {t.name: [c.name for c in t.primary_key.columns] for t in Base.metadata.sorted_tables if t.schema == DWH}

Record = dict[str, Any]
Values = dict[str, Any]


@dataclass
class Home:
    """A home that real runs have filled, and all that they were answered."""

    simulated: SimulatedHome
    warehouse: Warehouse
    answers: dict[str, tuple[dict[str, Any], Any]]

    @property
    def settings(self) -> Settings:
        return self.simulated.settings

    def trace(self, table: str, *key: str, settings: Settings | None = None) -> Trace:
        return trace_row(Runtime(settings or self.settings, "trace"), table, key)

    def rows(self, table: str, where: str = "true", limit: int = ROWS) -> list[Values]:
        """Return some rows of a table, the same ones every time."""
        order = ", ".join(f"md5({name}::text)" for name in KEYS[table])
        with closing(self.warehouse.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM dwh.{table} WHERE {where} ORDER BY {order} LIMIT {limit}")
            names = [column.name for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def served(self, call: dict[str, Any]) -> tuple[dict[str, Any], Any]:
        """Return what the sandbox has of a journalled call: when and how it was asked, and its data."""
        return self.answers[call["sha256"]]


@pytest.fixture(scope="module")
def home(
    tmp_path_factory: pytest.TempPathFactory,
    make_database: Callable[[str | None], SecretStr],
    template_at_head: str,
    spark_host: SparkHost,
) -> Iterator[Home]:
    """An init and some runs in the next eight days, of every frequency, in a small market in which all changes fast."""
    warehouse = Warehouse(make_database(template_at_head), Clock())
    with (
        pytest.MonkeyPatch.context() as patch,
        SandboxServer(
            seed=23, world="small-churn", start_time=SUNDAY, speed=0, minute_limit=10**6, monthly_credits=10**6
        ) as sandbox,
    ):
        patch.setattr(os, "fsync", lambda _: None)
        folder = tmp_path_factory.mktemp("trace")
        simulated = SimulatedHome.make(folder, sandbox, warehouse=warehouse.url, host=spark_host)
        for moment, frequency in [(SUNDAY, "init"), *RUNS]:
            result = simulated.at(moment).run(frequency, due=False)
            assert result.exit_code is ExitCode.DONE, (frequency, result.error)
        answers = {}
        for entry in sandbox.served():
            if entry["error_code"]:
                continue
            body = sandbox.served_body(entry["sequence"])
            assert body is not None
            answers[entry["sha256"]] = (entry, json.loads(body)["data"])
        yield Home(simulated, warehouse, answers)


def typed(key: Values) -> list[str]:
    return [f"{name}={iso(value) if isinstance(value, datetime) else value}" for name, value in key.items()]


def key_of(table: str, row: Values) -> list[str]:
    return typed({name: row[name] for name in KEYS[table]})


# --- what of an answer makes a row ------------------------------------------------------------------------------------


def named(records: list[Record], id_: Any) -> Record:
    return next(record for record in records if record["id"] == id_)


def is_coin(row: Values, asked: dict[str, Any], data: Any) -> bool:
    return bool(text(named(data, row["crypto_id"])["name"]) == row["name"])


def is_rank(row: Values, asked: dict[str, Any], data: Any) -> bool:
    return bool(named(data, row["crypto_id"])["rank"] == row["rank"])


def is_quote(row: Values, asked: dict[str, Any], data: Any) -> bool:
    quote = named(data, row["crypto_id"])["quote"][0]
    return (number(quote["price"]), number(quote["volume_24h"])) == (row["price_usd"], row["volume_24h_usd"])


def is_coin_info(row: Values, asked: dict[str, Any], data: Any) -> bool:
    record = data[str(row["crypto_id"])]
    return (text(record["slug"]), text(record["logo"])) == (row["slug"], row["logo_url"])


def is_exchange(row: Values, asked: dict[str, Any], data: Any) -> bool:
    return bool(text(named(data, row["exchange_id"])["name"]) == row["name"])


def is_active_exchange(row: Values, asked: dict[str, Any], data: Any) -> bool:
    return bool(bool(named(data, row["exchange_id"])["is_active"]) == row["is_active"])


def is_exchange_info(row: Values, asked: dict[str, Any], data: Any) -> bool:
    record = data[str(row["exchange_id"])]
    return (text(record["slug"]), text(record["description"])) == (row["slug"], row["description"])


def is_figures(row: Values, asked: dict[str, Any], data: Any) -> bool:
    record = data[str(row["exchange_id"])]
    return all(number(record[name]) == row[name] for name in ("maker_fee", "taker_fee", "spot_volume_usd"))


def is_wallet(row: Values, asked: dict[str, Any], data: Any) -> bool:
    key = (row["blockchain_name"], row["wallet_address"], row["crypto_id"], float(row["balance"]))
    return int(asked["parameters"]["id"]) == row["exchange_id"] and key in {
        (
            text(record["platform"]["name"]),
            address(record["wallet_address"]),
            record["currency"]["crypto_id"],
            number(record["balance"]),
        )
        for record in data
    }


def is_category(row: Values, asked: dict[str, Any], data: Any) -> bool:
    return bool(text(named(data, row["category_id"])["name"]) == row["name"])


def is_category_market(row: Values, asked: dict[str, Any], data: Any) -> bool:
    return bool(number(named(data, row["category_id"])["market_cap"]) == row["market_cap"])


def is_member(row: Values, asked: dict[str, Any], data: Any) -> bool:
    return asked["parameters"]["id"] == row["category_id"] and row["crypto_id"] in {c["id"] for c in data["coins"]}


def is_global_market(row: Values, asked: dict[str, Any], data: Any) -> bool:
    return bool(number(data["btc_dominance"]) == row["btc_dominance"])


def is_sentiment(row: Values, asked: dict[str, Any], data: Any) -> bool:
    if isinstance(data, dict):
        return bool(data["value"] == row["fear_greed_score"])
    point = next(p for p in data if int(p["timestamp"]) == row["snapshot_timestamp"].timestamp())
    return bool(point["value"] == row["fear_greed_score"])


SHOWS = {
    "dim_crypto_id": ("cryptocurrency/map", is_coin),
    "dim_crypto_map": ("cryptocurrency/map", is_rank),
    "dim_crypto_info": ("cryptocurrency/info", is_coin_info),
    "fact_crypto_market": ("cryptocurrency/listings/latest", is_quote),
    "dim_exchange_id": ("exchange/map", is_exchange),
    "dim_exchange_map": ("exchange/map", is_active_exchange),
    "dim_exchange_info": ("exchange/info", is_exchange_info),
    "fact_exchange_info": ("exchange/info", is_figures),
    "fact_exchange_assets": ("exchange/assets", is_wallet),
    "dim_crypto_category": ("cryptocurrency/categories", is_category),
    "fact_crypto_category": ("cryptocurrency/categories", is_category_market),
    "link_crypto_category": ("cryptocurrency/category", is_member),
    "fact_global_market": ("global-metrics/quotes/latest", is_global_market),
    "fact_market_sentiment": ("fear-and-greed/latest", is_sentiment),
}


def check(home: Home, found: Trace, row: Values, endpoint: str, shows: Any) -> None:
    """The trace ends at a call that was served, of that endpoint, at that moment, and whose answer shows the row."""
    shown = found.as_json()
    call = shown["call"]
    entry, data = home.served(call)
    assert entry["endpoint"] == call["endpoint"] == endpoint
    assert {name: call["parameters"].get(name) for name in entry["parameters"]} == entry["parameters"]
    assert (call["credits"], call["call_id"]) == (entry["credits"], shown["call_id"])
    assert parse_iso(entry["at"]) == found.source.snapshot
    assert shows(row, entry, data)
    assert shown["call_id"] in pq.read_table(shown["bronze_file"]).column("call_id").to_pylist()
    assert shown["bronze_is_there"]
    assert shown["load_batch_id"] == row["load_batch_id"]
    version = DeltaTable(table_uri(home.settings.lake_root, TABLES[found.source.table].domain, found.source.table))
    version.load_as_version(shown["silver_version"])
    assert found.source.snapshot in {
        moment.astimezone(UTC)
        for moment in version.to_pyarrow_table(columns=["snapshot_timestamp"])[0].to_pylist()
        if moment is not None
    }
    assert shown["notes"] == []


@pytest.mark.parametrize("table", TABLES_OF_DWH)
def test_rows_of_every_table_lead_to_the_call_that_brought_them(home: Home, table: str) -> None:
    endpoint, shows = SHOWS[table.removesuffix("_history")]
    where = "true"
    if table == "fact_market_sentiment":
        where = "extract(hour FROM snapshot_timestamp) > 0"
    elif table in {"dim_crypto_id", "dim_exchange_id", "dim_crypto_category"}:
        where = "NOT is_inferred"
    rows = home.rows(table, where)
    assert rows, f"{table} is empty"
    for row in rows:
        found = home.trace(table, *key_of(table, row))
        assert found.row.values == row
        assert found.as_json()["key"] == {
            name: iso(row[name]) if isinstance(row[name], datetime) else row[name] for name in KEYS[table]
        }
        check(home, found, row, endpoint, shows)


def test_a_coin_that_no_map_has_named_leads_to_the_record_that_named_it(home: Home) -> None:
    rows = home.rows("dim_crypto_id", "is_inferred")
    assert rows
    endpoints = {"fact_crypto_market": "cryptocurrency/listings/latest", "fact_exchange_assets": "exchange/assets"}
    for row in rows:
        found = home.trace("dim_crypto_id", f"crypto_id={row['crypto_id']}")
        assert found.as_json()["is_inferred"]
        assert found.source.table == row["inferred_from"]
        shows = is_coin if row["inferred_from"] == "fact_crypto_market" else is_held
        check(home, found, row, endpoints[row["inferred_from"]], shows)


def is_held(row: Values, asked: dict[str, Any], data: Any) -> bool:
    return row["crypto_id"] in {record["currency"]["crypto_id"] for record in data}


def test_a_point_of_the_history_leads_to_the_page_that_told_it(home: Home) -> None:
    rows = home.rows("fact_market_sentiment", "extract(hour FROM snapshot_timestamp) = 0", limit=40)
    pages = set()
    for row in rows:
        found = home.trace("fact_market_sentiment", f"snapshot_timestamp={iso(row['snapshot_timestamp'])}")
        assert (found.source.table, found.source.snapshot) == ("market_sentiment_history", SUNDAY)
        check(home, found, row, "fear-and-greed/historical", is_sentiment)
        pages.add(found.as_json()["bronze_file"])
    assert len(pages) == 3, "the points of one answer stand on several pages"


def test_a_membership_that_ended_leads_to_what_began_and_what_ended_it(home: Home) -> None:
    rows = home.rows("link_crypto_category", "valid_to IS NOT NULL", limit=40)
    endings = set()
    for row in rows:
        found = home.trace("link_crypto_category", *key_of("link_crypto_category", row))
        check(home, replace(found, row=found.row), row, "cryptocurrency/category", is_member)
        assert found.source.snapshot == row["valid_from"]
        closing = found.as_json()["closed_by"]
        entry, data = home.served(closing["call"])
        assert closing["snapshot_timestamp"] == entry["at"] == iso(row["valid_to"])
        if entry["endpoint"] == "cryptocurrency/category":
            assert not is_member(row, entry, data)
            assert entry["parameters"]["id"] == row["category_id"]
        else:
            assert entry["endpoint"] == "cryptocurrency/categories"
            assert row["category_id"] not in {record["id"] for record in data}
        endings.add(entry["endpoint"])
    assert endings == {"cryptocurrency/category", "cryptocurrency/categories"}


def test_a_membership_that_lasts_has_no_end(home: Home) -> None:
    (row,) = home.rows("link_crypto_category", "valid_to IS NULL", limit=1)
    assert home.trace("link_crypto_category", *key_of("link_crypto_category", row)).as_json()["closed_by"] is None


@pytest.mark.parametrize("table", ["dim_exchange_map", "fact_exchange_assets"])
def test_figures_of_an_exchange_lead_to_the_info_they_come_from(home: Home, table: str) -> None:
    columns = ["maker_fee", "taker_fee", "weekly_visits"] if table == "dim_exchange_map" else ["spot_volume_usd"]
    moments = set()
    for row in home.rows(table, f"{columns[0]} IS NOT NULL", limit=10):
        found = home.trace(table, *key_of(table, row))
        ((figures),) = found.as_json()["figures"]
        entry, data = home.served(figures["call"])
        record = data[str(row["exchange_id"])]
        assert figures["columns"] == columns
        assert [number(record[name]) for name in columns] == [number(row[name]) for name in columns]
        assert row.get("info_snapshot_timestamp", parse_iso(entry["at"])) == parse_iso(entry["at"])
        moments.add(entry["at"])
    assert len(moments) > 1


def test_a_figure_that_was_carried_forward_leads_to_the_info_that_had_it(
    home: Home, make_database: Callable[[str | None], SecretStr]
) -> None:
    copy = Warehouse(make_database(home.warehouse.database), Clock())
    where = f"num_nulls(maker_fee, taker_fee, weekly_visits) = 0 AND snapshot_timestamp > '{MONDAY:%F}'"
    (row,) = home.rows("dim_exchange_map", where, limit=1)
    with closing(copy.connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE dwh.fact_exchange_info SET maker_fee = NULL WHERE exchange_id = %s AND snapshot_timestamp = %s",
            (row["exchange_id"], row["info_snapshot_timestamp"]),
        )
        cursor.execute("UPDATE dwh.dim_exchange_map SET is_imputed = true")
    settings = home.settings.model_copy(update={"warehouse": WarehouseSettings(url=copy.url)})
    shown = home.trace("dim_exchange_map", *key_of("dim_exchange_map", row), settings=settings).as_json()

    assert shown["is_imputed"]
    found = {tuple(figures["columns"]): parse_iso(figures["snapshot_timestamp"]) for figures in shown["figures"]}
    assert found[("maker_fee",)] < row["info_snapshot_timestamp"]
    assert found[("taker_fee", "weekly_visits")] == row["info_snapshot_timestamp"]


# --- keys -------------------------------------------------------------------------------------------------------------


def test_a_part_of_a_key_leaves_the_newest_row(home: Home) -> None:
    newest, _ = RUNS[-1]
    assert home.trace("fact_crypto_market").row.snapshot == newest
    assert home.trace("fact_crypto_market", "crypto_id=1").row.key == {"crypto_id": 1, "snapshot_timestamp": newest}
    at = home.trace("fact_crypto_market", f"snapshot_timestamp={iso(SUNDAY)}").row
    assert at.snapshot == SUNDAY
    (row,) = home.rows("link_crypto_category", "valid_from > '2026-11-24'", limit=1)
    newest_of_all = home.trace("link_crypto_category").row.key["valid_from"]
    of_category = home.trace("link_crypto_category", f"category_id={row['category_id']}").row.key["valid_from"]
    assert row["valid_from"] <= of_category <= newest_of_all


BAD = [
    (["fact_crypto_markt"], "unknown table 'fact_crypto_markt'", "did you mean fact_crypto_market?"),
    (["load_batch"], "unknown table 'load_batch'", "one of: "),
    (
        ["market_sentiment_history"],
        "market_sentiment_history is no table of dwh",
        "its rows stand in fact_market_sentiment",
    ),
    (["fact_crypto_market", "coin=1"], "fact_crypto_market has no key column 'coin'", "one of: crypto_id, "),
    (["fact_crypto_market", "price_usd=1"], "fact_crypto_market has no key column 'price_usd'", "one of: crypto_id"),
    (["fact_crypto_market", "1"], "'1': not of the form KEY=VALUE", "its key: crypto_id, snapshot_timestamp"),
    (["fact_crypto_market", "crypto_id=x"], "crypto_id=x: not a whole number", "e.g. crypto_id=1"),
    (["fact_crypto_market", f"crypto_id={2**63}"], f"crypto_id={2**63}: not a whole number", "e.g. crypto_id=1"),
    (
        ["fact_global_market", "snapshot_timestamp=soon"],
        "snapshot_timestamp=soon: not a time",
        "write it as ISO 8601, e.g. 2026-11-23T10:30:00Z",
    ),
    (["dim_crypto_id", "crypto_id=1", "crypto_id=2"], "crypto_id is given twice", "give each column of the key once"),
    (
        ["fact_crypto_market", "crypto_id=999", "snapshot_timestamp=2026-01-01T00:00:00Z"],
        "fact_crypto_market has no row with crypto_id=999, snapshot_timestamp=2026-01-01T00:00:00Z",
        "its key: crypto_id, snapshot_timestamp",
    ),
]


@pytest.fixture
def command(
    home: Home, bare_environment: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run `trace` in the home."""
    monkeypatch.setenv("CRYPTOELT_HOME", str(home.settings.home))

    def run(*words: str, url: str = home.warehouse.url.get_secret_value()) -> tuple[int, str, str]:
        monkeypatch.setenv("CRYPTOELT_WAREHOUSE__URL", url)
        code = command_line(["trace", *words])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


@pytest.mark.parametrize(("words", "message", "hint"), BAD)
def test_bad_input_is_code_2_and_one_clear_line(
    command: Callable[..., tuple[int, str, str]], words: list[str], message: str, hint: str
) -> None:
    code, out, err = command(*words)
    error, advice = err.splitlines()
    assert (code, out, error) == (2, "", f"error: {message}")
    assert advice.startswith(f"hint: {hint}")
    code, out, err = command(*words, "--json")
    assert (code, json.loads(out)["error"]["message"]) == (2, message)


@pytest.mark.parametrize("table", TABLES_OF_DWH)
def test_json_of_a_trace_has_the_documented_keys(
    home: Home, command: Callable[..., tuple[int, str, str]], table: str
) -> None:
    (row,) = home.rows(table, limit=1)
    code, out, err = command(table, *key_of(table, row), "--json")
    shown = json.loads(out)

    assert (code, err) == (0, "")
    assert (shown["schema_version"], shown["command"], shown["table"]) == (1, "trace", table)
    assert {"key", "load_batch_id", "silver_version", "bronze_file", "call_id", "call"} <= shown.keys()
    assert {"endpoint", "parameters", "requested_at", "credits", "sha256"} <= shown["call"].keys()
    assert isinstance(shown["load_batch_id"], int)
    assert isinstance(shown["silver_version"], int)
    assert Path(shown["bronze_file"]).is_file()
    assert shown["call"]["sha256"] in home.answers


def test_off_a_terminal_a_trace_is_plain_lines(home: Home, command: Callable[..., tuple[int, str, str]]) -> None:
    code, out, err = command("dim_exchange_map", f"snapshot_timestamp={iso(SUNDAY)}")

    assert (code, err) == (0, "")
    assert "\x1b" not in out
    steps = [line.partition("\t")[0] for line in out.splitlines()]
    call = ["call", "  endpoint", "  parameters", "  requested_at", "  credits", "  sha256"]
    source = ["Silver", "Bronze", *call]
    assert steps == ["step", "row", "load batch", *source, "maker_fee, taker_fee, weekly_visits of", *source]


def test_a_warehouse_that_was_never_initialised_is_code_9(
    home: Home, postgres_url: SecretStr, command: Callable[..., tuple[int, str, str]]
) -> None:
    code, _, err = command("fact_crypto_market", url=postgres_url.get_secret_value())
    assert code == ExitCode.SCHEMA == SchemaError.exit_code
    assert "was never initialised" in err


@pytest.mark.parametrize(("words", "message", "hint"), BAD[:-1])
def test_wrong_usage_is_told_before_a_server_is_asked(
    closed_port: int, command: Callable[..., tuple[int, str, str]], words: list[str], message: str, hint: str
) -> None:
    code, _, err = command(*words, url=f"postgresql://u:p@127.0.0.1:{closed_port}/none")
    assert code == ExitCode.USAGE
    assert err.splitlines()[0] == f"error: {message}"
    assert hint in err


# --- what is gone -----------------------------------------------------------------------------------------------------


@dataclass
class Copy:
    """A copy of the home's folder over the same warehouse, from which a test takes something away."""

    home: Home
    settings: Settings

    def trace(self, table: str, key: list[str]) -> Values:
        return self.home.trace(table, *key, settings=self.settings).as_json()

    def silver(self, table: str) -> Path:
        return Path(table_uri(self.settings.lake_root, TABLES[table].domain, table))


def copied(home: Home, folder: Path) -> Copy:
    shutil.copytree(home.settings.home, folder)
    return Copy(home, home.settings.model_copy(update={"home": folder}))


@pytest.fixture
def copy(home: Home, tmp_path: Path) -> Copy:
    return copied(home, tmp_path / "copy")


@pytest.fixture(scope="module")
def without_silver(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Copy:
    copy = copied(home, tmp_path_factory.mktemp("without") / "silver")
    shutil.rmtree(Path(copy.settings.lake_root) / "silver")
    return copy


#: Columns that do not depend on what is gone.
SAME = ("table", "key", "load_batch_id", "call_id", "call", "is_inferred")


@pytest.mark.parametrize("table", TABLES_OF_DWH)
def test_without_silver_bronze_says_which_call_brought_a_row(home: Home, without_silver: Copy, table: str) -> None:
    for row in home.rows(table, limit=2):
        key = key_of(table, row)
        before, after = home.trace(table, *key).as_json(), without_silver.trace(table, key)
        assert {name: after[name] for name in SAME} == {name: before[name] for name in SAME}
        assert after["bronze_is_there"]
        assert any("is gone" in note for note in after["notes"])


def test_a_version_that_was_cleaned_up_is_told_and_the_row_is_found_all_the_same(home: Home, copy: Copy) -> None:
    (row,) = home.rows("fact_crypto_market", f"snapshot_timestamp = '{SUNDAY:%F %T%z}'", limit=1)
    key = key_of("fact_crypto_market", row)
    DeltaTable(str(copy.silver("fact_crypto_market"))).create_checkpoint()
    for path in (copy.silver("fact_crypto_market") / "_delta_log").glob("0*.json"):
        path.unlink()
    before, after = home.trace("fact_crypto_market", *key).as_json(), copy.trace("fact_crypto_market", key)

    assert {name: after[name] for name in SAME} == {name: before[name] for name in SAME}
    assert after["silver_version"] == before["silver_version"] == 0
    assert after["notes"] == ["version 0 of Silver table fact_crypto_market is gone: the Delta log was cleaned up"]


def test_a_silver_table_that_was_made_anew_is_told(home: Home, copy: Copy) -> None:
    (row,) = home.rows("fact_global_market", limit=1)
    key = key_of("fact_global_market", row)
    uri = copy.silver("fact_global_market")
    rows = DeltaTable(str(uri)).to_pyarrow_table()
    shutil.rmtree(uri)
    write_deltalake(str(uri), rows)
    before, after = home.trace("fact_global_market", *key).as_json(), copy.trace("fact_global_market", key)

    assert {name: after[name] for name in SAME} == {name: before[name] for name in SAME}
    assert after["silver_version"] == before["silver_version"]
    assert after["notes"] == [
        "Silver table fact_global_market was made anew since; its versions are counted from 0 again"
    ]


def test_a_bronze_file_that_is_missing_is_named_and_silver_says_the_call(home: Home, copy: Copy) -> None:
    (row,) = home.rows("fact_crypto_market", limit=1)
    key = key_of("fact_crypto_market", row)
    before = copy.trace("fact_crypto_market", key)
    Path(before["bronze_file"]).unlink()
    after = copy.trace("fact_crypto_market", key)

    assert {name: after[name] for name in SAME} == {name: before[name] for name in SAME}
    assert (after["bronze_file"], after["bronze_is_there"]) == (before["bronze_file"], False)
    assert after["notes"] == [
        f"Bronze has no file of cryptocurrency/listings/latest at {iso(row['snapshot_timestamp'])} any more"
    ]


@pytest.mark.parametrize("is_there", [True, False])
def test_a_part_that_is_missing_or_damaged_is_named(home: Home, copy: Copy, is_there: bool) -> None:
    (row,) = home.rows("fact_exchange_assets", f"snapshot_timestamp = '{SUNDAY:%F %T%z}'", limit=1)
    key = key_of("fact_exchange_assets", row)
    before = copy.trace("fact_exchange_assets", key)
    part = Path(before["bronze_file"])
    part.write_bytes(b"PAR1") if is_there else part.unlink()
    after = copy.trace("fact_exchange_assets", key)

    assert {name: after[name] for name in SAME} == {name: before[name] for name in SAME}
    assert (after["bronze_file"], after["bronze_is_there"]) == (before["bronze_file"], False)
    (note,) = after["notes"]
    assert note.startswith(f"Bronze file {part} is {'damaged' if is_there else 'missing'}")


def test_a_call_that_the_journal_has_lost_is_told(home: Home, copy: Copy) -> None:
    for path in (copy.settings.metadata_dir / "calls").glob("*.jsonl"):
        path.unlink()
    after = copy.trace("fact_global_market", [])

    assert (after["call"], after["bronze_is_there"]) == (None, True)
    assert after["notes"] == [f"the journal of calls has no line of {after['call_id']}"]


def test_wrong_usage_is_raised_by_the_service_too(home: Home) -> None:
    with pytest.raises(UsageError, match="unknown table"):
        home.trace("nothing")
