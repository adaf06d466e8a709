"""What came out against what should have: the answers that were served, and a warehouse that was never killed."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from contextlib import closing
from typing import TYPE_CHECKING, Any

from cryptoelt.clock import iso
from cryptoelt.tables import TABLES
from tests.support.cli import Cli, home_env
from tests.support.invariants import BrokenPromiseError, require
from tests.support.records import DIMENSIONS, MEMBERS, POINTS, SNAPSHOTS, records_of

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable
    from datetime import datetime

    from cryptoelt.warehouse.engine import Warehouse
    from tests.support.invariants import Witness
    from tests.support.records import Record

#: Seconds that building all snapshots of the full drill anew may take.
_LONGEST_REBUILD = 3600.0
#: What depends on when, and in which batch, a row was loaded.
_CIRCUMSTANCES = ("load_batch_id", "quarantine_id", "quarantined_at")
# The figures that rows of maps and assets take from the newest info of their exchange that is not later.
_STALE = """
SELECT count(*) FROM dwh.{table} AS r LEFT JOIN LATERAL (
    SELECT * FROM dwh.fact_exchange_info AS i
    WHERE i.exchange_id = r.exchange_id AND i.snapshot_timestamp <= r.snapshot_timestamp
    ORDER BY i.snapshot_timestamp DESC LIMIT 1
) AS i ON true WHERE {differs}
"""
_FIGURES = {
    "dim_exchange_map": "ROW(r.maker_fee, r.taker_fee, r.weekly_visits, r.info_snapshot_timestamp)"
    " IS DISTINCT FROM ROW(i.maker_fee, i.taker_fee, i.weekly_visits, i.snapshot_timestamp)",
    "fact_exchange_assets": "r.spot_volume_usd IS DISTINCT FROM i.spot_volume_usd",
}


def compare_with_never_killed(witness: Witness) -> None:
    """Build a second warehouse from the same Bronze without a kill; every row of the two must be equal.

    Raises:
        BrokenPromiseError: they differ.
    """
    twin_home = witness.home.with_name(f"{witness.home.name}-twin")
    shutil.copytree(witness.home / "lake" / "bronze", twin_home / "lake" / "bronze")
    with closing(witness.warehouse.connect()) as connection:
        connection.autocommit = True
        connection.cursor().execute("DROP DATABASE IF EXISTS twin")
        connection.cursor().execute("CREATE DATABASE twin TEMPLATE template0")
    url = f"{witness.warehouse.url.get_secret_value().rpartition('/')[0]}/twin"
    cli = Cli(twin_home, home_env(twin_home, WAREHOUSE__URL=url), longest=_LONGEST_REBUILD)
    for arguments in (("db", "upgrade"), ("transform",), ("load",)):
        done = cli(*arguments)
        require(done.code == 0, f"the twin's `{' '.join(arguments)}` ended badly: {done.told}")
    twin = witness.warehouse.beside("twin")
    require_same_content(witness.warehouse, twin, "a warehouse never killed")
    shutil.rmtree(twin_home)


def require_same_content(warehouse: Warehouse, other: Warehouse, what: str) -> None:
    """Compare every row of two warehouses, those in quarantine included.

    Raises:
        BrokenPromiseError: they differ.
    """
    with closing(warehouse.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname = 'dwh'")
        tables = [name for (name,) in cursor.fetchall()]
    for table in sorted([*tables, "ops.quarantine"]):
        ours, theirs = content_of(warehouse, table), content_of(other, table)
        if ours != theirs:
            raise BrokenPromiseError(
                f"{table} differs from that of {what}: only here {sorted(ours - theirs)[:3]},"
                f" only there {sorted(theirs - ours)[:3]}"
            )


def content_of(warehouse: Warehouse, table: str) -> set[str]:
    """Return the rows of a table without what depends on when they were loaded.

    Raises:
        BrokenPromiseError: a row is there twice.
    """
    without = "".join(f" - '{column}'" for column in _CIRCUMSTANCES)
    with closing(warehouse.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT (to_jsonb(t){without})::text FROM {table} AS t")
        rows = [row[0] for row in cursor.fetchall()]
    require(len(rows) == len(set(rows)), f"{table} holds rows twice")
    return set(rows)


class Served:
    """The answers that Bronze holds, as the sandbox sent them."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness
        self._sha256 = {line["call_id"]: line["sha256"] for line in witness.calls()}
        self._answers = {answer["sha256"]: answer for answer in witness.sandbox.served()}

    def answers(self, endpoint: str) -> dict[datetime, list[tuple[dict[str, str], Any]]]:
        """Return parameters and data of the answers of each snapshot of an endpoint, oldest first.

        Raises:
            BrokenPromiseError: Bronze holds what was never sent.
        """
        found: dict[datetime, list[tuple[dict[str, str], Any]]] = defaultdict(list)
        for file in self._witness.bronze(endpoint):
            for call_id in self._witness.raw(file).call_ids:
                answer = self._answers.get(self._sha256.get(call_id, ""))
                body = None if answer is None else self._witness.sandbox.served_body(answer["sequence"])
                if answer is None or body is None:
                    raise BrokenPromiseError(f"{file.path}: the sandbox never sent an answer like that of {call_id}")
                found[file.snapshot].append((answer["parameters"], json.loads(body)["data"]))
        return found

    def records(self, endpoint: str) -> dict[datetime, list[Record]]:
        """Return the records of each snapshot of an endpoint, oldest first.

        Raises:
            BrokenPromiseError: as `answers`.
        """
        return {
            moment: [record for parameters, data in answers for record in records_of(endpoint, parameters, data)]
            for moment, answers in self.answers(endpoint).items()
        }


def compare_with_served(witness: Witness, rng: random.Random, samples: int | None = 3) -> None:
    """Compare the warehouse with what was served: figures of some snapshots (None: of all), the rest whole.

    Raises:
        BrokenPromiseError: they differ.
    """
    served = Served(witness)
    for table in SNAPSHOTS:
        _compare_snapshots(table, witness, served, rng, samples)
    for table, differs in _FIGURES.items():
        ((stale,),) = witness.query(_STALE.format(table=table, differs=differs))
        require(not stale, f"{table}: {stale} rows have not the figures of the newest info")
    for table in DIMENSIONS:
        _compare_dimension(table, witness, served)
    _compare_points(witness, served)
    _compare_members(witness, served)


def _compare_snapshots(table: str, witness: Witness, served: Served, rng: random.Random, samples: int | None) -> None:
    taken, records = SNAPSHOTS[table], served.records(TABLES[table].endpoint)
    for moment in records if samples is None else rng.sample(sorted(records), min(samples, len(records))):
        found = witness.query(
            f"SELECT {', '.join(taken.columns)} FROM dwh.{table} WHERE snapshot_timestamp = '{iso(moment)}'"
        )
        _require_same(f"{table} at {iso(moment)}", found, taken.rows(records[moment]).values())


def _compare_dimension(table: str, witness: Witness, served: Served) -> None:
    """Follow every member through the answers; the warehouse must hold its last version, and all former ones."""
    taken = DIMENSIONS[table]
    current: dict[object, tuple[datetime, tuple[Any, ...]]] = {}
    former: list[tuple[Any, ...]] = []
    for moment, records in served.records(TABLES[table].endpoint).items():
        for key, row in taken.rows(records).items():
            known = current.get(key)
            if known is not None and known[1] != row:
                former.append((*known[1], known[0], moment))
            if known is None or known[1] != row:
                current[key] = (moment, row)
    columns = f"{', '.join(taken.columns)}, snapshot_timestamp"
    complete = "coalesce((to_jsonb(t) ->> 'is_inferred')::boolean, false) = false"
    found = witness.query(f"SELECT {columns} FROM dwh.{table} AS t WHERE {complete}")
    _require_same(table, found, [(*row, moment) for moment, row in current.values()])
    _require_same(f"{table}_history", witness.query(f"SELECT {columns}, valid_to FROM dwh.{table}_history"), former)


def _compare_points(witness: Witness, served: Served) -> None:
    """Every point of the index's history stands at its own time, as the first answer told it."""
    points: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for records in served.records("fear-and-greed/historical").values():
        points = {**POINTS.rows(records), **points}
    found = witness.query(
        "SELECT extract(epoch FROM snapshot_timestamp)::bigint, fear_greed_score, sentiment_label"
        " FROM dwh.fact_market_sentiment JOIN ops.load_batch USING (load_batch_id)"
        " WHERE table_name = 'market_sentiment_history'"
    )
    _require_same("points of the history", found, points.values())


def _compare_members(witness: Witness, served: Served) -> None:
    """Follow the members of every category through its answers, and through the lists of categories."""
    lists = served.records("cryptocurrency/categories")
    answers = served.answers("cryptocurrency/category")
    held = set(witness.query("SELECT table_name, snapshot_timestamp FROM ops.quarantine"))
    began: dict[tuple[int, str], datetime] = {}
    intervals: list[tuple[Any, ...]] = []
    for moment in sorted(lists.keys() | answers.keys()):
        seen: set[tuple[int, str]] = set()
        ended: set[str] = set()  # categories that have no other members than those just seen
        if moment in lists and ("fact_crypto_category", moment) not in held:
            ended |= {category for _, category in began} - {record["id"] for record in lists[moment]}
        for parameters, data in answers.get(moment, ()):
            category = parameters["id"]
            seen |= {(coin, category) for (coin,) in MEMBERS.rows(data["coins"])}
            if ("link_crypto_category", moment) not in held:
                ended.add(category)
        over = [link for link in began if link[1] in ended and link not in seen]
        intervals += [(*link, began.pop(link), moment) for link in over]
        began |= {link: moment for link in seen if link not in began}
    found = witness.query("SELECT crypto_id, category_id, valid_from, valid_to FROM dwh.link_crypto_category")
    _require_same("link_crypto_category", found, [*intervals, *((*link, at, None) for link, at in began.items())])


def _require_same(what: str, found: Iterable[tuple[Any, ...]], expected: Iterable[tuple[Any, ...]]) -> None:
    ours = [tuple(tuple(value) if isinstance(value, list) else value for value in row) for row in found]
    theirs = list(expected)
    missing, strange = set(theirs) - set(ours), set(ours) - set(theirs)
    require(not missing and not strange, f"{what}: expected {list(missing)[:3]}, found {list(strange)[:3]}")
    require(len(ours) == len(theirs), f"{what}: {len(ours)} rows, {len(theirs)} expected")
