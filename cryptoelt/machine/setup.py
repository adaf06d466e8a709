"""Prepare the machine: everything that is needed once, each step repeatable and quick when it is done already."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryptoelt.errors import StorageError
from cryptoelt.machine.java import find_java

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptoelt.clock import Clock
    from cryptoelt.settings import Settings


@dataclass(frozen=True)
class Step:
    """One step of the set-up.

    Attributes:
        name: what it prepares.
        changed: whether there was anything to do.
        detail: what is there now.
        seconds: how long it took.
    """

    name: str
    changed: bool
    detail: str
    seconds: float


def run_setup(
    settings: Settings, clock: Clock, report: Callable[[Step], None], *, skip_archive: bool = False
) -> list[Step]:
    """Check Java, fetch the jars, make the class-data archive and the embedded PostgreSQL; each only if it is missing.

    Args:
        settings: where home and cache are, and which warehouse is used.
        clock: measures the steps.
        report: is told of each step as it ends.
        skip_archive: leave out the archive, which takes most of the time and only makes runs faster.

    Raises:
        ConfigurationError: Java is missing or too old, a jar cannot be fetched, the embedded server cannot be used.
        StorageError: the cache or the home cannot be written, or a file fetched is not the pinned one.
        DatabaseUnavailableError: the embedded server cannot be made.
    """
    parts: list[tuple[str, Callable[[Settings], tuple[bool, str]]]] = [("java", _java), ("jars", _jars)]
    if settings.warehouse.is_embedded:
        parts.append(("embedded PostgreSQL", _embedded))
    if not skip_archive:  # last, because everything works without it
        parts.append(("class-data archive", _archive))
    steps = []
    for name, prepare in parts:
        started = clock.monotonic()
        changed, detail = prepare(settings)
        steps.append(Step(name, changed, detail, clock.monotonic() - started))
        report(steps[-1])
    return steps


def _java(settings: Settings) -> tuple[bool, str]:
    _make_cache(settings.cache_dir)
    java = find_java(settings.cache_dir)
    return False, f"{java.version} ({java.program})"


def _make_cache(cache_dir: Path) -> None:
    if cache_dir.is_dir():
        return
    try:
        cache_dir.mkdir(parents=True)
        cache_dir.chmod(0o755)  # the embedded server of root runs as another user and must get in
    except OSError as exc:
        raise StorageError(
            f"cannot make the cache {cache_dir}: {exc.strerror}",
            hint="set CRYPTOELT_MACHINE__CACHE to a folder of your own",
        ) from exc


def _jars(settings: Settings) -> tuple[bool, str]:
    from cryptoelt.machine.jars import ensure_jars

    folder = settings.cache_dir / "jars"
    before = _listed(folder)
    own = settings.spark.conf.get("spark.jars.ivySettings")
    ensure_jars(settings.cache_dir, find_java(settings.cache_dir), ivy_settings=Path(own) if own else None)
    return _listed(folder) != before, str(folder)


def _listed(folder: Path) -> list[tuple[str, int]]:
    return sorted((path.name, path.stat().st_mtime_ns) for path in folder.glob("*.jar"))


def _archive(settings: Settings) -> tuple[bool, str]:
    from cryptoelt.machine.cds import ensure_archive

    def training(java_options: list[str]) -> None:
        from cryptoelt.machine.training import train

        train(settings.cache_dir, java_options)

    path, made = ensure_archive(settings.cache_dir, training)
    return made, f"{path} ({path.stat().st_size / 1e6:.0f} MB)"


def _embedded(settings: Settings) -> tuple[bool, str]:
    from cryptoelt.warehouse.embedded import EmbeddedPostgres

    server = EmbeddedPostgres(settings.home, settings.cache_dir)
    made = server.initialise()
    return made, str(server.data.parent.resolve())
