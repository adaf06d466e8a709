"""The jars: fetched by the real Ivy from a folder that stands for the repository, and checked."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cryptoelt.errors import ConfigurationError, StorageError
from cryptoelt.machine.jars import PINNED, Jar, checksum, ensure_jars, jar_paths
from cryptoelt.machine.java import find_java
from cryptoelt.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

_CONTENT = b"classes"
JARS = [Jar("org.example", name, "1.0", hashlib.sha256(_CONTENT).hexdigest()) for name in ("one", "two")]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A folder with both jars, and beside it the Ivy settings that lead there."""
    folder = tmp_path / "repository"
    folder.mkdir()
    for jar in JARS:
        (folder / jar.file_name).write_bytes(_CONTENT)
    (tmp_path / "ivysettings.xml").write_text(
        '<ivysettings><settings defaultResolver="folder"/><resolvers><filesystem name="folder">'
        f'<artifact pattern="{folder}/[artifact]-[revision].[ext]"/></filesystem></resolvers></ivysettings>',
        encoding="utf-8",
    )
    return folder


def fetch(tmp_path: Path, jars: list[Jar] | None = None) -> list[Path]:
    """Bring the jars from the test's repository into the test's cache."""
    return ensure_jars(tmp_path / "cache", find_java(), ivy_settings=tmp_path / "ivysettings.xml", jars=jars or JARS)


def files(tmp_path: Path) -> list[str]:
    """Return the names of all files and folders in the cache's folder of jars."""
    return sorted(path.name for path in (tmp_path / "cache" / "jars").iterdir())


def test_jars_are_fetched_once_and_then_left_alone(tmp_path: Path, repository: Path) -> None:
    paths = fetch(tmp_path)
    assert [path.read_bytes() for path in paths] == [_CONTENT, _CONTENT]
    assert files(tmp_path) == ["one-1.0.jar", "two-1.0.jar"]

    written = [path.stat().st_mtime_ns for path in paths]
    for path in repository.iterdir():
        path.unlink()
    assert [path.stat().st_mtime_ns for path in fetch(tmp_path)] == written


def test_a_jar_that_is_not_the_pinned_one_is_refused_and_leaves_nothing(tmp_path: Path, repository: Path) -> None:
    (repository / "two-1.0.jar").write_bytes(b"other classes")

    with pytest.raises(StorageError, match=r"two-1\.0\.jar is not the pinned file"):
        fetch(tmp_path)
    assert files(tmp_path) == []


def test_a_damaged_jar_is_fetched_again(tmp_path: Path, repository: Path) -> None:
    first, second = fetch(tmp_path)
    first.write_bytes(b"torn")
    untouched = second.stat().st_mtime_ns

    fetch(tmp_path)

    assert first.read_bytes() == _CONTENT
    assert second.stat().st_mtime_ns == untouched


def test_a_jar_that_nobody_has_is_named(tmp_path: Path, repository: Path) -> None:
    missing = replace(JARS[0], module="three")

    with pytest.raises(ConfigurationError, match=r"cannot fetch .*three-1\.0\.jar") as caught:
        fetch(tmp_path, [*JARS, missing])
    assert str(tmp_path / "cache" / "jars") in caught.value.hint
    assert files(tmp_path) == []


def test_what_a_killed_set_up_left_is_cleared_away(tmp_path: Path, repository: Path) -> None:
    left = tmp_path / "cache" / "jars" / ".fetch-left"
    left.mkdir(parents=True)
    (left / "one-1.0.jar").write_bytes(b"half")

    fetch(tmp_path)

    assert files(tmp_path) == ["one-1.0.jar", "two-1.0.jar"]


def test_two_set_ups_at_once_both_succeed(tmp_path: Path, repository: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tests.integration.test_machine_jars import fetch;"
        "print(*fetch(Path(sys.argv[1])))"
    )
    runs = [
        subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    said = [run.communicate()[0] for run in runs]

    assert [run.returncode for run in runs] == [0, 0, 0]
    assert len(set(said)) == 1
    assert files(tmp_path) == ["one-1.0.jar", "two-1.0.jar"]


def test_a_machine_that_is_not_set_up_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="not set up") as caught:
        jar_paths(tmp_path)
    assert caught.value.hint == "run `cryptoelt setup`"


def test_the_jars_of_this_machine_are_the_pinned_ones() -> None:
    found = [checksum(path) for path in jar_paths(Settings().cache_dir)]

    assert found == [jar.sha256 for jar in PINNED]
