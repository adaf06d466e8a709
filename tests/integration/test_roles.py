"""What each role may do and may not, as real logins find it."""

from __future__ import annotations

import itertools
import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import psycopg2
import pytest
from pydantic import SecretStr

from cryptoelt.clock import Clock
from cryptoelt.errors import ConfigurationError, SchemaError
from cryptoelt.settings import Settings
from cryptoelt.warehouse import migrations, sql_files
from cryptoelt.warehouse.embedded import EmbeddedPostgres
from cryptoelt.warehouse.engine import Warehouse
from cryptoelt.warehouse.roles import ROLES, set_up_roles
from tests.support.cli import home_env
from tests.support.granted import DEEDS, MAY, PASSWORDS, VIEWS, execute, may, rows, seen_by
from tests.support.in_process import InProcess
from tests.support.loading import Loading
from tests.support.silver_writer import asset, at, category, coin, exchange, exchange_figures, exchange_map, members

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.cli import Finished
    from tests.support.silver_writer import SilverWriter

STATE = """
    SELECT 'table', c.oid::regclass::text, c.relowner::regrole::text, a::text
    FROM pg_class AS c LEFT JOIN LATERAL aclexplode(c.relacl) AS a ON true
    WHERE c.relnamespace IN ('dwh'::regnamespace, 'ops'::regnamespace, 'analytics'::regnamespace)
    UNION ALL SELECT 'column', attrelid::regclass::text, attname, attacl::text FROM pg_attribute WHERE attacl <> '{}'
    UNION ALL SELECT 'schema', n.nspname, n.nspowner::regrole::text, a::text
    FROM pg_namespace AS n LEFT JOIN LATERAL aclexplode(n.nspacl) AS a ON true WHERE n.nspname !~ '^pg_'
    UNION ALL SELECT 'routine', p.oid::regprocedure::text, p.proowner::regrole::text, a::text
    FROM pg_proc AS p LEFT JOIN LATERAL aclexplode(p.proacl) AS a ON true WHERE p.pronamespace = 'dwh'::regnamespace
    UNION ALL SELECT 'database', datname, datdba::regrole::text, a::text
    FROM pg_database LEFT JOIN LATERAL aclexplode(datacl) AS a ON true WHERE datname = current_database()
    UNION ALL SELECT 'default', d.defaclnamespace::regnamespace::text, d.defaclobjtype::text, a::text
    FROM pg_default_acl AS d, aclexplode(d.defaclacl) AS a
    UNION ALL SELECT 'role', rolname, concat(rolcreaterole, rolcreatedb, rolinherit, rolcanlogin, rolbypassrls), ''
    FROM pg_roles WHERE rolname !~ '^pg_'
    UNION ALL SELECT 'member', roleid::regrole::text, member::regrole::text, admin_option::text FROM pg_auth_members
    WHERE roleid::regrole::text !~ '^pg_'
    UNION ALL SELECT 'setting', setrole::regrole::text, setconfig::text, '' FROM pg_db_role_setting
    WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
    ORDER BY 1, 2, 3, 4
"""


class Cluster:
    """A server of its own, since roles belong to the whole of it."""

    def __init__(self, home: Path) -> None:
        self.server = EmbeddedPostgres(home, Settings().cache_dir)
        self.log = home / ".postgres" / "server.log"
        self.owner = Warehouse(self.server.ensure_running(), Clock())
        for setting, value in {"fsync": "off", "log_statement": "all", "log_min_error_statement": "error"}.items():
            execute(self.owner, f"ALTER SYSTEM SET {setting} = '{value}'")
        execute(self.owner, "SELECT pg_reload_conf()")
        execute(self.owner, "CREATE DATABASE at_head TEMPLATE template0")
        migrations.upgrade(self.owner.beside("at_head"))
        self._numbers = itertools.count(1)

    def database(self, template: str = "at_head") -> Warehouse:
        """Make a database and return it as its owner sees it."""
        name = f"Team {next(self._numbers)}"  # a name that has to be quoted
        execute(self.owner, f'CREATE DATABASE "{name}" TEMPLATE {template}')
        return seen_by(self.owner.beside(name), "cryptoelt", self.owner.password)

    def reset(self) -> None:
        """Leave neither a database nor a role of a test."""
        kept = "('cryptoelt', 'postgres', 'at_head')"
        for (name,) in rows(
            self.owner, f"SELECT datname FROM pg_database WHERE NOT datistemplate AND datname NOT IN {kept}"
        ):
            execute(self.owner, f'DROP DATABASE "{name}" WITH (FORCE)')
        names = rows(self.owner, "SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' AND rolname <> 'cryptoelt'")
        execute(self.owner, f"DROP ROLE {', '.join(name for (name,) in names)}")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("roles"))
    yield made
    made.server.remove()


@pytest.fixture(scope="module")
def other_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("bare"))
    yield made
    made.server.remove()


@pytest.fixture
def bare_cluster(other_cluster: Cluster) -> Iterator[Cluster]:
    """A server that has none of the roles."""
    yield other_cluster
    other_cluster.reset()


@pytest.fixture(scope="module")
def team(cluster: Cluster) -> Warehouse:
    """A warehouse with views, and with roles that all have a password."""
    made = cluster.database()
    execute(made, VIEWS)
    set_up_roles(made, PASSWORDS)
    return made


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_it_should_and_nothing_else(team: Warehouse, role: str) -> None:
    login = seen_by(team, role)
    assert {deed for deed, statement in DEEDS.items() if may(login, statement)} == MAY[role]


def test_admin_makes_and_manages_roles_and_databases(team: Warehouse) -> None:
    admin = seen_by(team, "admin")
    for statement in ("CREATE DATABASE admins", "DROP DATABASE admins", "CREATE ROLE alice", "GRANT analyst TO alice"):
        execute(admin, statement)
    execute(admin, "ALTER ROLE alice LOGIN PASSWORD 's3cret'")
    assert may(seen_by(team, "alice", SecretStr("s3cret")), DEEDS["make a table in sandbox"])
    for statement in ("DROP ROLE alice", "ALTER ROLE bi_user NOLOGIN", "ALTER ROLE bi_user LOGIN"):
        execute(admin, statement)


def test_names_need_no_schema_and_what_one_makes_stands_in_ones_own_sandbox(team: Warehouse) -> None:
    assert may(seen_by(team, "bi_user"), "SELECT * FROM vw_caps, vw_missing_caps")
    analyst = seen_by(team, "analyst")
    execute(analyst, "CREATE TABLE mine AS SELECT * FROM vw_caps")
    assert rows(team, "SELECT count(*) FROM sandbox.mine") == [(0,)]
    assert not may(seen_by(team, "data_scientist"), "SELECT * FROM sandbox.mine")


def test_setting_up_again_changes_nothing(team: Warehouse) -> None:
    before = rows(team, STATE)
    told = set_up_roles(team, {})
    assert rows(team, STATE) == before
    assert [(role.name, role.can_login, role.is_new, role.has_new_password) for role in told] == [
        (name, True, False, False) for name in ROLES
    ]
    assert set_up_roles(seen_by(team, "admin"), {}) == told, "admin may do it too"
    # What may be done in the database itself has been said by its owner, and now by admin too.
    assert [row for row in rows(team, STATE) if row[0] != "database"] == [row for row in before if row[0] != "database"]


@pytest.mark.parametrize(
    "drift",
    [
        "REVOKE SELECT ON analytics.vw_caps FROM bi_user",
        "REVOKE USAGE ON SCHEMA monitoring FROM analyst",
        "REVOKE EXECUTE ON PROCEDURE dwh.fill_nulls_exchange_map_info FROM pipeline",
        "GRANT SELECT ON dwh.fact_global_market TO bi_user",
        "GRANT UPDATE (name) ON dwh.dim_exchange_id TO analyst",
        "GRANT USAGE ON SCHEMA dwh TO PUBLIC; GRANT SELECT ON ALL TABLES IN SCHEMA dwh TO PUBLIC",
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        "GRANT CREATE ON SCHEMA dwh TO data_engineer WITH GRANT OPTION",
        "ALTER ROLE analyst CREATEROLE CREATEDB BYPASSRLS NOINHERIT",
        "ALTER ROLE admin NOCREATEDB",
        "GRANT pipeline TO analyst",
        "REVOKE bi_user FROM admin CASCADE",
        "ALTER TABLE dwh.fact_global_market OWNER TO cryptoelt",
        "ALTER VIEW analytics.vw_caps OWNER TO cryptoelt",
        "ALTER PROCEDURE dwh.fill_nulls_exchange_map_info OWNER TO cryptoelt",
        "DROP SCHEMA sandbox_ds CASCADE",
        "ALTER DEFAULT PRIVILEGES FOR ROLE admin IN SCHEMA analytics REVOKE SELECT ON TABLES FROM bi_user",
        "ALTER DEFAULT PRIVILEGES FOR ROLE admin IN SCHEMA dwh GRANT SELECT ON TABLES TO bi_user",
        "ALTER ROLE bi_user RESET ALL",
    ],
)
def test_what_somebody_changed_by_hand_is_put_right(team: Warehouse, drift: str) -> None:
    before = rows(team, STATE)
    here = drift.replace("RESET ALL", f'IN DATABASE "{team.database}" RESET ALL')
    execute(team, here)
    assert rows(team, STATE) != before
    set_up_roles(team, {})
    assert rows(team, STATE) == before


def test_rights_in_the_database_itself_are_put_right(team: Warehouse) -> None:
    before = rows(team, STATE)
    execute(team, f'GRANT TEMPORARY, CREATE ON DATABASE "{team.database}" TO PUBLIC, bi_user')
    execute(team, f'REVOKE TEMPORARY ON DATABASE "{team.database}" FROM pipeline')
    set_up_roles(team, {})
    assert may(seen_by(team, "pipeline"), DEEDS["make a temporary table"])
    assert not may(seen_by(team, "bi_user"), DEEDS["make a temporary table"])
    execute(team, f'REVOKE CREATE ON DATABASE "{team.database}" FROM PUBLIC')
    assert rows(team, STATE) == before


# --- what comes later -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("upgrader", ["the owner", "admin"])
def test_a_view_that_an_upgrade_makes_or_makes_anew_may_be_read_at_once(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, upgrader: str
) -> None:
    folder = tmp_path / "sql"
    shutil.copytree(sql_files.sql_folder(), folder)
    monkeypatch.setattr(sql_files, "sql_folder", lambda: folder)
    script = folder / "views" / "analytics" / "vw_of_a_test.sql"
    made = cluster.database()
    set_up_roles(made, PASSWORDS)
    warehouse = made if upgrader == "the owner" else seen_by(made, "admin")
    bi_user = seen_by(made, "bi_user")
    for columns in ("total_market_cap, btc_dominance", "btc_dominance"):  # fewer: it has to be dropped first
        script.write_text(
            f"CREATE OR REPLACE VIEW analytics.vw_of_a_test AS SELECT {columns} FROM dwh.fact_global_market"
        )
        migrations.upgrade(warehouse)
        assert may(bi_user, "SELECT * FROM vw_of_a_test")
    assert rows(made, "SELECT viewowner FROM pg_views WHERE viewname = 'vw_of_a_test'") == [("admin",)]


def test_the_pipeline_loads_everything_and_can_drop_nothing(
    team: Warehouse, lake: SilverWriter, tmp_path: Path
) -> None:
    login = seen_by(team, "pipeline")
    load = Loading(login, lake.root, tmp_path / "metadata")
    written = {
        "dim_exchange_id": [exchange(1)],
        "fact_exchange_info": [exchange_figures(1, 2.0)],
        "dim_exchange_map": [exchange_map(1)],
        "dim_crypto_id": [coin(1)],
        "fact_exchange_assets": [asset(1, 1, 12.0), asset(1, 2, 3.0)],
        "dim_crypto_category": [category(1)],
        "link_crypto_category": members(1, [[1]]),
    }
    lake.reject("dim_crypto_category", at(0), [("missing_key", "{}")])
    for number in (0, 1):
        for table, records in written.items():
            lake.commit(table, {at(number): records})
    migrations.require_head(login)
    with login.run_lock(None):
        for table in written:
            assert load(table).rows_in >= len(written[table])
        lake.commit("dim_crypto_category", {at(2): [category(1, "renamed")]})
        load("dim_crypto_category")
        load("dim_crypto_category", version=0, replace=True)
    execute(login, "CALL dwh.fill_nulls_spot_volume_and_wallet_weight()")
    assert load.rows("SELECT count(*) FROM dwh.fact_exchange_assets") == [(4,)]
    assert load.rows("SELECT count(*) FROM ops.quarantine") == [(1,)]
    for statement in ("DROP TABLE dwh.fact_exchange_assets", "DROP SCHEMA dwh CASCADE", "DROP TABLE ops.load_batch"):
        assert not may(login, statement)


# --- passwords --------------------------------------------------------------------------------------------------------


def test_a_role_cannot_log_in_before_it_was_given_a_password_and_keeps_the_one_it_has(bare_cluster: Cluster) -> None:
    made = bare_cluster.database()
    told = set_up_roles(made, {"analyst": PASSWORDS["analyst"]})
    assert [(role.name, role.is_new) for role in told] == [(name, True) for name in ROLES]
    assert [role.name for role in told if role.can_login] == ["analyst"]
    assert may(seen_by(made, "analyst"), "SELECT 1")
    for role in ("bi_user", "pipeline"):
        with pytest.raises(ConfigurationError):
            seen_by(made, role).connect()
    set_up_roles(made, {"bi_user": PASSWORDS["bi_user"]})
    assert may(seen_by(made, "analyst"), "SELECT 1")
    assert may(seen_by(made, "bi_user"), "SELECT 1")
    set_up_roles(made, {"analyst": SecretStr("another one")})
    assert may(seen_by(made, "analyst", SecretStr("another one")), "SELECT 1")
    with pytest.raises(ConfigurationError):
        seen_by(made, "analyst").connect()


def command(home: Path, url: SecretStr, *arguments: str, **passwords: str) -> Finished:
    settings = {f"CRYPTOELT_ROLES__PASSWORDS__{role.upper()}": text for role, text in passwords.items()}
    return InProcess(home, home_env(home, WAREHOUSE__URL=url.get_secret_value()) | settings)(*arguments)


def test_a_password_is_neither_in_the_servers_log_nor_in_ours_nor_printed(cluster: Cluster, home: Path) -> None:
    made = cluster.database()
    passwords = {role: password.get_secret_value() for role, password in PASSWORDS.items()}
    done = command(home, made.url, "-v", "db", "roles", "--json", **passwords)
    assert done.code == 0, done.stderr
    report = done.json()
    assert (report["schema_version"], report["command"], report["exit_code"]) == (1, "db roles", 0)
    assert [(role["name"], role["can_login"], role["has_new_password"]) for role in report["roles"]] == [
        (name, True, True) for name in ROLES
    ]
    shown = command(home, made.url, "config", "show", "--origin", **passwords)
    assert shown.code == 0, shown.stderr
    # A later process fails with the passwords at hand: nothing of them is in a traceback either.
    refused = command(home, made.url, "-v", "db", "roles", **{**passwords, "nobody": "canary-of-nobody"})
    assert refused.code == 7
    assert "there is no role nobody" in refused.stderr
    logged = "".join(path.read_text() for path in (home / "logs").iterdir())
    assert "ALTER ROLE" in cluster.log.read_text(), "the server logs every statement"
    for place in (cluster.log.read_text(), logged, done.stdout, done.stderr, shown.stdout, refused.stderr):
        for password in ["canary-of-nobody", *passwords.values()]:
            assert password not in place
            assert password.split()[-1] not in place
    assert may(seen_by(made, "bi_user"), "SELECT 1")


def test_off_a_terminal_the_roles_are_plain_lines(team: Warehouse, home: Path) -> None:
    done = command(home, team.url, "db", "roles")
    assert (done.code, done.stderr) == (0, "")
    head, *lines = (line.split("\t") for line in done.stdout.splitlines())
    assert head == ["role", "may log in", "now"]
    assert lines == [[name, "yes", "as before"] for name in ROLES]


def test_a_password_has_no_place_on_a_command_line(team: Warehouse, home: Path) -> None:
    refused = command(home, team.url, "--set", "roles.passwords.analyst=canary", "db", "roles")
    assert refused.code == 2
    assert "command line" in refused.stderr
    assert "canary" not in refused.stderr


# --- who may set them up ----------------------------------------------------------------------------------------------


def test_an_owner_who_may_make_roles_sets_them_up_and_goes_on_upgrading(bare_cluster: Cluster) -> None:
    execute(bare_cluster.owner, "CREATE ROLE boss LOGIN CREATEROLE CREATEDB PASSWORD 's3cret'")
    execute(bare_cluster.owner, "CREATE DATABASE bosses OWNER boss TEMPLATE template0")
    boss = seen_by(bare_cluster.owner.beside("bosses"), "boss", SecretStr("s3cret"))
    migrations.upgrade(boss)
    execute(boss, VIEWS)
    set_up_roles(boss, PASSWORDS)
    before = rows(boss, STATE)
    set_up_roles(boss, {})
    assert rows(boss, STATE) == before
    for role in ROLES:
        login = seen_by(boss, role)
        assert {deed for deed, statement in DEEDS.items() if may(login, statement)} == MAY[role]
    migrations.downgrade(boss, "0001")
    migrations.upgrade(boss)
    assert rows(boss, "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname IN ('dwh', 'ops')") == [("admin",)]
    assert may(seen_by(boss, "qa_data"), DEEDS["read dwh"])


def test_who_may_not_make_roles_is_told_what_an_administrator_should_run(cluster: Cluster, home: Path) -> None:
    execute(cluster.owner, "CREATE ROLE weak LOGIN PASSWORD 's3cret'")
    execute(cluster.owner, "CREATE DATABASE weaks OWNER weak TEMPLATE template0")
    weak = seen_by(cluster.owner.beside("weaks"), "weak", SecretStr("s3cret"))
    migrations.upgrade(weak)
    before = rows(weak, STATE)
    for as_json in ([], ["--json"]):
        refused = command(home, weak.url, "db", "roles", *as_json)
        assert refused.code == 7
        error, hint = refused.stderr.splitlines()
        assert "the user weak" in error
        assert "ALTER ROLE weak CREATEROLE CREATEDB" in hint
        assert bool(refused.stdout) is bool(as_json)
    done = command(home, weak.url, "db", "init", "--json")
    assert (done.code, done.json()["roles"]) == (0, None)
    assert "without roles: the user weak" in done.stderr
    assert rows(weak, STATE) == before


def test_who_does_not_own_the_database_is_told_so(bare_cluster: Cluster) -> None:
    execute(bare_cluster.owner, "CREATE ROLE boss LOGIN CREATEROLE CREATEDB PASSWORD 's3cret'")
    made = bare_cluster.database()
    with pytest.raises(ConfigurationError, match="only the owner of database") as caught:
        boss = seen_by(made, "boss", SecretStr("s3cret"))
        execute(made, "GRANT USAGE ON SCHEMA ops TO boss; GRANT SELECT ON ops.alembic_version TO boss")
        set_up_roles(boss, {})
    assert "OWNER TO boss" in caught.value.hint
    assert rows(made, "SELECT count(*) FROM pg_roles WHERE rolname = 'pipeline'") == [(0,)]


def test_a_superuser_that_has_the_name_of_a_role_is_left_alone(bare_cluster: Cluster) -> None:
    made = bare_cluster.database()
    execute(made, "CREATE ROLE analyst SUPERUSER")
    with pytest.raises(ConfigurationError, match="role analyst is a superuser"):
        set_up_roles(made, {})
    execute(made, "ALTER ROLE analyst NOSUPERUSER")
    set_up_roles(made, {})


def test_a_warehouse_that_was_never_initialised_is_refused(cluster: Cluster) -> None:
    with pytest.raises(SchemaError, match="never initialised"):
        set_up_roles(cluster.database("template0"), {})


def test_two_databases_share_the_roles_and_not_the_rights(bare_cluster: Cluster) -> None:
    one, other = bare_cluster.database(), bare_cluster.database()
    for made in (one, other):
        execute(made, VIEWS)
    set_up_roles(one, PASSWORDS)
    assert not may(seen_by(other, "bi_user"), DEEDS["read analytics"])
    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(lambda made: set_up_roles(made, {}), (one, other)))
    assert [role.is_new for roles in told for role in roles] == [False] * 2 * len(ROLES)
    for made in (one, other):
        assert may(seen_by(made, "bi_user"), DEEDS["read analytics"])


def test_roles_may_be_made_for_two_databases_at_once(bare_cluster: Cluster) -> None:
    both = [bare_cluster.database(), bare_cluster.database()]
    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(lambda made: set_up_roles(made, PASSWORDS), both))
    assert [sorted({one.is_new, other.is_new}) for one, other in zip(*told, strict=True)]
    for made in both:
        assert may(seen_by(made, "qa_data"), DEEDS["read dwh"])
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            execute(seen_by(made, "bi_user"), DEEDS["read dwh"])
