"""Snapshots taken out of the warehouse: it is then the one that never had them."""

from __future__ import annotations

import json
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import CommitProperties, write_deltalake
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cryptoelt.clock import Clock
from cryptoelt.lake.silver import SNAPSHOT, SilverTable, rejected_uri, removal_metadata
from cryptoelt.load.facts import forget_unreferenced
from cryptoelt.load.removal import name_anew
from cryptoelt.results import Phase as Stage
from cryptoelt.results import Status, Unit
from cryptoelt.warehouse.engine import transaction
from tests.support.any_order import Lab, check, split, units_of
from tests.support.silver_writer import at, listing, point
from tests.support.small_histories import SILVER, Part, Snapshot, histories

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from cryptoelt.warehouse.engine import Warehouse
    from tests.support.loading import Loading
    from tests.support.silver_writer import SilverWriter
    from tests.support.small_histories import History

MARKET, INDEX = "fact_crypto_market", "market_sentiment_history"


def take_out_of_silver(lake: SilverWriter, table: str, moments: Iterable[datetime]) -> None:
    """Delete the rows of some snapshots in one commit that says so, as the transformation does."""
    gone = list(moments)
    for uri in (lake.uri(table), rejected_uri(lake.uri(table))):
        silver = SilverTable(uri)
        if silver.exists:
            whole = pa.Table.from_batches(list(silver.read()))
            kept = whole.filter(pc.invert(pc.is_in(whole[SNAPSHOT], pa.array(gone, whole[SNAPSHOT].type))))
            properties = CommitProperties(custom_metadata={"userMetadata": removal_metadata(gone)})
            write_deltalake(uri, kept, mode="overwrite", commit_properties=properties)


def take_out(load: Loading, lake: SilverWriter, moments: Iterable[datetime], tables: Iterable[str]) -> None:
    """Take snapshots out of tables, as the pipeline does."""
    gone, chosen = list(moments), list(tables)
    for table in chosen:
        take_out_of_silver(lake, table, gone)
    for table in chosen:
        load.loader(table).take_out(table, Unit(Stage.LOAD, table), gone)
    with load.warehouse.session() as connection, transaction(connection) as cursor:
        name_anew(cursor, load.lake_root, "run", Clock())
        forget_unreferenced(cursor)


def without(history: History, gone: set[int], endpoints: set[str]) -> History:
    """Return what is left when some endpoints said nothing at some snapshots."""
    return {
        n: Snapshot({name: part for name, part in run.parts.items() if n not in gone or name not in endpoints})
        for n, run in history.items()
    }


# An example takes a second, so shrinking one would take minutes; they are small as they are drawn.
@settings(max_examples=12, phases=[Phase.generate], deadline=None, suppress_health_check=list(HealthCheck))
@given(history=histories, data=st.data())
def test_what_is_left_is_the_warehouse_of_those_that_stay(
    warehouse: Warehouse, history: History, data: st.DataObject
) -> None:
    """Of all endpoints or of some, the newest or any; loaded one by one or many at once, with later loads as well."""
    with tempfile.TemporaryDirectory() as folder, closing(warehouse.connect()) as connection:
        connection.autocommit = True
        lab = Lab(connection.cursor(), warehouse, history, Path(folder) / "lake")
        units = units_of(history)
        for group in split(units, data.draw(st.sets(st.integers(1, len(units)), max_size=4), label="cuts")):
            lab.take(group, together=data.draw(st.booleans(), label="together"))
        gone = data.draw(st.sets(st.sampled_from(sorted(history)), min_size=1, max_size=2), label="gone")
        every = sorted({endpoint for _, endpoint in units})
        endpoints = data.draw(st.just(set(every)) | st.sets(st.sampled_from(every), min_size=1), label="endpoints")
        tables = [name for name, (endpoint, _) in SILVER.items() if endpoint in endpoints]
        written = [name for name in tables if SilverTable(lab.lake.uri(name)).exists]

        take_out(lab.load, lab.lake, map(at, sorted(gone)), written)

        left = without(history, gone, endpoints)
        check(lab, left)
        told = lab.rows("SELECT table_name, unnest(snapshots) FROM ops.load_batch WHERE superseded_at IS NULL")
        expected = [(t, at(n)) for t, (e, _) in SILVER.items() for n, run in left.items() if e in run.parts]
        assert sorted(told) == sorted(expected)
        held = {name for (name, n) in lab.rows("SELECT table_name, snapshot_timestamp FROM ops.quarantine")}
        assert held <= {t for t, (e, _) in SILVER.items() if any(p.is_quarantined for p in _parts(left, e))}
        for table in SILVER:
            assert lab.load(table).status is Status.NOTHING, "nothing that was taken out is pending"


def _parts(history: History, endpoint: str) -> list[Part]:
    return [run.parts[endpoint] for run in history.values() if endpoint in run.parts]


def test_the_account_of_a_load_is_that_of_what_is_left_of_it(load: Loading, lake: SilverWriter) -> None:
    lake.reject(MARKET, at(2), [("rule", "a"), ("rule", "b")])
    lake.reject(MARKET, at(1), [("rule", "c")])
    lake.commit(MARKET, {at(1): [listing(1)], at(2): [listing(1), listing(2), listing(3)]})
    lake.commit(MARKET, {at(3): [listing(1)]})
    load(MARKET)

    take_out(load, lake, [at(2), at(3)], [MARKET])

    rows = "SELECT snapshots, rows_in, rows_loaded, rows_quarantined, superseded_at IS NULL FROM ops.load_batch"
    mixed, emptied, removal = load.rows(f"{rows} WHERE table_name = '{MARKET}' ORDER BY load_batch_id")
    assert mixed == ([at(1)], 2, 1, 1, True)
    assert (emptied[0], emptied[4]) == ([], False)
    assert removal == ([], 0, 0, 0, True)
    assert load.rows("SELECT snapshot_timestamp, record FROM ops.quarantine") == [(at(1), "c")]
    assert load.rows("SELECT crypto_id, snapshot_timestamp FROM dwh.fact_crypto_market") == [(1, at(1))]
    assert load.rows("SELECT crypto_id FROM dwh.dim_crypto_id") == [(1,)], "whom nothing names any longer is forgotten"
    assert load(MARKET).status is Status.NOTHING


def test_the_mark_of_a_list_cut_short_goes_with_it(load: Loading, lake: SilverWriter) -> None:
    lake.mark_incomplete(MARKET, at(1), at(2))
    lake.commit(MARKET, {at(1): [listing(1)], at(2): [listing(1)]})
    load(MARKET)
    lake.mark_incomplete(MARKET, at(1))

    take_out(load, lake, [at(2)], [MARKET])

    assert load.rows("SELECT snapshot_timestamp FROM ops.incomplete_snapshot") == [(at(1),)]
    assert load.rows("SELECT incomplete_snapshots FROM ops.load_batch ORDER BY load_batch_id") == [([at(1)],), ([],)]


def test_what_was_transformed_but_never_loaded_is_not_loaded_afterwards(load: Loading, lake: SilverWriter) -> None:
    lake.commit(MARKET, {at(1): [listing(1)]})
    load(MARKET)
    lake.commit(MARKET, {at(2): [listing(1)], at(3): [listing(1)]})
    take_out_of_silver(lake, MARKET, [at(3)])

    assert load(MARKET).snapshots == [at(2)]
    assert json.loads(json.dumps(load.rows("SELECT count(*) FROM dwh.fact_crypto_market"))) == [[2]]


def test_points_of_the_index_stand_as_the_answers_that_stay_tell_them(load: Loading, lake: SilverWriter) -> None:
    lake.commit(INDEX, {at(1): [point(1, 30), point(2, 40)], at(2): [point(1, 31), point(3, 50)]})
    load(INDEX)
    scores = "SELECT fear_greed_score FROM dwh.fact_market_sentiment ORDER BY snapshot_timestamp DESC"
    assert load.rows(scores) == [(30,), (40,), (50,)]

    take_out(load, lake, [at(1)], [INDEX])

    assert load.rows(scores) == [(31,), (50,)]
