"""Deploys the views, functions and procedures of `sql/`, and keeps account of them in `ops.script`.

What has not changed is left alone, what has is replaced, and what is no longer shipped is dropped; all in the
transaction of the caller. A script that others stand on is named in their first line: `-- after: <name>, <name>`.
"""

from __future__ import annotations

from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, cast

from psycopg2 import errors as pg
from psycopg2 import sql

from cryptoelt.errors import SchemaError
from cryptoelt.warehouse.sql_files import SqlFile, sql_files

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 spells its class in lower case
    from sqlalchemy import Connection

#: Folder below `sql/` -> what a file in it makes, in the order in which they may stand on one another.
KINDS = {"functions": "function", "views": "view", "procedures": "procedure"}
#: Columns of a view cannot be taken away or retyped in place, nor can what a function returns.
_CANNOT_REPLACE = (pg.InvalidTableDefinition, pg.InvalidFunctionDefinition, pg.WrongObjectType)
_MAKE_ROOM = "drop what stands on them, run `cryptoelt db upgrade`, and make it again"

#: Every script of the account, with the object it made; NULL where somebody dropped that.
_ACCOUNT = """
SELECT
    name,
    kind,
    object_name,
    sha256,
    CASE kind WHEN 'view' THEN to_regclass(object_name)::oid ELSE to_regproc(object_name)::oid END AS oid
FROM ops.script
"""
_WITH_THOSE_STANDING_ON = f"""
WITH RECURSIVE account AS ({_ACCOUNT}),
standing AS (
    SELECT oid FROM account WHERE name = ANY(%(names)s)
    UNION
    SELECT r.ev_class
    FROM standing AS s
    JOIN pg_depend AS d ON d.refobjid = s.oid AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite AS r ON r.oid = d.objid
)
SELECT name, kind, object_name FROM account WHERE name = ANY(%(names)s) OR oid IN (SELECT oid FROM standing)
"""  # noqa: S608 - constant
_ON_COLUMNS = f"""
WITH account AS ({_ACCOUNT})
SELECT DISTINCT account.name, r.ev_class::regclass::text
FROM pg_attribute AS a
JOIN pg_depend AS d ON d.refobjid = a.attrelid AND d.refobjsubid = a.attnum AND d.classid = 'pg_rewrite'::regclass
JOIN pg_rewrite AS r ON r.oid = d.objid
LEFT JOIN account ON account.oid = r.ev_class
WHERE a.attrelid = %(table)s::regclass AND a.attname = ANY(%(columns)s)
"""  # noqa: S608 - constant


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
        SchemaError: something of somebody else stands on a view that has to go or to be made anew, or a script makes
            something else than its name says.
    """
    wanted = scripts()
    deployed: set[str] = set()
    with _cursor(connection) as cursor:
        _drop(cursor, set(_deployed(cursor)) - {script.file.name for script in wanted})
        # What had to be dropped because it stood on another is missing in the next round, and made again.
        while stale := _stale(wanted, _deployed(cursor)):
            for script in stale:
                _replace(cursor, script)
            deployed.update(script.file.name for script in stale)
    return [script.file.name for script in wanted if script.file.name in deployed]


def withdraw(connection: Connection, table: str | None = None, *columns: str) -> None:
    """Drop what was deployed, all of it or the views on some columns of a table, so that these can be changed.

    Raises:
        SchemaError: something of somebody else stands on one of them.
    """
    with _cursor(connection) as cursor:
        if table is None:
            _drop(cursor, set(_deployed(cursor)))
        else:
            cursor.execute(_ON_COLUMNS, {"table": table, "columns": list(columns)})
            standing = cursor.fetchall()
            if theirs := sorted(view for name, view in standing if name is None):
                raise SchemaError(f"{table} cannot be changed: {', '.join(theirs)} stands on it", hint=_MAKE_ROOM)
            _drop(cursor, {name for name, _ in standing})


def _cursor(connection: Connection) -> Cursor:
    """Return a cursor of the driver in the transaction of the connection; it takes a script as it is."""
    return cast("Cursor", connection.connection.cursor())


def _deployed(cursor: Cursor) -> dict[str, str | None]:
    """Return the scripts that were deployed: name -> checksum, None where somebody dropped the object since."""
    cursor.execute(_ACCOUNT)
    return {name: None if oid is None else sha256 for name, _, _, sha256, oid in cursor.fetchall()}


def _stale(wanted: list[Script], deployed: dict[str, str | None]) -> list[Script]:
    """Return the scripts that the database lacks, or has with another text."""
    return [script for script in wanted if deployed.get(script.file.name) != script.file.sha256]


def _replace(cursor: Cursor, script: Script) -> None:
    """Make an object in place, or where that cannot be, drop it with those that stand on it and make it anew."""
    cursor.execute("SAVEPOINT script")
    try:
        cursor.execute(script.file.text)
        is_replaced = _is_alone(cursor, script)
    except _CANNOT_REPLACE:
        is_replaced = False
    if not is_replaced:
        cursor.execute("ROLLBACK TO SAVEPOINT script")
        _drop(cursor, {script.file.name})
        cursor.execute(script.file.text)
    cursor.execute("RELEASE SAVEPOINT script")
    cursor.execute(
        "INSERT INTO ops.script (name, kind, object_name, sha256, deployed_at) VALUES (%s, %s, %s, %s, now())"
        " ON CONFLICT (name) DO UPDATE SET (kind, object_name, sha256, deployed_at)"
        " = ROW(excluded.kind, excluded.object_name, excluded.sha256, excluded.deployed_at)",
        (script.file.name, script.kind, ".".join(script.object_name), script.file.sha256),
    )
    if _deployed(cursor)[script.file.name] is None:
        raise SchemaError(
            f"{script.file.name}.sql makes no {script.kind} {'.'.join(script.object_name)}",
            hint="a script makes one object, in the schema of its folder and of its own name",
        )


def _is_alone(cursor: Cursor, script: Script) -> bool:
    """Tell whether no routine of its name is beside it: one with other arguments replaces nothing."""
    cursor.execute(
        "SELECT count(*) FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace"
        " WHERE (n.nspname, p.proname) = (%s, %s)",
        script.object_name,
    )
    ((beside,),) = cursor.fetchall()
    return bool(beside <= 1)


def _drop(cursor: Cursor, names: set[str]) -> None:
    """Drop deployed objects and the deployed views that stand on them, the latter first."""
    cursor.execute(_WITH_THOSE_STANDING_ON, {"names": sorted(names)})
    waiting = cursor.fetchall()
    while waiting:
        refusals = {row: refusal for row in waiting if (refusal := _refusal(cursor, *row))}
        if len(refusals) == len(waiting):
            raise SchemaError(
                f"{', '.join(name for _, _, name in waiting)} cannot be dropped: {'; '.join(refusals.values())}",
                hint=_MAKE_ROOM,
            )
        waiting = list(refusals)


def _refusal(cursor: Cursor, name: str, kind: str, object_name: str) -> str | None:
    """Drop one object and forget it; return what stands on it, in the server's words, where that forbids it."""
    schema, _, own = object_name.partition(".")
    statement = sql.SQL("DROP {} IF EXISTS {}").format(sql.SQL(kind.upper()), sql.Identifier(schema, own))
    cursor.execute("SAVEPOINT dropping")
    try:
        cursor.execute(statement)
    except pg.DependentObjectsStillExist as exc:
        cursor.execute("ROLLBACK TO SAVEPOINT dropping")
        return "; ".join((exc.diag.message_detail or str(exc)).splitlines())
    cursor.execute("RELEASE SAVEPOINT dropping")
    cursor.execute("DELETE FROM ops.script WHERE name = %s", (name,))
    return None
