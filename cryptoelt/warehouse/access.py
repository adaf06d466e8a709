"""The warehouse for a person: its URL, and psql on it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from psycopg2.extensions import make_dsn

from cryptoelt.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cryptoelt.warehouse.engine import Warehouse


def url_of(warehouse: Warehouse, *, with_password: bool) -> str:
    """Return the URL of a warehouse, by default without the password, wherever in the URL that stood."""
    given = dict(warehouse.parameters)
    user, host, port = (given.pop(name, "") for name in ("user", "host", "port"))
    database = given.pop("dbname", "")
    password = warehouse.password.get_secret_value() if with_password else ""
    login = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
    if "/" in host or "," in host:  # a socket's folder, or several hosts: only the query can say that
        given["host"], host = host, ""
    place = f"[{host}]" if ":" in host else host
    authority = (f"{login}@" if login else "") + place + (f":{port}" if port else "")
    query = f"?{urlencode(given)}" if given else ""
    return f"postgresql://{authority}/{quote(database, safe='')}{query}"


def become_psql(warehouse: Warehouse, program: Path, arguments: Sequence[str]) -> None:
    """Replace this process by psql on the warehouse; the password goes through the environment, never the command line.

    Raises:
        ConfigurationError: psql cannot be started.
    """
    command = [str(program), make_dsn(**warehouse.parameters), *arguments]
    environment = {**os.environ, "PGPASSWORD": warehouse.password.get_secret_value(), "PGTZ": "UTC"}
    try:
        os.execve(program, command, environment)  # noqa: S606 - no shell is wanted
    except OSError as exc:
        raise ConfigurationError(f"cannot start {program}: {exc.strerror}", hint="run `cryptoelt setup`") from exc
