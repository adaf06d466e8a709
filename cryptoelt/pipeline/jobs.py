"""From the options of a command to the job it asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptoelt.api.catalogue import ENDPOINTS
from cryptoelt.errors import UsageError
from cryptoelt.frequencies import endpoints_of, tables_of
from cryptoelt.pipeline.run import Job
from cryptoelt.tables import TABLES
from cryptoelt.wording import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def run_job(frequency: str) -> Job:
    """Return the job of `run`.

    Raises:
        UsageError: there is no such frequency.
    """
    tables = tables_of(frequency)
    return Job(frequency, endpoints_of(frequency), tables, tables)


def extract_job(frequency: str | None, endpoints: list[str] | None) -> Job:
    """Return the job of `extract`; everything known where nothing is named.

    Raises:
        UsageError: a name is unknown, or both ways of choosing were used.
    """
    return Job(frequency, endpoints=_chosen(frequency, endpoints, ENDPOINTS, endpoints_of, "endpoint"))


def transform_job(frequency: str | None, tables: list[str] | None) -> Job:
    """Return the job of `transform`; everything known where nothing is named.

    Raises:
        UsageError: a name is unknown, or both ways of choosing were used.
    """
    return Job(frequency, transform=_chosen(frequency, tables, TABLES, tables_of, "table"))


def load_job(frequency: str | None, tables: list[str] | None, version: int | None, *, replace: bool) -> Job:
    """Return the job of `load`; everything known where nothing is named.

    Raises:
        UsageError: a name is unknown, or options do not go together.
    """
    if replace and version is None:
        raise UsageError("--replace needs --version", hint="name the Delta version to put in place")
    if version is not None and not tables:
        raise UsageError("--version needs --table: each table counts its own versions", hint="add --table NAME")
    chosen = _chosen(frequency, tables, TABLES, tables_of, "table")
    return Job(frequency, load=chosen, version=version, replace=replace)


def _chosen(
    frequency: str | None, names: list[str] | None, known: Iterable[str], of: Callable[[str], list[str]], noun: str
) -> list[str]:
    if frequency is not None and names:
        raise UsageError(f"--freq and --{noun} do not go together", hint="use one of them")
    if frequency is not None:
        return of(frequency)
    order = list(known)
    for name in names or []:
        if name not in order:
            raise UsageError(f"unknown {noun} {name!r}", hint=did_you_mean(name, order))
    return [name for name in order if not names or name in names]
