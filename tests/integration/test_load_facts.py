"""Facts arrive unchanged and once, every row accounted for, and a failed load leaves nothing of itself."""

from __future__ import annotations

import math
import random
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2
import pyarrow as pa
import pytest

from cryptoelt.clock import Clock, StopFlag
from cryptoelt.errors import DamagedFileError, DatabaseUnavailableError, LoadError, SchemaError, StoppedError
from cryptoelt.lake.silver import SNAPSHOT
from cryptoelt.results import Phase, Status, Unit
from cryptoelt.warehouse.migrations import downgrade
from cryptoelt.warehouse.schema import silver_schema
from tests.support.silver_writer import at, category, category_fact, sentiment

if TYPE_CHECKING:
    from tests.support.loading import Loading
    from tests.support.silver_writer import Row, SilverWriter

FACT = "fact_crypto_category"
MOOD = "fact_market_sentiment"


def any_value(kind: pa.DataType, random_: random.Random) -> Any:
    if pa.types.is_timestamp(kind):
        return datetime(2026, 1, 1, 1, 2, 3, random_.randrange(1_000_000), tzinfo=UTC)
    if pa.types.is_date(kind):
        return date(2026, 2, random_.randrange(1, 29))
    if pa.types.is_boolean(kind):
        return random_.random() < 0.5
    if pa.types.is_integer(kind):
        return random_.randrange(-(2**63), 2**63)
    if pa.types.is_floating(kind):
        return random_.choice([6.8e26, 5e-324, 0.1, 1 / 3, -0.0, 1.7976931348623157e308, random_.lognormvariate(0, 50)])
    return random_.choice(
        ["Ω≈ç√ 狗狗币 🐕", "quote ' and \" ; DROP TABLE x; --", "tab\tnew\nline\\back", "\u0001", " "]
    )


def any_row(table: str, seed: int) -> Row:
    random_ = random.Random(seed)
    row = {field.name: any_value(field.type, random_) for field in silver_schema(table)}
    for field in silver_schema(table):
        if field.nullable and random_.random() < 0.1:
            row[field.name] = None
    return row


@pytest.mark.parametrize("seed", range(5))
def test_every_value_arrives_to_the_last_digit(load: Loading, lake: SilverWriter, seed: int) -> None:
    table = "fact_global_market"
    row = {**any_row(table, seed), SNAPSHOT: at(0)}
    lake.commit(table, {at(0): [row]})
    load(table)
    names = [name for name in silver_schema(table).names if name != "call_id"]
    (stored,) = load.rows(f"SELECT {', '.join(names)} FROM dwh.{table}")
    for name, value in zip(names, stored, strict=True):
        assert value == row[name], name
        if isinstance(value, float):
            assert math.copysign(1, value) == math.copysign(1, row[name]), name


def test_a_load_fills_the_unit_and_its_batch_alike(load: Loading, lake: SilverWriter) -> None:
    lake.commit("dim_crypto_category", {at(0): [category(n) for n in range(5)]})
    load("dim_crypto_category")
    lake.reject(FACT, at(0), [("wrong_type", '{"a": 1}'), ("wrong_type", '{"a": 2}')])
    version = lake.commit(FACT, {at(0): [category_fact(n) for n in range(5)]})
    unit = load(FACT)
    assert (unit.status, unit.snapshots) == (Status.DONE, [at(0)])
    assert (unit.rows_in, unit.rows_loaded, unit.rows_present, unit.rows_quarantined) == (7, 5, 0, 2)
    assert load.batches(FACT) == [(version, 7, 5, 0, 2)]
    assert load.rows("SELECT snapshots FROM ops.load_batch WHERE rows_in = 7") == [([at(0)],)]


def test_a_second_load_finds_nothing_to_do(load: Loading, lake: SilverWriter) -> None:
    lake.commit(MOOD, {at(0): [sentiment(10)]})
    load(MOOD)
    unit = load(MOOD)
    assert (unit.status, unit.snapshots, unit.rows_in) == (Status.NOTHING, [], 0)
    assert not load.loader(MOOD).should_load(MOOD)
    assert len(load.batches(MOOD)) == 1


def test_a_table_that_was_never_written_is_nothing_to_do(load: Loading) -> None:
    assert load(MOOD).status is Status.NOTHING
    assert not load.loader(MOOD).should_load(MOOD)


def test_a_snapshot_that_comes_again_counts_as_present(load: Loading, lake: SilverWriter) -> None:
    lake.commit(MOOD, {at(0): [sentiment(10)]})
    load(MOOD)
    lake.commit(MOOD, {at(0): [], at(1): [sentiment(20)]})
    unit = load(MOOD)
    assert (unit.rows_in, unit.rows_loaded, unit.rows_present) == (2, 1, 1)
    stored = load.rows(f"SELECT fear_greed_score FROM dwh.{MOOD} ORDER BY snapshot_timestamp")
    assert stored == [(10,), (20,)]


def test_every_commit_is_a_batch_of_its_own_oldest_first(load: Loading, lake: SilverWriter) -> None:
    for number in (2, 0, 1):
        lake.commit(MOOD, {at(number): [sentiment(number)]})
    unit = load(MOOD)
    assert unit.snapshots == [at(2), at(0), at(1)]
    assert load.batches(MOOD) == [(0, 1, 1, 0, 0), (1, 1, 1, 0, 0), (2, 1, 1, 0, 0)]
    assert load.rows(f"SELECT count(*), count(DISTINCT load_batch_id) FROM dwh.{MOOD}") == [(3, 3)]


def test_the_database_itself_refuses_counts_that_do_not_add_up(load: Loading, lake: SilverWriter) -> None:
    lake.commit(MOOD, {at(0): [sentiment(10)]})
    load(MOOD)
    with pytest.raises(psycopg2.errors.CheckViolation):
        load.execute("UPDATE ops.load_batch SET rows_in = rows_in + 1")


def test_rejected_records_are_quarantined_once_with_rule_and_raw_record(load: Loading, lake: SilverWriter) -> None:
    record = '{"value": "\\u0000 not a number", "Ω": 1e400}'
    lake.reject(MOOD, at(0), [("wrong_type", record)])
    lake.commit(MOOD, {at(0): []})
    assert (load(MOOD).rows_in, load(MOOD).rows_quarantined) == (1, 0)
    lake.commit(MOOD, {at(0): []})  # named once more: counted once more, kept once
    assert load(MOOD).rows_quarantined == 1
    kept = load.rows("SELECT table_name, snapshot_timestamp, rule, record, call_id, replayed_at FROM ops.quarantine")
    assert kept == [(MOOD, at(0), "wrong_type", record, "call", None)]


def test_a_fact_whose_dimension_row_is_missing_is_kept(load: Loading, lake: SilverWriter) -> None:
    lake.commit(FACT, {at(1): [category_fact(7)]})
    assert load(FACT).rows_loaded == 1
    inferred = "SELECT name, is_inferred, snapshot_timestamp FROM dwh.dim_crypto_category"
    assert load.rows(inferred) == [(None, True, at(1))]
    lake.commit(FACT, {at(0): [category_fact(7)]})
    load(FACT)
    assert load.rows(inferred) == [(None, True, at(0))]


def test_an_inferred_member_is_completed_without_history(load: Loading, lake: SilverWriter) -> None:
    lake.commit(FACT, {at(1): [category_fact(7)]})
    load(FACT)
    lake.commit("dim_crypto_category", {at(0): [category(7, "Memes")]})
    assert load("dim_crypto_category").rows_loaded == 1
    rows = load.rows("SELECT name, is_inferred, snapshot_timestamp FROM dwh.dim_crypto_category")
    assert rows == [("Memes", False, at(0))]
    assert load.rows("SELECT * FROM dwh.dim_crypto_category_history") == []
    lake.commit(FACT, {at(-1): [category_fact(7)]})
    load(FACT)
    assert load.rows("SELECT name, is_inferred FROM dwh.dim_crypto_category") == [("Memes", False)]


# --- failures ---------------------------------------------------------------------------------------------------------


def test_a_row_the_warehouse_refuses_fails_its_batch_only_and_is_named(load: Loading, lake: SilverWriter) -> None:
    lake.commit_untyped(MOOD, [{SNAPSHOT: at(0), "snapshot_str": "x"}])
    lake.commit_untyped(MOOD, [{SNAPSHOT: at(1), "snapshot_str": "x"}, {SNAPSHOT: at(2), "snapshot_str": None}])
    unit = Unit(Phase.LOAD, MOOD)
    with pytest.raises(LoadError, match=f"{MOOD} at 2 snapshots from 2026-11-23T11:30:00Z .*snapshot_str") as caught:
        load.loader(MOOD).load_table(MOOD, unit)
    unit.failed(caught.value)
    assert (unit.status, unit.snapshots, unit.rows_loaded) == (Status.PARTIAL, [at(0)], 1)
    assert load.rows(f"SELECT count(*) FROM dwh.{MOOD}") == [(1,)]
    assert load.batches(MOOD) == [(0, 1, 1, 0, 0)]


def test_a_connection_lost_in_the_transaction_leaves_nothing_and_the_next_load_completes(
    load: Loading, lake: SilverWriter
) -> None:
    lake.commit(MOOD, {at(0): [sentiment(1)]})
    load.execute(
        "CREATE FUNCTION dwh.die() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END';"
        f"CREATE TRIGGER die BEFORE INSERT ON dwh.{MOOD} FOR EACH ROW EXECUTE FUNCTION dwh.die()"
    )
    with pytest.raises(DatabaseUnavailableError, match=r"terminating connection|server closed"):
        load(MOOD)
    load.execute(f"DROP TRIGGER die ON dwh.{MOOD}")
    assert load.batches(MOOD) == []
    assert load(MOOD).rows_loaded == 1


def test_a_damaged_silver_file_is_named_and_what_came_before_stays(load: Loading, lake: SilverWriter) -> None:
    lake.commit(MOOD, {at(0): [sentiment(1)]})
    load(MOOD)
    lake.commit(MOOD, {at(1): [sentiment(2)]})
    newest = max(Path(lake.uri(MOOD)).glob("*.parquet"), key=lambda path: path.stat().st_mtime_ns)
    whole = newest.read_bytes()
    newest.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DamagedFileError, match=newest.name):
        load(MOOD)
    newest.write_bytes(whole)
    assert load(MOOD).snapshots == [at(1)]


def test_a_column_of_the_wrong_type_is_named(load: Loading, lake: SilverWriter) -> None:
    import deltalake

    data = pa.table({SNAPSHOT: [at(0)], "snapshot_str": ["x"], "fear_greed_score": ["much"]})
    data = data.cast(data.schema.set(0, pa.field(SNAPSHOT, pa.timestamp("us", tz="UTC"))))
    metadata = deltalake.CommitProperties(custom_metadata={"userMetadata": '{"snapshots": ["2026-11-23T10:30:00Z"]}'})
    deltalake.write_deltalake(lake.uri(MOOD), data, commit_properties=metadata)
    with pytest.raises(LoadError, match="fear_greed_score"):
        load(MOOD)
    assert load.batches(MOOD) == []


def test_a_column_an_older_file_lacks_is_null(load: Loading, lake: SilverWriter) -> None:
    import deltalake

    data = pa.table({SNAPSHOT: [at(0)], "snapshot_str": ["x"]})
    data = data.cast(data.schema.set(0, pa.field(SNAPSHOT, pa.timestamp("us", tz="UTC"))))
    metadata = deltalake.CommitProperties(custom_metadata={"userMetadata": '{"snapshots": ["2026-11-23T10:30:00Z"]}'})
    deltalake.write_deltalake(lake.uri(MOOD), data, commit_properties=metadata)
    load(MOOD)
    assert load.rows(f"SELECT snapshot_timestamp, fear_greed_score FROM dwh.{MOOD}") == [(at(0), None)]


def test_asked_to_stop_it_ends_between_two_batches_and_the_next_load_goes_on(load: Loading, lake: SilverWriter) -> None:
    for number in range(3):
        lake.commit(MOOD, {at(number): [sentiment(number)]})
    stop = StopFlag()
    stop.set()
    unit = Unit(Phase.LOAD, MOOD)
    with pytest.raises(StoppedError):
        load.loader(MOOD, Clock(stop)).load_table(MOOD, unit)
    assert unit.snapshots == [at(0)]
    assert load(MOOD).snapshots == [at(1), at(2)]


def test_a_schema_that_is_gone_says_how_to_make_it(load: Loading, lake: SilverWriter) -> None:
    lake.commit(MOOD, {at(0): [sentiment(1)]})
    downgrade(load.warehouse, "base")
    with pytest.raises(SchemaError) as caught:
        load(MOOD)
    assert "cryptoelt db" in caught.value.hint


def test_a_key_too_long_for_the_index_is_a_load_error_and_not_an_outage(load: Loading, lake: SilverWriter) -> None:
    random_ = random.Random(0)
    endless = "".join(chr(random_.randrange(0x4E00, 0x9FFF)) for _ in range(5000))
    lake.commit("dim_crypto_category", {at(0): [{"category_id": endless}]})
    with pytest.raises(LoadError, match="index"):
        load("dim_crypto_category")
