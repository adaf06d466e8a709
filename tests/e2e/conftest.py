"""Parts of end-to-end tests: the command line as a process, and homes with a warehouse of their own."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from tests.support.cli import Cli, embedded_postgres, home_env
from tests.support.evidence import create_database
from tests.support.in_process import InProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cryptoelt.sandbox.server import SandboxServer


@pytest.fixture
def cli(home: Path, sandbox: SandboxServer) -> Cli:
    """The command line in an empty home, pointed at the sandbox; retries do not wait."""
    return Cli(home, home_env(home, sandbox, API__MAX_WAIT="0"))


@pytest.fixture
def in_process(home: Path, sandbox: SandboxServer) -> InProcess:
    """The same, without a process of its own."""
    return InProcess(home, home_env(home, sandbox, API__MAX_WAIT="0"))


@pytest.fixture(scope="session")
def make_embedded_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Path]]:
    """Make homes whose embedded PostgreSQL is ended and removed when the tests are over."""
    made: list[Path] = []

    def make(name: str) -> Path:
        made.append(tmp_path_factory.mktemp(name, numbered=True))
        return made[-1]

    yield make
    for folder in made:
        embedded_postgres(folder).remove()


@pytest.fixture
def embedded_home(home: Path) -> Iterator[Path]:
    """The empty home; an embedded PostgreSQL that a command starts in it is ended and removed."""
    yield home
    embedded_postgres(home).remove()


@pytest.fixture(scope="session")
def make_database(make_embedded_home: Callable[[str], Path]) -> Callable[[], str]:
    """Make empty databases on a server that is the embedded one of no tested home, as a team's own server is."""
    server = make_embedded_home("server")
    numbers = itertools.count(1)
    return lambda: create_database(server, f"team_{next(numbers)}")
