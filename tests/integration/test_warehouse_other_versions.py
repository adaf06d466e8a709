"""The oldest PostgreSQL we promise, and any other found on the machine, serve as well as the embedded one."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from cryptoelt.clock import Clock
from cryptoelt.errors import ConfigurationError
from cryptoelt.machine.server_place import server_user
from cryptoelt.warehouse import migrations
from cryptoelt.warehouse.engine import OLDEST_SERVER, Warehouse
from cryptoelt.warehouse.roles import ROLES, set_up_roles
from tests.support.granted import DEEDS, MAY, VIEWS, execute, may, rows, seen_by
from tests.support.loading import Loading
from tests.support.models import differences
from tests.support.silver_writer import asset, at, category, category_fact, exchange_figures, members

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.silver_writer import SilverWriter

_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")
INSTALLED = sorted(
    {folder for place in _PLACES for folder in Path("/").glob(place[1:]) if (folder / "initdb").is_file()}
)
_NONE = pytest.param(None, marks=pytest.mark.skip(reason="no other PostgreSQL on this machine"))
_PARAMETERS: list[Any] = [*INSTALLED] or [_NONE]


@pytest.fixture(
    scope="module",
    params=_PARAMETERS,
    ids=str,
)
def other_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """An empty database on a server of another version."""
    programs: Path = request.param
    user = server_user(tmp_path_factory.mktemp("other"))
    folder = Path(tempfile.mkdtemp(prefix="cryptoelt-other-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    secret = folder / "password"
    secret.write_text("s3cret", encoding="ascii")
    for path in (folder, secret):
        user.own(path)

    def run(program: str, *arguments: str) -> None:
        command = [str(programs / program), "-D", str(folder / "data"), *arguments]
        output = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(command, cwd="/", check=True, timeout=120, **output, **user.run_as)  # type: ignore[call-overload]

    run(
        "initdb",
        "-U",
        "owner",
        "-A",
        "scram-sha-256",
        "--pwfile",
        str(secret),
        "-E",
        "UTF8",
        "--no-locale",
        "--no-sync",
    )
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
    run("pg_ctl", "-w", "-o", options, "-l", str(folder / "log"), "start")
    try:
        yield Warehouse(SecretStr(f"postgresql://owner:s3cret@127.0.0.1:{port}/postgres"), Clock())
    finally:
        run("pg_ctl", "-m", "immediate", "stop")
        shutil.rmtree(folder)


def is_promised(server: Warehouse) -> bool:
    try:
        server.connect().close()
    except ConfigurationError as refused:
        assert f"{OLDEST_SERVER} or newer" in refused.message
        return False
    return True


def test_it_migrates_loads_and_migrates_back(other_server: Warehouse, lake: SilverWriter, tmp_path: Path) -> None:
    if not is_promised(other_server):
        pytest.skip("older than what is promised, and refused as such")
    migrations.upgrade(other_server)
    assert differences(other_server) == []
    lake.reject("dim_crypto_category", at(0), [("rule", "{}")])
    for number, name in enumerate(["A", "B"]):
        lake.commit("dim_crypto_category", {at(number): [category(1, name)]})
        lake.commit("fact_crypto_category", {at(number): [category_fact(1), category_fact(2)]})
    load = Loading(other_server, lake.root, tmp_path / "metadata")
    assert load("dim_crypto_category").rows_in == 3
    assert load("fact_crypto_category").rows_loaded == 4
    lake.commit("dim_crypto_category", {at(-1): [category(1, "Z")]})
    load("dim_crypto_category")
    former = load.rows("SELECT name FROM dwh.dim_crypto_category_history ORDER BY valid_from")
    assert former == [("Z",), ("A",)]
    lake.commit("fact_exchange_assets", {at(1): [asset(1, 1, 6.0)]})
    lake.commit("fact_exchange_info", {at(0): [exchange_figures(1, 3.0)]})
    lake.commit("link_crypto_category", {at(number): members(number, [[1]]) for number in (0, 2)})
    for table in ("fact_exchange_assets", "fact_exchange_info", "link_crypto_category"):
        load(table)
    assert load.rows("SELECT value_to_volume_ratio FROM dwh.fact_exchange_assets") == [(2.0,)]
    links = "SELECT category_id, valid_from, valid_to FROM dwh.link_crypto_category ORDER BY 1"
    assert load.rows(links) == [("c0", at(0), at(1)), ("c2", at(2), None)]
    with other_server.run_lock(0):
        assert migrations.downgrade(other_server, "base") == "base"
    assert migrations.upgrade(other_server) == migrations.head()


@pytest.mark.parametrize("is_superuser", [True, False])
def test_its_roles_may_do_what_they_may_on_the_embedded_one(other_server: Warehouse, is_superuser: bool) -> None:
    if not is_promised(other_server):
        pytest.skip("older than what is promised, and refused as such")
    user = "chief" if is_superuser else "boss"
    password = SecretStr("s3cret")
    attributes = "SUPERUSER" if is_superuser else "CREATEROLE CREATEDB"
    execute(other_server, f"CREATE ROLE {user} LOGIN {attributes} PASSWORD 's3cret'")
    execute(other_server, f"CREATE DATABASE {user} OWNER {user} TEMPLATE template0")
    owner = seen_by(other_server.beside(user), user, password)
    migrations.upgrade(owner)
    execute(owner, VIEWS)
    passwords = dict.fromkeys(ROLES, password)
    for _ in range(2):
        set_up_roles(owner, passwords)
    for role in ROLES:
        login = seen_by(owner, role, password)
        assert {deed for deed, statement in DEEDS.items() if may(login, statement)} == MAY[role], role
    migrations.downgrade(owner, "0006")
    migrations.upgrade(owner)
    assert rows(owner, "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname IN ('dwh', 'ops')") == [("admin",)]
