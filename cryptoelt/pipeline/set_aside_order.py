"""What `bronze set-aside` is asked for, and which snapshots that means."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from cryptoelt.api.catalogue import ENDPOINTS
from cryptoelt.clock import FUTURE, iso
from cryptoelt.errors import UsageError
from cryptoelt.pipeline.period import moment_named
from cryptoelt.tables import TABLES
from cryptoelt.wording import counted, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime

    from cryptoelt.lake.bronze import Bronze, BronzeSnapshot
    from cryptoelt.results import Result


@dataclass(frozen=True)
class AsideOrder:
    """Which snapshots are meant.

    Attributes:
        endpoints: whose.
        after: those above this moment; None: those that lie in the future.
    """

    endpoints: tuple[str, ...]
    after: datetime | None = None

    @classmethod
    def of(cls, after: str | None, endpoints: list[str] | None, *, future: bool) -> AsideOrder:
        """Read the options; every endpoint is meant where none is named.

        Raises:
            UsageError: not exactly one of the two ways of choosing was used, or an endpoint or a moment is none.
        """
        if future is (after is not None):
            said = "--future or --after, not both" if future else "say which snapshots: --future, or --after MOMENT"
            raise UsageError(said, hint="one of the two; --dry-run looks first")
        for name in endpoints or []:
            if name not in ENDPOINTS:
                raise UsageError(f"unknown endpoint {name!r}", hint=did_you_mean(name, ENDPOINTS))
        chosen = tuple(name for name in ENDPOINTS if not endpoints or name in endpoints)
        return cls(chosen, None if after is None else moment_named("--after", after))

    @property
    def or_else(self) -> str:
        """What is said to people where nothing of that kind lies in Bronze."""
        return "no snapshot lies in the future" if self.after is None else "Bronze has no snapshot there"

    def plan(
        self, bronze: Bronze, now: datetime, unfinished: Mapping[str, Collection[datetime]] | None = None
    ) -> AsidePlan:
        """Look up the snapshots of Bronze that are meant, and those that an order before this one has left there.

        Args:
            bronze: where they lie.
            now: what the future begins after.
            unfinished: what orders that were cut short had meant; it is completed whatever this one means.

        Raises:
            StorageError: Bronze cannot be listed.
        """
        found = {name: self._meant(bronze, name, now, (unfinished or {}).get(name, ())) for name in ENDPOINTS}
        return AsidePlan({name: sources for name, sources in found.items() if sources})

    def _meant(
        self, bronze: Bronze, name: str, now: datetime, unfinished: Collection[datetime]
    ) -> list[BronzeSnapshot]:
        after = now + FUTURE if self.after is None else self.after
        meant = bronze.snapshots(name, after=after) if name in self.endpoints else []
        left = [source for source in bronze.snapshots(name) if source.snapshot in unfinished] if unfinished else []
        by_moment = {source.snapshot: source for source in (*left, *bronze.torn(name), *meant)}
        return [by_moment[moment] for moment in sorted(by_moment)]


@dataclass(frozen=True)
class AsidePlan:
    """What would be set aside, or was.

    Attributes:
        sources: by endpoint, oldest first.
    """

    COLUMNS: ClassVar[list[str]] = ["endpoint", "snapshots", "from", "to", "files"]

    sources: dict[str, list[BronzeSnapshot]] = field(default_factory=dict)

    def __str__(self) -> str:
        number = sum(map(len, self.sources.values()))
        return f"{counted(number, 'snapshot')} of {counted(len(self.sources), 'endpoint')}"

    @property
    def moments(self) -> dict[str, list[datetime]]:
        """When they were taken, by their own word."""
        return {name: [source.snapshot for source in sources] for name, sources in self.sources.items()}

    def as_json(self) -> dict[str, Any]:
        """Return it in the shape of `--json`."""
        moved = [
            {
                "endpoint": name,
                "snapshots": [iso(source.snapshot) for source in sources],
                "files": [file.path for source in sources for file in source.files],
            }
            for name, sources in self.sources.items()
        ]
        return {"set_aside": moved, "tables": [n for n, table in TABLES.items() if table.endpoint in self.sources]}

    def rows(self) -> Iterator[list[object]]:
        """Yield the lines of a table for people."""
        for name, sources in self.sources.items():
            files = sum(len(source.files) for source in sources)
            yield [name, len(sources), iso(sources[0].snapshot), iso(sources[-1].snapshot), files]


@dataclass(frozen=True)
class AsideReport:
    """What was done.

    Attributes:
        moved: what has left Bronze.
        result: the tables of Silver and of the warehouse that have followed.
    """

    moved: AsidePlan
    result: Result

    def as_json(self) -> dict[str, Any]:
        """Return it in the shape of `--json`."""
        return {**self.result.as_json(), "dry_run": False, **self.moved.as_json()}
