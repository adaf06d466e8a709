"""Parts that tests of several kinds share: a small sandbox, a home, the one SparkSession of a test session."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import hypothesis
import pytest
from pydantic import SecretStr

from cryptoelt.sandbox.server import SandboxServer
from cryptoelt.settings import ApiSettings, Settings
from tests.support.chance import is_drawn_anew

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cryptoelt.spark import SparkHost


# A busy machine is no defect, and a failing example is printed with the failure: nothing is kept between runs.
hypothesis.settings.register_profile(
    "suite", deadline=None, database=None, print_blob=True, derandomize=not is_drawn_anew()
)
hypothesis.settings.load_profile("suite")


#: Files of tests that take longest: where two files run at a time, they must not be the last ones.
_LONGEST = (
    "test_backfill.py",
    "test_backfill_killed.py",
    "test_whole_market.py",
    "test_killed_runs.py",
    "test_signals.py",
    "test_market_story.py",
    "test_trace.py",
    "test_catching_up.py",
    "test_key_never_leaks.py",
    "test_fault_matrix.py",
    "test_load_any_order.py",
    "test_numbers.py",
    "test_output.py",
    "test_failures.py",
    "test_damage.py",
    "test_demo.py",
    "test_transform.py",
    "test_roles.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files."""
    ranks = {name: rank for rank, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path.name, len(ranks)))


@pytest.fixture
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the settings of whoever runs the tests."""
    for name in [name for name in os.environ if name.upper().startswith("CRYPTOELT_") or name.upper() == "CMC_API_KEY"]:
        monkeypatch.delenv(name)


@pytest.fixture
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes that need not outlive the machine: for tests of many small files."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    """A small market that moves every second and has no limit a test could meet by accident."""
    with SandboxServer(seed=7, world="small", refresh=1, minute_limit=100_000) as server:
        yield server


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def settings(home: Path, sandbox: SandboxServer) -> Settings:
    """Settings of the home, pointed at the sandbox; retries do not wait."""
    api = ApiSettings(base_url=sandbox.base_url, key=SecretStr("canary"), max_wait=0, requests_per_minute=100_000)
    return Settings(home=home, api=api)


@pytest.fixture(scope="session")
def spark_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkHost]:
    """The one SparkSession that all tests of a session share."""
    from cryptoelt.machine.cds import archive_path
    from cryptoelt.machine.jars import jar_paths
    from cryptoelt.spark import SparkHost, SparkSetup

    cache = Settings().cache_dir
    folder = tmp_path_factory.mktemp("spark")
    setup = SparkSetup(
        master="local[2]",
        jars=tuple(jar_paths(cache)),
        archive=archive_path(cache),
        scratch=folder / "scratch",
        log_file=folder / "spark.log",
        conf={},
    )
    host = SparkHost(setup)
    yield host
    host.stop()


@pytest.fixture
def closed_port() -> int:
    """A port of 127.0.0.1 on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
