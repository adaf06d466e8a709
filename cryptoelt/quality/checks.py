"""The checks: files of `sql/quality/`, each with a header that says what it is about, and one SELECT."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptoelt.errors import ConfigurationError, UsageError
from cryptoelt.tables import TABLES
from cryptoelt.warehouse.sql_files import SqlFile, sql_files
from cryptoelt.wording import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection

#: The load's account of itself; every load touches it.
LOAD_BATCH = "load_batch"


class Severity(StrEnum):
    """What it means that a check finds rows. Nothing that the provider may send is an error."""

    ERROR = "error"
    """An invariant of our own is broken: by a defect, or by a hand in the tables. Bronze can mend it."""
    WARNING = "warning"
    """The provider sent what is rare or cannot be right, or something was not asked for; somebody should look."""
    INFO = "info"
    """The provider sends it now and then; whoever uses the rows should know."""


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        name: the name of its file.
        table: the warehouse table whose rows it looks at.
        severity: what it means that it finds rows.
        description: what is wrong with a row that it finds.
        action: what to do then.
        statement: the SELECT of those rows; `scope(snapshot_timestamp)` says which snapshots are in question and
            `clock(now)` what time it is.
    """

    name: str
    table: str
    severity: Severity
    description: str
    action: str
    statement: str

    @classmethod
    def of(cls, file: SqlFile) -> Check:
        """Return the check of a file.

        Raises:
            ConfigurationError: its header lacks something.
        """
        said = file.header
        try:
            severity = Severity(said["severity"])
            table, description, action = (said[name] for name in ("table", "description", "action"))
        except (KeyError, ValueError) as exc:
            raise ConfigurationError(
                f"sql/{file.name}.sql: its header is incomplete or wrong: {exc}", hint="install cryptoelt again"
            ) from exc
        return cls(file.stem, table, severity, description, action, file.text.rstrip().removesuffix(";"))

    def as_json(self) -> dict[str, Any]:
        """Return what `--json` says of it."""
        about = {"name": self.name, "table": self.table, "severity": self.severity.value}
        return {**about, "description": self.description, "action": self.action}


@lru_cache(maxsize=1)
def checks() -> tuple[Check, ...]:
    """Return every check: the tables in the order of their loads, the worst first.

    Raises:
        ConfigurationError: the files are missing, or one has no proper header.
    """
    tables, severities = known_tables(), list(Severity)
    found = [Check.of(file) for file in sql_files("quality")]
    return tuple(sorted(found, key=lambda check: (tables.index(check.table), severities.index(check.severity))))


def known_tables() -> list[str]:
    """Return the warehouse tables that can be checked, parents before children."""
    return [*dict.fromkeys(table.warehouse_table for table in TABLES.values()), LOAD_BATCH]


def chosen_checks(tables: Collection[str] = (), severity: str | None = None) -> list[Check]:
    """Return the checks of some tables and of one severity; all where nothing is named.

    Raises:
        UsageError: there is no such table or severity.
    """
    known = known_tables()
    wanted = {TABLES[name].warehouse_table if name in TABLES else name for name in tables}
    for name in wanted:
        if name not in known:
            raise UsageError(f"unknown table {name!r}", hint=did_you_mean(name, known))
    if severity is not None and severity not in list(Severity):
        raise UsageError(f"unknown severity {severity!r}", hint=did_you_mean(severity, Severity))
    return [
        check
        for check in checks()
        if (not wanted or check.table in wanted) and (severity is None or check.severity == severity)
    ]
