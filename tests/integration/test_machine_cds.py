"""The class-data archive: made whole or not at all, found only where it fits."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from cryptoelt.errors import StorageError
from cryptoelt.machine.cds import archive_path, ensure_archive
from cryptoelt.machine.jars import jar_paths
from cryptoelt.machine.java import find_java
from cryptoelt.machine.pyspark_place import pyspark_jars
from cryptoelt.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache with the real jars and no archive."""
    folder = tmp_path / "cache"
    (folder / "jars").mkdir(parents=True)
    for path in jar_paths(Settings().cache_dir):
        shutil.copy2(path, folder / "jars")
    return folder


def hello(options: list[str]) -> None:
    """Run a JVM that loads a few classes of Spark's jars and ends in order."""
    classes = next(pyspark_jars().glob("ivy-*.jar"))
    command = [str(find_java().program), *options, "-cp", str(classes), "org.apache.ivy.Main", "-version"]
    subprocess.run(command, check=True, capture_output=True)


def make(cache: Path, train: Callable[[list[str]], None] = hello) -> tuple[Path, bool]:
    """Make an archive, small as that of a small training is."""
    return ensure_archive(cache, train, smallest=100_000)


def test_an_archive_is_made_once_and_found_again(cache: Path) -> None:
    assert archive_path(cache) is None

    path, made = make(cache)

    assert made
    assert archive_path(cache) == path
    assert make(cache) == (path, False)


def test_java_accepts_the_archive_it_made(cache: Path) -> None:
    path, _ = make(cache)

    hello([f"-XX:SharedArchiveFile={path}", "-Xshare:on"])  # "on" ends the JVM when the archive does not fit


def test_a_training_that_fails_leaves_no_archive(cache: Path) -> None:
    def fails(options: list[str]) -> None:
        hello(options)
        raise StorageError("the training run failed")

    with pytest.raises(StorageError, match="training run failed"):
        make(cache, fails)
    assert archive_path(cache) is None
    assert make(cache)[1]
    assert not list((cache / "cds").glob("*.new"))


def test_a_dump_that_is_too_small_to_be_whole_is_thrown_away(cache: Path) -> None:
    with pytest.raises(StorageError, match="no whole class-data archive"):
        ensure_archive(cache, hello, smallest=10**9)
    assert list((cache / "cds").iterdir()) == []


def test_other_jars_need_another_archive_and_the_former_one_is_removed(cache: Path) -> None:
    former, _ = make(cache)
    jar = jar_paths(cache)[0]
    os.utime(jar, ns=(0, 0))

    assert archive_path(cache) is None
    path, _ = make(cache)
    assert path != former
    assert sorted(found.name for found in (cache / "cds").iterdir()) == [path.name, f"{path.stem}.json"]
    assert not former.exists()


def test_a_machine_without_jars_has_no_archive(tmp_path: Path) -> None:
    assert archive_path(tmp_path) is None


def test_a_java_that_has_no_release_file_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "jdk" / "bin" / "java"
    program.parent.mkdir(parents=True)
    calls = tmp_path / "calls"
    program.write_text(f"#!/bin/sh\necho asked >> {calls}\necho 'openjdk version \"17.0.9\"' >&2\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))

    assert [find_java(tmp_path).version for _ in range(3)] == ["17.0.9"] * 3
    assert calls.read_text(encoding="utf-8") == "asked\n"
