"""What a backfill would do: looked up in Bronze, Silver and the warehouse, without a JVM and without writing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from cryptoelt.clock import Clock, iso, span
from cryptoelt.errors import DamagedFileError, SchemaError
from cryptoelt.lake.bronze import Bronze
from cryptoelt.lake.store import open_store
from cryptoelt.metadata.jsonl import is_there
from cryptoelt.pipeline.bronze_scope import scope_of
from cryptoelt.tables import TABLES, TableKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from cryptoelt.pipeline.bronze_scope import TableScope
    from cryptoelt.pipeline.jobs import BackfillOrder
    from cryptoelt.settings import Settings
    from cryptoelt.warehouse.engine import Warehouse


@dataclass
class Part:
    """One thing that would be done to some snapshots of a table.

    Attributes:
        snapshots: which, oldest first.
        rows: how many rows Bronze holds of them, by its footers.
    """

    snapshots: list[datetime]
    rows: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return it in the shape of `--json`."""
        ends = [iso(moment) for moment in (self.snapshots[0], self.snapshots[-1])] if self.snapshots else [None, None]
        return {"snapshots": len(self.snapshots), "from": ends[0], "to": ends[1], "rows": self.rows}


@dataclass
class TablePlan:
    """What would be done to one table.

    Attributes:
        build: Silver lacks them.
        replace: Silver has them; they would be built anew.
        load: the warehouse lacks them.
        reload: the warehouse has them; they would be put in place anew.
        kept: left as they are, because Bronze no longer holds them.
        damaged: Bronze files that cannot be read.
    """

    table: str
    build: Part
    replace: Part
    load: Part
    reload: Part
    kept: list[datetime]
    damaged: list[str]

    def as_json(self) -> dict[str, Any]:
        """Return it in the shape of `--json`."""
        parts = {name: getattr(self, name).as_json() for name in ("build", "replace", "load", "reload")}
        return {"table": self.table, **parts, "kept": [iso(moment) for moment in self.kept], "damaged": self.damaged}


@dataclass
class BackfillPlan:
    """What would be done.

    Attributes:
        notices: what the reader should know beside the tables.
    """

    COLUMNS: ClassVar[list[str]] = ["table", "would", "snapshots", "from", "to", "rows in Bronze"]

    order: BackfillOrder
    tables: list[TablePlan] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return it in the shape of `--json`."""
        return {
            "dry_run": True,
            "status": "nothing",
            "rebuild": self.order.rebuild,
            **self.order.period.as_json(),
            "credits": {"planned": 0, "charged": 0},
            "tables": [table.as_json() for table in self.tables],
            "units": [],
            "notices": self.notices,
        }

    @property
    def or_else(self) -> str:
        """What is said to people where there is nothing to do."""
        return "Bronze has nothing to build anew" if self.order.rebuild else "nothing is missing"

    def rows(self) -> Iterator[list[object]]:
        """Yield the lines of a table for people: only what there is to do."""
        for plan in self.tables:
            for name in ("build", "replace", "load", "reload"):
                part: Part = getattr(plan, name)
                if part.snapshots:
                    ends = iso(part.snapshots[0]), iso(part.snapshots[-1])
                    yield [plan.table, name, len(part.snapshots), *ends, part.rows]


def plan_backfill(order: BackfillOrder, settings: Settings) -> BackfillPlan:
    """Look up what a backfill would do.

    Raises:
        CryptoEltError: Bronze, Silver or the warehouse cannot be read.
    """
    bronze, plan = Bronze(open_store(settings.lake_root)), BackfillPlan(order)
    warehouse = _existing_warehouse(settings, plan)
    for table in order.tables:
        scope = scope_of(table, bronze, settings, order.period.includes, Clock().now(), rebuild=order.rebuild)
        known = set() if warehouse is None else _loaded(warehouse, table)
        made = _table_plan(scope, bronze, known, rebuild=order.rebuild)
        plan.tables.append(made)
        if made.kept:
            plan.notices.append(f"{table}: would be left as it is, for Bronze no longer holds it: {span(made.kept)}")
        plan.notices += made.damaged
    return plan


def _existing_warehouse(settings: Settings, plan: BackfillPlan) -> Warehouse | None:
    """Return the warehouse if it is there; an embedded one that was never made is not made for this."""
    from cryptoelt.warehouse.engine import open_warehouse
    from cryptoelt.warehouse.migrations import require_head

    if settings.warehouse.is_embedded and not is_there(settings.home / ".postgres" / "data"):
        plan.notices.append("the warehouse was never made: all would be loaded")
        return None
    warehouse = open_warehouse(settings, Clock())
    try:
        require_head(warehouse)
    except SchemaError:
        from cryptoelt.warehouse.migrations import current

        if current(warehouse) is not None:
            raise
        plan.notices.append("the warehouse was never initialised: all would be loaded")
        return None
    return warehouse


def _loaded(warehouse: Warehouse, table: str) -> set[datetime]:
    from cryptoelt.load.batches import LoadedTable

    with warehouse.session() as connection:
        return LoadedTable(connection, table, "").snapshots()


def _table_plan(scope: TableScope, bronze: Bronze, known: set[datetime], *, rebuild: bool) -> TablePlan:
    rows: dict[datetime, int] = {}
    damaged = []
    for source in scope.sources:
        try:
            rows[source.snapshot] = bronze.footer_of(source).rows
        except DamagedFileError as exc:
            damaged.append(exc.message)
    held = set(scope.held)

    def part(moments: set[datetime]) -> Part:
        return Part(sorted(moments), sum(rows.get(moment, 0) for moment in moments))

    there = {moment for moment in held | rows.keys() if scope.includes(moment)}
    again: set[datetime] = set()
    if rebuild:
        is_whole = TABLES[scope.table].kind is not TableKind.SNAPSHOT
        again = (held | rows.keys() if is_whole else there & set(scope.in_bronze)) & known
    kept = sorted(m for m in (held | known).difference(scope.in_bronze) if scope.includes(m)) if rebuild else []
    return TablePlan(
        scope.table,
        part(rows.keys() - held),
        part(rows.keys() & held),
        part(there - known),
        part(again),
        kept,
        damaged,
    )
