"""The plain SQL files of the warehouse: where they are, and what their first lines say.

They lie under `sql/`, one statement group a file: `views/<schema>/`, `functions/`, `procedures/`, `quality/`, `roles/`.
A file may begin with lines `-- name: value`; what the names mean is for whoever reads that kind of file.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptoelt.errors import ConfigurationError

_PACKAGE = Path(__file__).resolve().parent.parent
_HEADER = re.compile(r"-- (?P<name>[a-z_]+): (?P<value>.+)")


@dataclass(frozen=True)
class SqlFile:
    """One SQL file.

    Attributes:
        name: its path below `sql/`, without the ending.
        text: all of it.
    """

    name: str
    text: str

    @property
    def stem(self) -> str:
        """Its own name, without folders."""
        return self.name.rpartition("/")[2]

    @property
    def sha256(self) -> str:
        """The checksum of its text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @cached_property
    def header(self) -> dict[str, str]:
        """What its first lines say: name -> value."""
        found: dict[str, str] = {}
        for line in self.text.splitlines():
            match = _HEADER.fullmatch(line.rstrip())
            if match is None:
                break
            found[match["name"]] = match["value"].strip()
        return found


def sql_folder() -> Path:
    """Return the folder of the SQL files: inside the installed package, or at the top of a checkout.

    Raises:
        ConfigurationError: it is in neither place.
    """
    for folder in (_PACKAGE / "_resources" / "sql", _PACKAGE.parent / "sql"):
        if folder.is_dir():
            return folder
    raise ConfigurationError("the SQL files are missing from this installation", hint="install cryptoelt again")


def sql_files(kind: str) -> list[SqlFile]:
    """Return the files of one folder of `sql/` and of those below it, by name."""
    folder = sql_folder()
    return [
        SqlFile(path.relative_to(folder).with_suffix("").as_posix(), path.read_text(encoding="utf-8"))
        for path in sorted((folder / kind).rglob("*.sql"))
    ]
