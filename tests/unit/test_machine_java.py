"""Which Java is taken, and what is said when it is not good enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cryptoelt.errors import ConfigurationError
from cryptoelt.machine.java import Java, find_java, install_hint

if TYPE_CHECKING:
    from pathlib import Path


def runtime(folder: Path, version: str, modules: str = "java.base jdk.incubator.vector") -> Path:
    """Lay a Java runtime that says its version in its `release` file and cannot be started."""
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    text = f'JAVA_VERSION="{version.partition("+")[0]}"\nJAVA_RUNTIME_VERSION="{version}"\nMODULES="{modules}"\n'
    (folder / "release").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("version", "major"), [("1.8.0_402", 8), ("11.0.22", 11), ("17.0.15+6-Debian-1deb12u1", 17), ("25+36", 25)]
)
def test_the_feature_release_is_read_from_old_and_new_versions(tmp_path: Path, version: str, major: int) -> None:
    assert Java(tmp_path, version, "").major == major


def test_java_home_wins_over_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(runtime(tmp_path / "own", "21.0.4+7")))
    monkeypatch.setenv("PATH", str(runtime(tmp_path / "other", "17.0.1+1") / "bin"))

    assert find_java().version == "21.0.4+7"


def test_the_first_java_on_the_path_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path / 'none'}:{runtime(tmp_path / 'first', '17.0.1+1') / 'bin'}")

    assert find_java().program == tmp_path / "first" / "bin" / "java"


@pytest.mark.parametrize("version", ["1.8.0_402", "11.0.22+7", "16.0.2+7"])
def test_an_old_java_is_refused_with_the_command_that_installs_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.setenv("JAVA_HOME", str(runtime(tmp_path, version)))

    with pytest.raises(
        ConfigurationError, match=f"Java 17 or newer is needed, .* is {version.replace('+', '.')}"
    ) as caught:
        find_java()
    assert caught.value.message.endswith(f": {install_hint()}")


def test_a_slimmed_java_that_spark_cannot_use_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(runtime(tmp_path, "21.0.4+7", modules="java.base java.sql")))

    with pytest.raises(ConfigurationError, match=r"without the module jdk\.incubator\.vector"):
        find_java()


def test_a_machine_without_java_is_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ConfigurationError, match="none was found"):
        find_java()


def test_a_java_home_that_leads_nowhere_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))

    with pytest.raises(ConfigurationError, match=f"JAVA_HOME is {tmp_path}"):
        find_java()


@pytest.mark.parametrize(
    ("tool", "command"), [("apt-get", "apt-get install"), ("dnf", "dnf install"), ("brew", "brew install")]
)
def test_the_hint_fits_the_package_manager(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: str, command: str
) -> None:
    (tmp_path / tool).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert command in install_hint()


def test_a_replaced_runtime_has_another_identity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(runtime(tmp_path, "17.0.1+1")))
    before = find_java().identity
    (tmp_path / "release").write_text('JAVA_RUNTIME_VERSION="17.0.2+8"\n', encoding="utf-8")

    assert find_java().identity != before
