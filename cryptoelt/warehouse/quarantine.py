"""What is in quarantine: how much of each table by which rule, and the records themselves."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptoelt.clock import iso
from cryptoelt.errors import UsageError
from cryptoelt.tables import TABLES
from cryptoelt.warehouse.migrations import require_head
from cryptoelt.wording import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 spells its class in lower case

    from cryptoelt.warehouse.engine import Warehouse

#: Rule -> what is wrong with a record that breaks it.
RULES = {
    "missing_key": "it lacks what identifies it",
    "wrong_type": "it has a value of another type than documented",
    "non_finite": "it has a number that no double holds: NaN, infinity, or too large",
    "nul_in_text": "it has a text that PostgreSQL cannot store",
    "too_long": "it has a key or a name of more than 1,024 bytes, which no index takes",
    "conflicting_duplicate": "a later record of the same answer has its key and other values",
}
#: Rows that a list shows of the newest.
NEWEST = 20
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_OPENING = ("{", "[")
_COUNTS = """
    SELECT table_name, rule, count(*), count(replayed_at), max(snapshot_timestamp)
    FROM ops.quarantine WHERE {where} GROUP BY table_name, rule ORDER BY table_name, rule
"""
_ROWS = """
    SELECT quarantine_id, table_name, snapshot_timestamp, rule, quarantined_at, replayed_at
    FROM ops.quarantine WHERE {where} ORDER BY snapshot_timestamp DESC, quarantine_id DESC LIMIT %(limit)s
"""
_WHERE = (
    "(%(table)s::text IS NULL OR table_name = %(table)s) AND (%(rule)s::text IS NULL OR rule = %(rule)s)"
    " AND (%(replayed)s OR replayed_at IS NULL)"
)
_RECORD = """
    SELECT quarantine_id, table_name, snapshot_timestamp, rule, quarantined_at, replayed_at, record, call_id,
        load_batch_id
    FROM ops.quarantine WHERE quarantine_id = %s
"""


@dataclass(frozen=True)
class Entry:
    """One record in quarantine, without what it says."""

    quarantine_id: int
    table: str
    snapshot: datetime
    rule: str
    quarantined_at: datetime
    replayed_at: datetime | None

    def as_json(self) -> dict[str, Any]:
        """Return the entry in the shape of `--json`."""
        return {
            "quarantine_id": self.quarantine_id,
            "table": self.table,
            "snapshot": iso(self.snapshot),
            "rule": self.rule,
            "quarantined_at": iso(self.quarantined_at),
            "replayed_at": None if self.replayed_at is None else iso(self.replayed_at),
        }


@dataclass(frozen=True)
class Count:
    """How many records of one table broke one rule, and how many of them were replayed since."""

    table: str
    rule: str
    records: int
    replayed: int
    newest: datetime

    def as_json(self) -> dict[str, Any]:
        """Return the count in the shape of `--json`."""
        return {
            "table": self.table,
            "rule": self.rule,
            "records": self.records,
            "replayed": self.replayed,
            "newest": iso(self.newest),
        }


@dataclass(frozen=True)
class Contents:
    """What a list shows: the counts of all, and the newest entries or all of them."""

    counts: list[Count]
    entries: list[Entry]

    def as_json(self) -> dict[str, Any]:
        """Return the contents in the shape of `--json`."""
        return {
            "counts": [count.as_json() for count in self.counts],
            "records": [entry.as_json() for entry in self.entries],
        }


@dataclass(frozen=True)
class Record:
    """One record in quarantine with all that is known of it.

    Attributes:
        entry: what a list shows of it.
        text: the raw JSON as it was sent.
        call_id: the call that brought it.
        load_batch_id: the load that put it here.
        call: that call's line in the journal of calls; None where the journal does not have it.
    """

    entry: Entry
    text: str
    call_id: str | None
    load_batch_id: int
    call: dict[str, Any] | None

    @property
    def reason(self) -> str:
        """The rule in words."""
        return RULES.get(self.entry.rule, "a rule that this cryptoelt does not know")

    @property
    def pretty(self) -> str:
        """The record over several lines where it is JSON, else as it was sent."""
        try:
            json.loads(self.text)
        except ValueError:
            return self.text
        return _indented(self.text)

    def as_json(self) -> dict[str, Any]:
        """Return the record in the shape of `--json`; its own JSON stays a text, for not all of it is valid."""
        return {
            **self.entry.as_json(),
            "reason": self.reason,
            "load_batch_id": self.load_batch_id,
            "call_id": self.call_id,
            "call": self.call,
            "record": self.text,
        }


def contents(
    warehouse: Warehouse, table: str | None = None, rule: str | None = None, *, everything: bool = False
) -> Contents:
    """Return what is in quarantine.

    Args:
        warehouse: at the head revision.
        table: of this table alone.
        rule: by this rule alone.
        everything: all entries instead of the newest, and also those that were replayed.

    Raises:
        UsageError: there is no such table or rule.
        SchemaError: the warehouse is not at the head revision.
        DatabaseUnavailableError: it does not answer.
    """
    require_known("table", table, TABLES)
    require_known("rule", rule, RULES)
    require_head(warehouse)
    limit = None if everything else NEWEST
    values = {"table": table, "rule": rule, "replayed": everything, "limit": limit}
    with warehouse.session() as connection, connection.cursor() as cursor:
        cursor.execute(_COUNTS.format(where=_WHERE), values)
        counts = [Count(*row) for row in cursor.fetchall()]
        cursor.execute(_ROWS.format(where=_WHERE), values)
        return Contents(counts, [Entry(*row) for row in cursor.fetchall()])


def record(warehouse: Warehouse, find_call: Callable[[str], dict[str, Any] | None], quarantine_id: int) -> Record:
    """Return one record in quarantine, with the call that brought it.

    Args:
        warehouse: at the head revision.
        find_call: returns a call's line in the journal by its id.
        quarantine_id: the number of the record.

    Raises:
        UsageError: there is none of this number.
        SchemaError: the warehouse is not at the head revision.
        DatabaseUnavailableError: it does not answer.
        StorageError: the journal of calls cannot be read.
    """
    require_head(warehouse)
    with warehouse.session() as connection:
        row = _row(connection, quarantine_id)
    if row is None:
        raise UsageError(
            f"there is no record {quarantine_id} in quarantine", hint="`cryptoelt quarantine list --all` shows them"
        )
    *head, text, call_id, load_batch_id = row
    entry = Entry(*head)
    return Record(entry, text, call_id, load_batch_id, None if call_id is None else find_call(call_id))


def _row(connection: Connection, quarantine_id: int) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(_RECORD, (quarantine_id,))
        return cursor.fetchone()


def _indented(text: str) -> str:
    """Break JSON into lines and leave every token as it was sent: as a value, 1e999 would be shown as infinity."""
    pieces: list[str] = []
    depth = 0
    former = ""
    for sign in _TOKEN.findall(text):
        depth -= sign in "]}"
        starts_line = former in (*_OPENING, ",") and not (former in _OPENING and sign in "]}")
        if starts_line or (sign in "]}" and former not in _OPENING):
            pieces.append("\n" + "  " * depth)
        pieces.append(": " if sign == ":" else sign)
        depth += sign in _OPENING
        former = sign
    return "".join(pieces)


def require_known(kind: str, name: str | None, known: dict[str, Any]) -> None:
    """Refuse a name that is none of those known.

    Raises:
        UsageError: it is not.
    """
    if name is not None and name not in known:
        raise UsageError(f"unknown {kind} {name!r}", hint=did_you_mean(name, known))
