"""From the options of a command to the job it asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptoelt.api.catalogue import ENDPOINTS
from cryptoelt.errors import UsageError
from cryptoelt.frequencies import endpoints_of, tables_of
from cryptoelt.pipeline.period import Period
from cryptoelt.tables import TABLES
from cryptoelt.wording import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclass(frozen=True)
class Job:
    """What a command asks for.

    Attributes:
        endpoints: to extract, in order.
        transform: tables to build, parents first.
        load: tables to load, parents first.
        version: load this Delta version of each table instead of what is pending.
        replace: put that version's snapshots in place of the present ones.
        due: do it only in an open window of the frequency, and only what the window still lacks.
    """

    frequency: str | None = None
    endpoints: list[str] = field(default_factory=list)
    transform: list[str] = field(default_factory=list)
    load: list[str] = field(default_factory=list)
    version: int | None = None
    replace: bool = False
    due: bool = False

    @property
    def is_run(self) -> bool:
        """Tell whether it is a whole run, all three phases."""
        return bool(self.endpoints and self.transform and self.load)


@dataclass(frozen=True)
class BackfillOrder:
    """What `backfill` asks for.

    Attributes:
        period: the snapshots that are meant.
        tables: to fill, parents first.
        rebuild: put what Bronze holds in place of what is there, instead of adding what is lacking.
    """

    period: Period
    tables: list[str]
    rebuild: bool = False


def run_job(frequency: str, *, due: bool = False) -> Job:
    """Return the job of `run`.

    Raises:
        UsageError: there is no such frequency.
    """
    tables = tables_of(frequency)
    return Job(frequency, endpoints_of(frequency), tables, tables, due=due)


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


def backfill_order(start: str | None, end: str | None, tables: list[str] | None, *, rebuild: bool) -> BackfillOrder:
    """Return the order of `backfill`; every table and all of Bronze where nothing is named.

    Raises:
        UsageError: a table is unknown, a date is none, or they are the wrong way round.
    """
    return BackfillOrder(Period.of(start, end), _chosen(None, tables, TABLES, tables_of, "table"), rebuild)


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
