"""Deploys the views, functions and procedures of `sql/`, and keeps account of them in `ops.script`.

What has not changed is left alone, what has is replaced, and what is no longer shipped is dropped; all in the
transaction of the caller. A script that others stand on is named in their first line: `-- after: <name>, <name>`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from psycopg2 import errors as pg
from psycopg2 import sql

from cryptoelt.errors import SchemaError
from cryptoelt.warehouse.sql_files import SqlFile, sql_files

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 spells its class in lower case
    from sqlalchemy import Connection

#: Folder below `sql/` -> what a file in it makes, in the order in which they may stand on one another.
KINDS = {"functions": "function", "views": "view", "procedures": "procedure"}
_CANNOT_REPLACE = (pg.InvalidTableDefinition, pg.InvalidFunctionDefinition, pg.WrongObjectType)


@dataclass(frozen=True)
class Script:
    """A file that makes one object of its own name."""

    file: SqlFile
    kind: str

    @property
    def object_name(self) -> tuple[str, str]:
        """The schema and the name of what it makes; procedures and functions lie beside the tables unless told."""
        folders = self.file.name.split("/")
        return (folders[1] if len(folders) > 2 else "dwh", self.file.stem)

    @property
    def after(self) -> list[str]:
        """The names of the scripts it stands on."""
        return [name.strip() for name in self.file.header.get("after", "").split(",") if name.strip()]


def scripts() -> list[Script]:
    """Return every script, each after those it stands on."""
    found = {file.stem: Script(file, kind) for folder, kind in KINDS.items() for file in sql_files(folder)}
    order = TopologicalSorter({name: found[name].after for name in found}).static_order()
    ranks = list(KINDS.values())
    return sorted((found[name] for name in order), key=lambda script: ranks.index(script.kind))


def deploy(connection: Connection) -> list[str]:
    """Bring the database's views, functions and procedures up to the files; return the names of those deployed.

    Raises:
        SchemaError: something of somebody else stands on a view that has to be made anew.
    """
    with connection.connection.cursor() as cursor:
        cursor.execute("SELECT name, sha256 FROM ops.script")
        known = dict(cursor.fetchall())
        wanted = scripts()
        changed = [script for script in wanted if known.get(script.file.name) != script.file.sha256]
        gone = set(known) - {script.file.name for script in wanted}
        if not changed and not gone:
            return []
        cursor.execute("SAVEPOINT scripts")
        try:
            _drop(cursor, gone)
            for script in changed:
                _make(cursor, script)
        except (*_CANNOT_REPLACE, pg.DependentObjectsStillExist):
            # Columns of a view cannot be taken away or retyped in place, and what stands on it has to go first.
            cursor.execute("ROLLBACK TO SAVEPOINT scripts")
            _drop(cursor, set(known))
            changed = wanted
            for script in changed:
                _make(cursor, script)
    return [script.file.name for script in changed]


def withdraw(connection: Connection) -> None:
    """Drop every object that was deployed, so that the tables below can be changed.

    Raises:
        SchemaError: something of somebody else stands on one of them.
    """
    with connection.connection.cursor() as cursor:
        cursor.execute("SELECT name FROM ops.script")
        _drop(cursor, {name for (name,) in cursor.fetchall()})


def _make(cursor: Cursor, script: Script) -> None:
    schema, name = script.object_name
    cursor.execute(script.file.text)
    cursor.execute(
        "INSERT INTO ops.script (name, kind, object_name, sha256, deployed_at) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (name) DO UPDATE SET (kind, object_name, sha256, deployed_at)"
        " = ROW(excluded.kind, excluded.object_name, excluded.sha256, excluded.deployed_at)",
        (script.file.name, script.kind, f"{schema}.{name}", script.file.sha256, datetime.now(UTC)),
    )


def _drop(cursor: Cursor, names: set[str]) -> None:
    """Drop deployed objects, those that stand on others first."""
    cursor.execute("SELECT name, kind, object_name FROM ops.script WHERE name = ANY(%s)", (sorted(names),))
    waiting = cursor.fetchall()
    while waiting:
        left = [row for row in waiting if not _dropped(cursor, *row)]
        if len(left) == len(waiting):
            objects = ", ".join(name for _, _, name in left)
            raise SchemaError(
                f"somebody's own views stand on {objects}",
                hint="drop them (`\\d+` in `cryptoelt db shell` shows them), upgrade, and make them again",
            )
        waiting = left


def _dropped(cursor: Cursor, name: str, kind: str, object_name: str) -> bool:
    """Drop one object; tell whether nothing stood on it."""
    schema, _, own = object_name.partition(".")
    statement = sql.SQL("DROP {} IF EXISTS {}").format(sql.SQL(kind.upper()), sql.Identifier(schema, own))
    cursor.execute("SAVEPOINT script")
    try:
        cursor.execute(statement)
    except pg.DependentObjectsStillExist:
        cursor.execute("ROLLBACK TO SAVEPOINT script")
        return False
    cursor.execute("DELETE FROM ops.script WHERE name = %s", (name,))
    cursor.execute("RELEASE SAVEPOINT script")
    return True
