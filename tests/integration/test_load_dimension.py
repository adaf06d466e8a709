"""A stable dimension and its history follow from the snapshots alone, in whatever order and company they are loaded."""

from __future__ import annotations

import itertools
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.loading import Loading
from tests.support.silver_writer import SilverWriter, at, category

if TYPE_CHECKING:
    from cryptoelt.results import Unit
    from tests.support.silver_writer import Row

DIM = "dim_crypto_category"
#: Snapshot number -> key -> name.
World = dict[int, dict[int, str]]
Version = tuple[str, str, datetime]
Former = tuple[str, str, datetime, datetime]

CURRENT = f"SELECT category_id, name, snapshot_timestamp FROM dwh.{DIM} ORDER BY 1"
HISTORY = f"SELECT category_id, name, valid_from, valid_to FROM dwh.{DIM}_history ORDER BY 1, 3"


def write(lake: SilverWriter, world: World) -> None:
    """Commit these snapshots together."""
    lake.commit(DIM, {at(n): [category(key, name) for key, name in rows.items()] for n, rows in world.items()})


def expected(world: World) -> tuple[list[Version], list[Former]]:
    """Say what current rows and history must be, by walking through the snapshots in order of time."""
    current: dict[int, tuple[str, datetime]] = {}
    history: list[Former] = []
    for number, rows in sorted(world.items()):
        for key, name in rows.items():
            former = current.get(key)
            if former is None or former[0] != name:
                if former is not None:
                    history.append((f"c{key}", former[0], former[1], at(number)))
                current[key] = (name, at(number))
    return [(f"c{key}", *current[key]) for key in sorted(current)], sorted(history, key=lambda row: (row[0], row[2]))


def start_over(load: Loading) -> None:
    """Empty the warehouse; a fresh database an example would take far longer."""
    load.execute(f"TRUNCATE dwh.{DIM} CASCADE; TRUNCATE dwh.{DIM}_history; TRUNCATE ops.load_batch")


def stored(load: Loading) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    return load.rows(CURRENT), load.rows(HISTORY)


# Few keys and names, many snapshots: most worlds have renames, returns to a former name and confirmations.
rows_of_snapshot = st.dictionaries(st.integers(1, 2), st.sampled_from("AB"), min_size=1, max_size=2)
worlds = st.lists(rows_of_snapshot, min_size=3, max_size=6).map(lambda rows: World(enumerate(rows)))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=worlds, data=st.data())
def test_any_order_and_grouping_gives_the_same_rows(load: Loading, world: World, data: st.DataObject) -> None:
    order = data.draw(st.permutations(sorted(world)))
    cuts = data.draw(st.sets(st.integers(1, max(1, len(order) - 1))))
    groups = [order[a:b] for a, b in itertools.pairwise(sorted({0, len(order), *(c for c in cuts if c < len(order))}))]
    start_over(load)
    with tempfile.TemporaryDirectory() as folder:
        lake, so_far = SilverWriter(Path(folder)), World()
        loading = Loading(load.warehouse, lake.root, Path(folder) / "metadata")
        for group in groups:
            part = {number: world[number] for number in group}
            write(lake, part)
            unit = loading(DIM)
            so_far |= part
            assert stored(load) == expected(so_far)
            assert unit.rows_in == unit.rows_loaded + unit.rows_present == sum(map(len, part.values()))


def test_a_return_to_a_former_name_is_a_version_of_its_own_in_every_order(load: Loading, tmp_path: Path) -> None:
    world = {0: {1: "A"}, 1: {1: "B"}, 2: {1: "A"}, 3: {1: "A"}}
    for order in itertools.permutations(world):
        start_over(load)
        lake = SilverWriter(tmp_path / "-".join(map(str, order)))
        for number in order:
            write(lake, {number: world[number]})
        Loading(load.warehouse, lake.root, tmp_path / "metadata" / str(order))(DIM)
        assert load.rows(CURRENT) == [("c1", "A", at(2))], order
        assert load.rows(HISTORY) == [("c1", "A", at(0), at(1)), ("c1", "B", at(1), at(2))], order


def test_new_and_changed_rows_count_as_loaded_and_unchanged_ones_as_present(load: Loading, lake: SilverWriter) -> None:
    write(lake, {0: {1: "A", 2: "A", 3: "A"}})
    assert counts(load(DIM)) == (3, 3, 0)
    write(lake, {1: {1: "A", 2: "B", 4: "A"}})
    assert counts(load(DIM)) == (3, 2, 1)
    write(lake, {2: {1: "A", 2: "B", 4: "A"}})
    assert counts(load(DIM)) == (3, 0, 3)


def test_a_snapshot_between_two_others_takes_its_place_in_the_history(load: Loading, lake: SilverWriter) -> None:
    write(lake, {0: {1: "A"}})
    write(lake, {4: {1: "A"}})
    load(DIM)
    write(lake, {2: {1: "B"}})
    assert counts(load(DIM)) == (1, 1, 0)
    # The last snapshot confirmed A; only Silver knows that.
    assert load.rows(CURRENT) == [("c1", "A", at(4))]
    assert load.rows(HISTORY) == [("c1", "A", at(0), at(2)), ("c1", "B", at(2), at(4))]


def test_a_change_of_any_attribute_is_a_new_version_even_to_null(load: Loading, lake: SilverWriter) -> None:
    row: Row = {"category_id": "c1", "name": "A", "title": "T", "description": "D"}
    changes: list[Row] = [{}, {"title": "U"}, {"description": None}, {"name": None}, {"name": ""}]
    for number, change in enumerate(changes):
        row = {**row, **change}
        lake.commit(DIM, {at(number): [row]})
    load(DIM)
    assert load.rows("SELECT name, title, description FROM dwh.dim_crypto_category") == [("", "U", None)]
    former = load.rows("SELECT name, title, description FROM dwh.dim_crypto_category_history ORDER BY valid_from")
    assert former == [("A", "T", "D"), ("A", "U", "D"), ("A", "U", None), (None, "U", None)]


def test_every_version_keeps_the_batch_that_brought_it(load: Loading, lake: SilverWriter) -> None:
    for number, name in enumerate("AAB"):
        write(lake, {number: {1: name}})
        load(DIM)
    write(lake, {-1: {1: "Z"}})
    load(DIM)
    first, _, third, late = (row[0] for row in load.rows("SELECT load_batch_id FROM ops.load_batch ORDER BY 1"))
    assert load.rows("SELECT name, load_batch_id FROM dwh.dim_crypto_category") == [("B", third)]
    former = load.rows("SELECT name, load_batch_id FROM dwh.dim_crypto_category_history ORDER BY valid_from")
    assert former == [("Z", late), ("A", first)]


def test_a_category_that_is_gone_keeps_its_row(load: Loading, lake: SilverWriter) -> None:
    write(lake, {0: {1: "A", 2: "B"}})
    write(lake, {1: {1: "A"}})
    load(DIM)
    assert load.rows(CURRENT) == [("c1", "A", at(0)), ("c2", "B", at(0))]


def test_history_the_lake_no_longer_holds_stays(load: Loading, lake: SilverWriter, tmp_path: Path) -> None:
    write(lake, {0: {1: "A"}, 1: {1: "B"}})
    load(DIM)
    younger = SilverWriter(tmp_path / "younger")
    write(younger, {2: {1: "B"}, 3: {1: "C"}})
    Loading(load.warehouse, younger.root, tmp_path / "m")(DIM)
    write(younger, {-1: {1: "0"}})
    Loading(load.warehouse, younger.root, tmp_path / "m")(DIM)
    assert load.rows(CURRENT) == [("c1", "C", at(3))]
    assert load.rows(HISTORY) == [
        ("c1", "0", at(-1), at(0)),
        ("c1", "A", at(0), at(1)),
        ("c1", "B", at(1), at(3)),
    ]


def counts(unit: Unit) -> tuple[int, int, int]:
    return unit.rows_in, unit.rows_loaded, unit.rows_present
