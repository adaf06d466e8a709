"""The doctor's single checks: each looks at one thing and says what to do about it."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from cryptoelt.clock import iso
from cryptoelt.errors import ConfigurationError, CryptoEltError, ExitCode, LockedError

if TYPE_CHECKING:
    from cryptoelt.clock import Clock
    from cryptoelt.settings import Settings

OLDEST_PYTHON = (3, 11)
#: Delta is built for one Spark, and the newest Delta on PyPI has no jars.
PAIR = {"pyspark": "4.2.0", "delta-spark": "4.4.0"}
_DISK_WARN, _DISK_FAIL = 2_000_000_000, 200_000_000
_SKEW = timedelta(minutes=5)


class Verdict(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Check:
    """What one check found.

    Attributes:
        name: what was looked at.
        verdict: whether it is good.
        detail: what was found.
        hint: what to do; empty when there is nothing to do.
        exit_code: what the doctor ends with when this check failed.
    """

    name: str
    verdict: Verdict
    detail: str
    hint: str = ""
    exit_code: ExitCode = ExitCode.DONE

    @classmethod
    def failed(cls, name: str, error: CryptoEltError) -> Check:
        """Return the failed check that an error makes."""
        usual = error.exit_code in {ExitCode.UNAVAILABLE, ExitCode.SCHEMA}
        code = error.exit_code if usual else ExitCode.CONFIGURATION
        return cls(name, Verdict.FAIL, error.message, error.hint, code)


def python_check(settings: Settings, clock: Clock) -> Check:  # noqa: ARG001 - all checks are called alike
    """See that this Python is new enough and runs from where the package is."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info < OLDEST_PYTHON:
        raise ConfigurationError(
            f"Python 3.11 or newer is needed, this is {version}", hint="run `make setup` with a newer one"
        )
    return Check("python", Verdict.OK, f"{version} ({sys.executable})")


def packages_check(settings: Settings, clock: Clock) -> Check:  # noqa: ARG001
    """See that Spark and Delta are the pair that fits."""
    found = {}
    for name, wanted in PAIR.items():
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError as exc:
            raise ConfigurationError(f"{name} is not installed", hint="run `make setup`") from exc
        if found[name] != wanted:
            raise ConfigurationError(f"{name} is {found[name]}, not {wanted}", hint=f"`pip install {name}=={wanted}`")
    return Check("packages", Verdict.OK, ", ".join(f"{name} {version}" for name, version in found.items()))


def java_check(settings: Settings, clock: Clock) -> Check:  # noqa: ARG001
    """See that there is a Java that Spark can use."""
    from cryptoelt.machine.java import find_java

    java = find_java(settings.cache_dir)
    return Check("java", Verdict.OK, f"{java.version} ({java.program})")


def jars_check(settings: Settings, clock: Clock) -> Check:  # noqa: ARG001
    """See that the jars are there, whole and the pinned ones."""
    from cryptoelt.machine.jars import PINNED, checksum, jar_paths

    for path, jar in zip(jar_paths(settings.cache_dir), PINNED, strict=True):
        if checksum(path) != jar.sha256:
            raise ConfigurationError(
                f"{path} is not the pinned file", hint="run `cryptoelt setup`; it fetches it again"
            )
    return Check("jars", Verdict.OK, f"{len(PINNED)} in {settings.cache_dir / 'jars'}")


def archive_check(settings: Settings, clock: Clock) -> Check:  # noqa: ARG001
    """See whether there is a class-data archive for this Java and these jars."""
    from cryptoelt.machine.cds import archive_path

    path = archive_path(settings.cache_dir)
    if path is None:
        hint = "run `cryptoelt setup`; until then every run starts some 5 s slower"
        return Check("class-data archive", Verdict.WARN, "none for this Java and these jars", hint)
    return Check("class-data archive", Verdict.OK, f"{path} ({path.stat().st_size / 1e6:.0f} MB)")


def settings_check(settings: Settings, clock: Clock) -> Check:  # noqa: ARG001
    """Say which files the settings were read from; that they could be read is the check."""
    read = [name for name in ("config.toml", ".env") if (settings.home / name).is_file()]
    files = " and ".join(["the environment", *read])
    return Check("settings", Verdict.OK, f"valid, from {files}")


def env_file_check(settings: Settings, clock: Clock) -> Check:  # noqa: ARG001
    """See that nobody else can read the file that holds the key."""
    path = settings.home / ".env"
    if not path.is_file():
        return Check(".env", Verdict.OK, "none")
    mode = path.stat().st_mode
    if mode & (stat.S_IRGRP | stat.S_IROTH):
        detail = f"{path} may be read by others (mode {stat.S_IMODE(mode):04o})"
        return Check(".env", Verdict.WARN, detail, f"it holds secrets: `chmod 600 {shlex.quote(str(path))}`")
    return Check(".env", Verdict.OK, f"{path}, readable by its owner alone")


def key_check(settings: Settings, clock: Clock) -> Check:  # noqa: ARG001
    """See that an API key is set; it is neither shown nor tried."""
    settings.require_key()
    return Check("API key", Verdict.OK, f"set, for {settings.api.base_url}")


def home_check(settings: Settings, clock: Clock) -> Check:  # noqa: ARG001
    """See that the home can be written and that no other user's files are in the way."""
    home = settings.home
    if not home.is_dir():
        raise ConfigurationError(
            f"the home {home} does not exist",
            hint=f"correct CRYPTOELT_HOME, or make it: `mkdir -p {shlex.quote(str(home))}`",
        )
    folders = [home, settings.metadata_dir, settings.logs_dir]
    if settings.lake.root is None:
        folders.append(Path(settings.lake_root))
    for folder in folders:
        if folder.is_dir():
            _try_write(folder)
    return Check("home", Verdict.OK, str(home))


def _try_write(folder: Path) -> None:
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-"):
            pass
    except OSError as exc:
        hint = f"give it to the user of the runs: `chown -R {os.geteuid()} {folder}`"
        raise ConfigurationError(f"{folder} cannot be written: {exc.strerror}", hint=hint) from exc


def disk_check(settings: Settings, clock: Clock) -> Check:  # noqa: ARG001
    """See that the disk of the home has room."""
    folder = next(place for place in (settings.home, *settings.home.parents) if place.exists())
    free = shutil.disk_usage(folder).free
    detail = f"{free / 1e9:.1f} GB free below {folder}"
    if free < _DISK_FAIL:
        raise ConfigurationError(detail, hint="free some space: nothing can be fetched onto a full disk")
    if free < _DISK_WARN:
        return Check("disk", Verdict.WARN, detail, "free some space soon")
    return Check("disk", Verdict.OK, detail)


def clock_check(settings: Settings, clock: Clock) -> Check:
    """See that the clock does not stand before what has been written already; windows and credits go by it."""
    now = clock.now()
    written = [Path(__file__), *settings.metadata_dir.glob("*/*.json*")]
    newest = max(written, key=lambda path: path.stat().st_mtime)
    latest = datetime.fromtimestamp(newest.stat().st_mtime, UTC)
    if latest > now + _SKEW:
        detail = (
            f"it is {iso(now.replace(microsecond=0))}, but {newest} was written {iso(latest.replace(microsecond=0))}"
        )
        return Check("clock", Verdict.WARN, detail, "set the machine's clock (timedatectl, chrony)")
    return Check("clock", Verdict.OK, iso(now.replace(microsecond=0)))


def minute_check(settings: Settings, clock: Clock) -> Check:
    """See that the count of requests of this minute is readable and not from the future."""
    from cryptoelt.api.key_plan import limits_of
    from cryptoelt.api.minute import times_in

    path = settings.metadata_dir / "api" / "minute.json"
    try:
        times = times_in(path.read_bytes())
    except FileNotFoundError:
        return Check("minute limit", Verdict.OK, "no request yet")
    except (OSError, ValueError) as exc:
        hint = f"remove it: the next request then waits for nothing older (`rm {path}`)"
        return Check("minute limit", Verdict.WARN, f"{path} cannot be read: {exc}", hint)
    now = clock.now().timestamp()
    recent, limit = sum(now - 60 < at <= now for at in times), limits_of(settings)["api.requests_per_minute"]
    if any(at > now + _SKEW.total_seconds() for at in times):
        return Check("minute limit", Verdict.WARN, f"{path} has times of the future", "set the machine's clock")
    return Check("minute limit", Verdict.OK, f"{recent} of {limit.value} in the last minute")


def snapshots_check(settings: Settings, clock: Clock) -> Check:
    """See that no snapshot lies in the future, and that what was set aside has left Silver and the warehouse."""
    from cryptoelt.api.catalogue import ENDPOINTS
    from cryptoelt.lake.bronze import Bronze
    from cryptoelt.lake.store import open_store
    from cryptoelt.metadata.aside import AsideJournal
    from cryptoelt.pipeline.future import REMEDY, future_snapshots, named

    bronze = Bronze(open_store(settings.lake_root))
    found = future_snapshots(bronze, ENDPOINTS, clock.now())
    if found:
        hint = f"a wrong clock stamped them: `{REMEDY} --dry-run` shows them, `{REMEDY}` takes them out"
        return Check("snapshots", Verdict.WARN, f"in the future: {named(found)}", hint)
    if AsideJournal(settings.metadata_dir).is_unfinished():
        detail = "some were set aside, and may still be in Silver and the warehouse"
        return Check("snapshots", Verdict.WARN, detail, f"run `{REMEDY}`, which completes it")
    torn = {name: [source.snapshot for source in sources] for name in ENDPOINTS if (sources := bronze.torn(name))}
    if torn:
        return Check(
            "snapshots", Verdict.WARN, f"set aside in part: {named(torn)}", f"run `{REMEDY}`, which completes it"
        )
    return Check("snapshots", Verdict.OK, "none in the future")


def lock_check(settings: Settings, clock: Clock) -> Check:  # noqa: ARG001
    """See whether a run holds the home now."""
    from cryptoelt.locks import file_lock

    path = settings.home / ".lock"
    if not path.exists():
        return Check("lock", Verdict.OK, "free")
    try:
        with file_lock(path, wait=0):
            return Check("lock", Verdict.OK, "free")
    except LockedError as exc:
        return Check("lock", Verdict.OK, exc.message)
