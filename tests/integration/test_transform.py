"""From Bronze to Silver with the real session: numbers, rules, idempotence, catching up."""

from __future__ import annotations

import json
import math
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from cryptoelt.errors import DamagedFileError
from cryptoelt.metadata.jsonl import read_lines
from cryptoelt.results import Phase, Status, Unit
from cryptoelt.tables import TABLES
from tests.support.transforming import Silver, extract

if TYPE_CHECKING:
    from cryptoelt.sandbox.server import SandboxServer
    from cryptoelt.settings import Settings

pytestmark = pytest.mark.usefixtures("spark_host")


def sent(sandbox: SandboxServer, endpoint: str) -> Any:
    """Return `data` of the newest answer the sandbox sent for an endpoint."""
    answers = [a for a in sandbox.served(bodies=True) if a["endpoint"] == endpoint and a["http_status"] == 200]
    body = answers[-1]["body"]
    return json.loads(body)["data"]


def test_every_category_figure_is_the_one_that_was_sent(
    settings: Settings, sandbox: SandboxServer, silver: Silver
) -> None:
    snapshot = extract(settings, "cryptocurrency/categories")
    silver.build("fact_crypto_category")
    silver.build("dim_crypto_category")
    facts = {row["category_id"]: row for row in silver.rows("fact_crypto_category")}
    names = {row["category_id"]: row for row in silver.rows("dim_crypto_category")}
    records = sent(sandbox, "cryptocurrency/categories")
    assert len(records) == len(facts) == len(names) > 5
    for record in records:
        fact, name = facts[record["id"]], names[record["id"]]
        for field in ("num_tokens", "avg_price_change", "market_cap", "market_cap_change", "volume", "volume_change"):
            assert fact[field] == record[field], field
        assert fact["last_updated"] == record["last_updated"]
        assert fact["snapshot_timestamp"] == snapshot
        assert name["name"] == record["name"].strip()
        assert name["title"] == record["title"].strip()
    assert max(fact["market_cap"] for fact in facts.values()) > 1e26


def test_category_kpis_follow_their_formulas(settings: Settings, silver: Silver) -> None:
    extract(settings, "cryptocurrency/categories")
    silver.build("fact_crypto_category")
    rows = silver.rows("fact_crypto_category")
    for row in rows:
        cap, volume, tokens = row["market_cap"], row["volume"], row["num_tokens"]
        assert row["volume_to_market_cap_ratio"] == (volume / cap if cap and volume is not None else None)
        assert row["dominance_per_token"] == (cap / tokens if tokens and cap is not None else None)
        change = row["volume_change"]
        assert row["volume_change_rate"] == (None if change is None else change / 100)
    assert any(row["volume_to_market_cap_ratio"] is None for row in rows), "an undefined ratio is NULL, not 0"


def test_global_market_and_sentiment_are_what_was_sent(
    settings: Settings, sandbox: SandboxServer, silver: Silver
) -> None:
    extract(settings, "global-metrics/quotes/latest", "fear-and-greed/latest")
    silver.build("fact_global_market")
    silver.build("fact_market_sentiment")
    (market,), (mood,) = silver.rows("fact_global_market"), silver.rows("fact_market_sentiment")
    data = sent(sandbox, "global-metrics/quotes/latest")
    quote = data["quote"]["USD"]
    assert market["btc_dominance"] == data["btc_dominance"]
    assert market["total_market_cap"] == quote["total_market_cap"]
    assert market["total_market_cap_yesterday_change"] == quote["total_market_cap_yesterday_percentage_change"]
    assert market["new_cryptos_last_30d"] == data["past_30d_incremental_crypto_number"]
    assert market["max_daily_new_cryptos"] == data["tracked_yearly_number"]["maxIncrementalNumber"]
    assert market["btc_dominance_delta"] == data["btc_dominance"] - data["btc_dominance_yesterday"]
    assert market["market_liquidity_ratio"] == quote["total_volume_24h"] / quote["total_market_cap"]
    assert market["last_updated_timestamp"] == datetime.fromisoformat(data["last_updated"])
    latest = sent(sandbox, "fear-and-greed/latest")
    assert mood["fear_greed_score"] == latest["value"]
    assert mood["sentiment_label"] == latest["value_classification"]
    assert mood["value_timestamp"] == datetime.fromisoformat(latest["update_time"])


@pytest.mark.parametrize(
    ("fault", "rules"),
    [
        ("wrong_type", {"wrong_type"}),
        ("nan_token", {"non_finite"}),
        ("null_record", {"missing_key"}),
        ("conflicting_duplicate", {"conflicting_duplicate"}),
        ("duplicate_record", set()),
        ("unknown_field", set()),
    ],
)
def test_bad_records_are_rejected_with_their_rule_and_good_ones_go_on(
    fault: str, rules: set[str], settings: Settings, sandbox: SandboxServer, silver: Silver
) -> None:
    sandbox.add_fault(fault)
    extract(settings, "cryptocurrency/categories")
    unit = silver.build("fact_crypto_category")
    rejected, rows = silver.rejected("fact_crypto_category"), silver.rows("fact_crypto_category")
    assert {row["rule"] for row in rejected} == rules
    assert unit.rows_in == unit.rows_loaded + unit.rows_present + unit.rows_quarantined
    assert (unit.rows_loaded, unit.rows_quarantined) == (len(rows), len(rejected))
    assert len(rows) >= unit.rows_in - 4
    assert max(Counter(row["category_id"] for row in rows).values()) == 1
    text = sandbox.served(bodies=True)[-1]["body"]
    for row in rejected:
        assert row["record"] in text, "the record is kept as it was sent"
    if fault == "duplicate_record":
        assert unit.rows_present == 1


@pytest.mark.parametrize(("fault", "rule"), [("nul_in_text", "nul_in_text"), ("lone_surrogate", "wrong_type")])
def test_text_that_cannot_be_stored_is_rejected_from_the_table_that_has_it(
    fault: str, rule: str, settings: Settings, sandbox: SandboxServer, silver: Silver
) -> None:
    sandbox.add_fault(fault)
    extract(settings, "cryptocurrency/categories")
    assert silver.build("dim_crypto_category").rows_quarantined == 1
    assert silver.build("fact_crypto_category").rows_quarantined == 0
    assert [row["rule"] for row in silver.rejected("dim_crypto_category")] == [rule]


def test_of_conflicting_duplicates_the_last_is_kept(settings: Settings, sandbox: SandboxServer, silver: Silver) -> None:
    sandbox.add_fault("conflicting_duplicate")
    extract(settings, "cryptocurrency/categories")
    silver.build("fact_crypto_category")
    last = {record["id"]: record for record in sent(sandbox, "cryptocurrency/categories")}
    kept = {row["category_id"]: row["market_cap"] for row in silver.rows("fact_crypto_category")}
    assert kept == {key: record["market_cap"] for key, record in last.items()}


def test_a_snapshot_is_built_once_and_missed_ones_are_caught_up_in_order(settings: Settings, silver: Silver) -> None:
    snapshots = [extract(settings, "fear-and-greed/latest") for _ in range(3)]
    first = silver.build("fact_market_sentiment")
    assert first.snapshots == snapshots
    assert silver.build("fact_market_sentiment").status is Status.NOTHING
    assert not silver.transformer("fact_market_sentiment").should_transform("fact_market_sentiment")
    later = extract(settings, "fear-and-greed/latest")
    assert silver.build("fact_market_sentiment").snapshots == [later]
    assert sorted(row["snapshot_timestamp"] for row in silver.rows("fact_market_sentiment")) == [*snapshots, later]


def test_an_older_snapshot_written_after_a_newer_one_is_not_skipped(settings: Settings, silver: Silver) -> None:
    first, second = (extract(settings, "fear-and-greed/latest") for _ in range(2))
    path = silver.settings.home / "lake" / silver.bronze.path_of("fear-and-greed/latest", first)
    good = path.read_bytes()
    path.write_bytes(good[: len(good) // 2])
    with pytest.raises(DamagedFileError, match=path.name):
        silver.build("fact_market_sentiment")
    assert [row["snapshot_timestamp"] for row in silver.rows("fact_market_sentiment")] == [second]
    path.write_bytes(good)
    assert silver.build("fact_market_sentiment").snapshots == [first]
    assert sorted(row["snapshot_timestamp"] for row in silver.rows("fact_market_sentiment")) == [first, second]


def test_a_second_writer_of_the_same_snapshot_adds_nothing(settings: Settings, silver: Silver) -> None:
    snapshot = extract(settings, "fear-and-greed/latest")
    silver.build("fact_market_sentiment")
    transformer = silver.transformer("fact_market_sentiment")
    (file,) = silver.bronze.snapshots("fear-and-greed/latest")
    # A JVM that outlived its killed parent writes what the next run has already written.
    unit = Unit(Phase.TRANSFORM, "fact_market_sentiment")
    transformer._run_build_step("fact_market_sentiment", file, snapshot, unit)
    assert (unit.rows_in, unit.rows_loaded, unit.rows_present) == (1, 0, 1)
    assert len(silver.rows("fact_market_sentiment")) == 1


def test_losing_the_journal_costs_no_row_and_doubles_none(settings: Settings, silver: Silver) -> None:
    extract(settings, "fear-and-greed/latest")
    silver.build("fact_market_sentiment")
    silver.journal("fact_market_sentiment").unlink()
    assert silver.build("fact_market_sentiment").status is Status.NOTHING
    extract(settings, "fear-and-greed/latest")
    assert silver.build("fact_market_sentiment").rows_loaded == 1
    assert len(silver.rows("fact_market_sentiment")) == 2


def test_every_build_is_journalled_with_counts_that_add_up(settings: Settings, silver: Silver) -> None:
    everyone = settings.extract.model_copy(update={"rotation_days": 1})  # of a slice perhaps nobody publishes wallets
    extract(settings.model_copy(update={"extract": everyone}))
    for table in TABLES:
        silver.build(table)
        (line,) = read_lines(silver.journal(table))
        assert line["rows_in"] == line["rows_loaded"] + line["rows_present"] + line["rows_quarantined"] > 0
        assert line["source"].startswith("bronze/")
        assert line["seconds"] > 0


def test_transaction_identifiers_expire_so_that_the_log_stays_bounded(settings: Settings, silver: Silver) -> None:
    extract(settings, "fear-and-greed/latest")
    silver.build("fact_market_sentiment")
    log = settings.home / "lake/silver/sentiment/fact_market_sentiment/_delta_log/00000000000000000000.json"
    (metadata,) = [json.loads(line)["metaData"] for line in log.read_text().splitlines() if "metaData" in line]
    assert metadata["configuration"]["delta.setTransactionRetentionDuration"] == "interval 7 days"


def test_snapshots_rise_even_when_the_clock_stands_still(settings: Settings) -> None:
    first, second = (extract(settings, "fear-and-greed/latest", "cryptocurrency/categories") for _ in range(2))
    assert second > first
    assert second - first < timedelta(minutes=1)
    assert first.tzinfo == UTC
    assert math.isclose(first.microsecond, 0)
