"""The three jars that Spark needs beside its own: fetched once, pinned by version and checksum."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryptoelt.errors import ConfigurationError, StorageError
from cryptoelt.locks import file_lock
from cryptoelt.machine.pyspark_place import pyspark_jars
from cryptoelt.metadata.jsonl import sync_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptoelt.machine.java import Java

_PATIENCE = 600


@dataclass(frozen=True)
class Jar:
    """A jar by its Maven coordinates and checksum."""

    organisation: str
    module: str
    revision: str
    sha256: str

    @property
    def file_name(self) -> str:
        """The file's name."""
        return f"{self.module}-{self.revision}.jar"


PINNED = (
    Jar(
        "io.delta",
        "delta-spark_4.2_2.13",
        "4.4.0",
        "27d4fd8b1f879535c573ed1c718177d6a27f24d3e626ba02e216369725721ead",
    ),
    Jar("io.delta", "delta-storage", "4.4.0", "c46735481fa8e326b0957be02b4420cbcab4b325bb08009b7f2045a95133f1cc"),
    Jar("org.postgresql", "postgresql", "42.7.14", "73914527305a40cce504b0d3d90b23caf565136912d607ae8ae7c5895512332c"),
)


def jar_paths(cache_dir: Path) -> list[Path]:
    """Return the jars' paths without reading them.

    Raises:
        ConfigurationError: one is missing.
    """
    paths = [cache_dir / "jars" / jar.file_name for jar in PINNED]
    for path in paths:
        if not path.is_file():
            raise ConfigurationError(f"{path} is missing: this machine is not set up", hint="run `cryptoelt setup`")
    return paths


def ensure_jars(
    cache_dir: Path, java: Java, *, ivy_settings: Path | None = None, jars: Sequence[Jar] = PINNED
) -> list[Path]:
    """Bring the jars into the cache if they are not there whole; return their paths.

    Args:
        cache_dir: the machine's cache; the jars go to its folder `jars`.
        java: runs Ivy, which Spark brings along.
        ivy_settings: an Ivy settings file, for a mirror; None for the public repository.
        jars: what to fetch.

    Raises:
        StorageError: a jar that was fetched is not the pinned one, or the cache cannot be written.
        ConfigurationError: a jar cannot be fetched.
    """
    folder = cache_dir / "jars"
    with file_lock(cache_dir / ".jars.lock"):
        missing = [jar for jar in jars if checksum(folder / jar.file_name) != jar.sha256]
        if missing:
            try:
                folder.mkdir(exist_ok=True)
                # Beside the final place, so that the rename is one step; what a killed set-up left is cleared away.
                for left in folder.glob(".fetch-*"):
                    shutil.rmtree(left)
                with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder) as scratch:
                    _fetch(missing, Path(scratch), java, ivy_settings)
                    _publish(missing, Path(scratch), folder)
            except OSError as exc:
                raise StorageError(
                    f"cannot write {folder}: {exc.strerror}", hint="check free space and the folder's owner"
                ) from exc
    return [folder / jar.file_name for jar in jars]


def checksum(path: Path) -> str | None:
    """Return the SHA-256 of a file, None where there is none."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def _fetch(jars: Sequence[Jar], scratch: Path, java: Java, ivy_settings: Path | None) -> None:
    """Let Ivy resolve the jars, and nothing that they depend on: Spark has all of it already."""
    wanted = "".join(
        f'<dependency org="{jar.organisation}" name="{jar.module}" rev="{jar.revision}" transitive="false"'
        ' conf="default->master(*)"/>'
        for jar in jars
    )
    module = scratch / "ivy.xml"
    module.write_text(
        '<ivy-module version="2.0"><info organisation="cryptoelt" module="jars"/>'
        f'<configurations><conf name="default"/></configurations><dependencies>{wanted}</dependencies></ivy-module>',
        encoding="utf-8",
    )
    places = ["-cache", scratch / "cache", "-ivy", module, "-retrieve", scratch / "[artifact]-[revision].[ext]"]
    settings = ["-settings", ivy_settings] if ivy_settings is not None else []
    command = [java.program, "-cp", _ivy(), "org.apache.ivy.Main", *settings, *places, "-types", "jar", "bundle"]
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments, no shell
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE,
        )
    except subprocess.TimeoutExpired:
        said = f"no answer within {_PATIENCE} s"
    else:
        if all((scratch / jar.file_name).is_file() for jar in jars):
            return
        said = _reason(done.stdout + done.stderr)
    names = ", ".join(jar.file_name for jar in jars if not (scratch / jar.file_name).is_file())
    raise ConfigurationError(
        f"cannot fetch {names}: {said}",
        hint="check the network; a mirror is set by spark.jars.ivySettings in [spark.conf] of config.toml; or put the "
        f"files into {scratch.parent} yourself",
    )


def _ivy() -> Path:
    found = sorted(pyspark_jars().glob("ivy-*.jar"))
    if not found:
        raise ConfigurationError("pyspark has no Ivy among its jars", hint="run `make setup` to install pyspark anew")
    return found[-1]


def _reason(output: str) -> str:
    telling = [
        line.strip() for line in output.splitlines() if "xception" in line or "not found" in line or "rror" in line
    ]
    return (telling or output.strip().splitlines() or ["Ivy says nothing"])[0].lstrip(": ")


def _publish(jars: Sequence[Jar], scratch: Path, folder: Path) -> None:
    """Move the jars in place, all or none."""
    for jar in jars:
        found = checksum(scratch / jar.file_name)
        if found != jar.sha256:
            raise StorageError(
                f"{jar.file_name} is not the pinned file: its SHA-256 is {found}, expected {jar.sha256}",
                hint="nothing was kept; something on the way changed the file, so try another network or mirror",
            )
    for jar in jars:
        path = scratch / jar.file_name
        path.chmod(0o644)
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
        path.replace(folder / jar.file_name)
    sync_folder(folder)
