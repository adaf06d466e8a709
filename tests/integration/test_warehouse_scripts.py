"""Views, functions and procedures are brought up to their files, and nobody else's views are touched."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cryptoelt.clock import Clock
from cryptoelt.errors import LoadError, LockedError, SchemaError
from cryptoelt.warehouse import engine, migrations, scripts, sql_files
from cryptoelt.warehouse.engine import Warehouse

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import SecretStr

    from cryptoelt.warehouse.sql_files import SqlFile

REPOSITORY = Path(__file__).parents[2]
A, B, C = (f"views/analytics/vw_{letter}" for letter in "abc")


class Scripts:
    """A folder of SQL files, and the warehouse they are deployed to."""

    def __init__(self, folder: Path, warehouse: Warehouse) -> None:
        self.folder = folder
        self.warehouse = warehouse

    def write(self, name: str, text: str) -> None:
        path = (self.folder / name).with_suffix(".sql")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def view(self, name: str, query: str, after: str = "") -> None:
        header = f"-- after: {after}\n" if after else ""
        self.write(name, f"{header}CREATE OR REPLACE VIEW analytics.{name.rpartition('/')[2]} AS {query};\n")

    def remove(self, name: str) -> None:
        (self.folder / name).with_suffix(".sql").unlink()

    def deploy(self) -> list[str]:
        with self.warehouse.engine.begin() as connection:
            return scripts.deploy(connection)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(self.warehouse.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()

    def execute(self, statement: str) -> None:
        with closing(self.warehouse.connect()) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statement)

    def state(self) -> tuple[list[tuple[Any, ...]], ...]:
        """Return what the database has: its account, and its views and routines down to their identity."""
        return (
            self.rows("SELECT * FROM ops.script ORDER BY 1"),
            self.rows(
                "SELECT c.oid, c.relname, pg_get_viewdef(c.oid) FROM pg_class AS c WHERE relkind = 'v'"
                " AND relnamespace IN ('analytics'::regnamespace, 'monitoring'::regnamespace) ORDER BY 1"
            ),
            self.rows(
                "SELECT oid, proname, pg_get_functiondef(oid) FROM pg_proc"
                " WHERE pronamespace = 'dwh'::regnamespace ORDER BY 1"
            ),
        )

    def columns(self, view: str) -> list[str]:
        found = self.rows(
            "SELECT attname FROM pg_attribute"
            f" WHERE attrelid = 'analytics.{view}'::regclass AND attnum > 0 ORDER BY attnum"
        )
        return [name for (name,) in found]

    @property
    def views(self) -> list[str]:
        return [name for _, name, _ in self.state()[1]]


@pytest.fixture(scope="module")
def without_scripts(
    make_database: Callable[[str | None], SecretStr], template_at_head: str, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The name of a database at the head revision to which no script is deployed."""
    emptied = Scripts(tmp_path_factory.mktemp("sql"), Warehouse(make_database(template_at_head), Clock()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sql_files, "sql_folder", lambda: emptied.folder)
        assert emptied.deploy() == []
    assert emptied.state() == ([], [], [])
    return emptied.warehouse.database


@pytest.fixture
def ours(
    make_database: Callable[[str | None], SecretStr],
    without_scripts: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Scripts:
    """An empty folder of scripts, and a warehouse to which none is deployed."""
    folder = tmp_path / "sql"
    folder.mkdir()
    monkeypatch.setattr(sql_files, "sql_folder", lambda: folder)
    return Scripts(folder, Warehouse(make_database(without_scripts), Clock()))


# --- what is deployed, and what is left alone -------------------------------------------------------------------------


def test_what_has_not_changed_is_left_alone(ours: Scripts) -> None:
    ours.view(A, "SELECT 1 AS one")
    ours.view(B, "SELECT 2 AS two")
    assert ours.deploy() == [A, B]
    before = ours.state()
    assert ours.deploy() == []
    assert ours.state() == before


def test_the_account_says_what_was_deployed(ours: Scripts) -> None:
    ours.view(A, "SELECT 1 AS one")
    ours.write("functions/dwh/one", "CREATE OR REPLACE FUNCTION dwh.one() RETURNS int LANGUAGE sql RETURN 1;")
    ours.write("procedures/nothing", "CREATE OR REPLACE PROCEDURE dwh.nothing() LANGUAGE sql AS 'SELECT 1';")
    assert ours.deploy() == ["functions/dwh/one", A, "procedures/nothing"]
    (file,) = sql_files.sql_files("views")
    assert ours.rows("SELECT name, kind, object_name, length(sha256), deployed_at > '-infinity' FROM ops.script") == [
        ("functions/dwh/one", "function", "dwh.one", 64, True),
        (A, "view", "analytics.vw_a", 64, True),
        ("procedures/nothing", "procedure", "dwh.nothing", 64, True),
    ]
    assert ours.rows(f"SELECT sha256 FROM ops.script WHERE name = '{A}'") == [(file.sha256,)]


def test_a_changed_text_is_deployed_again_and_nothing_else(ours: Scripts) -> None:
    ours.view(A, "SELECT 1 AS one")
    ours.view(B, "SELECT 2 AS two")
    ours.deploy()
    ours.execute("CREATE VIEW public.theirs AS SELECT * FROM analytics.vw_a")
    ours.view(A, "SELECT 10 AS one, 11 AS eleven")
    assert ours.deploy() == [A]
    assert ours.rows("SELECT * FROM analytics.vw_a") == [(10, 11)]
    assert ours.rows("SELECT * FROM public.theirs") == [(10,)]


def test_a_view_is_made_after_those_it_stands_on(ours: Scripts) -> None:
    ours.view(A, "SELECT b.one FROM analytics.vw_b AS b, analytics.vw_c", after="vw_b, vw_c")
    ours.view(B, "SELECT one FROM analytics.vw_c", after="vw_c")
    ours.view(C, "SELECT dwh.one() AS one")
    ours.write("functions/dwh/one", "CREATE OR REPLACE FUNCTION dwh.one() RETURNS int LANGUAGE sql RETURN 1;")
    assert ours.deploy() == ["functions/dwh/one", C, B, A]
    assert ours.rows("SELECT * FROM analytics.vw_a") == [(1,)]


def test_a_removed_file_takes_its_view_with_it(ours: Scripts) -> None:
    ours.view(A, "SELECT 1 AS one")
    ours.view(B, "SELECT 2 AS two")
    ours.deploy()
    ours.remove(A)
    assert ours.deploy() == []
    assert ours.views == ["vw_b"]
    assert ours.rows("SELECT name FROM ops.script") == [(B,)]


def test_a_removed_file_on_which_others_stood_is_dropped_once_they_stand_on_something_else(ours: Scripts) -> None:
    ours.view(A, "SELECT 1 AS one")
    ours.view(B, "SELECT one FROM analytics.vw_a", after="vw_a")
    ours.deploy()
    ours.remove(A)
    ours.view(B, "SELECT 2 AS one")
    assert ours.deploy() == [B]
    assert ours.views == ["vw_b"]
    assert ours.rows("SELECT * FROM analytics.vw_b") == [(2,)]


def test_a_file_that_moved_makes_its_object_where_it_was(ours: Scripts) -> None:
    text = "CREATE OR REPLACE FUNCTION dwh.one() RETURNS int LANGUAGE sql RETURN 1;"
    ours.write("functions/dwh/one", text)
    ours.deploy()
    ours.remove("functions/dwh/one")
    ours.write("functions/one", text)
    assert ours.deploy() == ["functions/one"]
    assert ours.rows("SELECT dwh.one()") == [(1,)]
    assert ours.rows("SELECT name FROM ops.script") == [("functions/one",)]


def test_a_view_that_somebody_dropped_is_made_again(ours: Scripts) -> None:
    ours.view(A, "SELECT 1 AS one")
    ours.view(B, "SELECT 2 AS two")
    ours.deploy()
    ours.execute("DROP VIEW analytics.vw_a")
    assert ours.deploy() == [A]
    assert ours.views == ["vw_b", "vw_a"]
    ours.execute("DROP VIEW analytics.vw_a")
    ours.remove(A)
    assert ours.deploy() == []
    assert ours.rows("SELECT name FROM ops.script") == [(B,)]


# --- what cannot be replaced in place ---------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["SELECT 1 AS one", "SELECT 1 AS one, 'x' AS two", "SELECT 1 AS uno, 2 AS two"])
def test_a_view_whose_columns_changed_is_made_anew_with_those_that_stand_on_it(ours: Scripts, query: str) -> None:
    ours.view(A, "SELECT 1 AS one, 2 AS two")
    ours.view(B, "SELECT count(*) AS rows FROM analytics.vw_a", after="vw_a")
    ours.view(C, "SELECT rows FROM analytics.vw_b", after="vw_b")
    ours.view("views/analytics/vw_aside", "SELECT 4 AS four")
    ours.deploy()
    ours.execute("CREATE VIEW public.theirs AS SELECT * FROM analytics.vw_aside")
    ours.view(A, query)
    assert ours.deploy() == [A, B, C]
    assert ours.columns("vw_a") == [part.rpartition(" ")[2] for part in query.split(",")]
    assert ours.rows("SELECT * FROM analytics.vw_c") == [(1,)]
    assert ours.rows("SELECT * FROM public.theirs") == [(4,)]
    assert ours.deploy() == []


def test_what_stood_on_it_is_made_again_although_it_does_not_say_that_it_stands_there(ours: Scripts) -> None:
    ours.view(B, "SELECT 1 AS one, 2 AS two")
    ours.deploy()
    ours.view(A, "SELECT one FROM analytics.vw_b")
    ours.deploy()
    ours.view(A, "SELECT one + 1 AS one FROM analytics.vw_b")
    ours.view(B, "SELECT 1 AS one")
    assert ours.deploy() == [A, B]
    assert ours.rows("SELECT * FROM analytics.vw_a") == [(2,)]


@pytest.mark.parametrize(
    "former",
    [
        "FUNCTION dwh.one() RETURNS text LANGUAGE sql RETURN 'x'",
        "FUNCTION dwh.one(given int) RETURNS int LANGUAGE sql RETURN given",
        "FUNCTION dwh.one(given int DEFAULT 7) RETURNS int LANGUAGE sql RETURN given",
    ],
)
def test_a_function_with_other_arguments_or_another_result_leaves_nothing_of_the_former(
    ours: Scripts, former: str
) -> None:
    ours.write("functions/dwh/one", f"CREATE OR REPLACE {former};")
    ours.deploy()
    ours.write("functions/dwh/one", "CREATE OR REPLACE FUNCTION dwh.one() RETURNS int LANGUAGE sql RETURN 1;")
    ours.view(A, "SELECT dwh.one() AS one")
    assert ours.deploy() == ["functions/dwh/one", A]
    assert ours.rows("SELECT * FROM analytics.vw_a") == [(1,)]
    assert len(ours.state()[2]) == 1
    assert ours.deploy() == []


# --- what stands on ours ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["columns", "removed"])
def test_a_view_of_somebody_else_that_stands_on_ours_is_named_and_nothing_changes(ours: Scripts, change: str) -> None:
    ours.view(A, "SELECT 1 AS one, 2 AS two")
    ours.view(B, "SELECT 3 AS three")
    ours.deploy()
    ours.execute("CREATE VIEW public.theirs AS SELECT two FROM analytics.vw_a")
    before = ours.state()
    ours.view(B, "SELECT 30 AS three")
    if change == "columns":
        ours.view(A, "SELECT 1 AS one")
    else:
        ours.remove(A)
    with pytest.raises(SchemaError) as caught:
        ours.deploy()
    assert caught.value.message == "analytics.vw_a cannot be dropped: view theirs depends on view analytics.vw_a"
    assert "cryptoelt db upgrade" in caught.value.hint
    assert ours.state() == before
    ours.execute("DROP VIEW public.theirs")
    assert set(ours.deploy()) == ({A, B} if change == "columns" else {B})


def test_a_text_that_the_server_refuses_is_told_and_nothing_changes(ours: Scripts) -> None:
    ours.view(A, "SELECT 1 AS one")
    ours.deploy()
    before = ours.state()
    ours.view(A, "SELECT 10 AS one")
    ours.view(B, "SELEC 2")
    with pytest.raises(LoadError, match=f"{ours.warehouse.name}: syntax error at or near"):
        migrations.upgrade(ours.warehouse)
    assert ours.state() == before


@pytest.mark.parametrize("made", ["VIEW analytics.vw_b AS SELECT 1", "FUNCTION dwh.vw_a() RETURNS int RETURN 1"])
def test_a_file_that_makes_something_else_than_its_name_says_is_told(ours: Scripts, made: str) -> None:
    ours.write(A, f"CREATE OR REPLACE {made};")
    with pytest.raises(SchemaError, match=r"views/analytics/vw_a\.sql makes no view analytics\.vw_a"):
        ours.deploy()
    assert ours.state() == ([], [], [])


def test_a_view_that_is_being_read_is_waited_for_and_then_told(ours: Scripts, monkeypatch: pytest.MonkeyPatch) -> None:
    ours.view(A, "SELECT 1 AS one")
    ours.deploy()
    ours.view(A, "SELECT 2 AS one")
    monkeypatch.setattr(engine, "LOCK_TIMEOUT", "100ms")
    with closing(ours.warehouse.connect()) as reader, reader.cursor() as cursor:
        cursor.execute("SELECT * FROM analytics.vw_a")
        with pytest.raises(LockedError, match="another session holds"):
            migrations.upgrade(ours.warehouse)
    migrations.upgrade(ours.warehouse)
    assert ours.rows("SELECT * FROM analytics.vw_a") == [(2,)]


# --- migrations -------------------------------------------------------------------------------------------------------


def test_every_upgrade_to_the_head_deploys_also_when_it_is_there_already(ours: Scripts) -> None:
    ours.view(A, "SELECT 1 AS one")
    migrations.upgrade(ours.warehouse)
    assert ours.views == ["vw_a"]


def test_down_to_the_base_and_up_to_the_head_with_views_deployed(warehouse: Warehouse) -> None:
    found = Scripts(Path(), warehouse)
    views, files = found.views, sql_files.sql_files("views")
    assert sorted(views) == sorted(file.stem for file in files)
    assert views
    assert migrations.downgrade(warehouse, "base") == "base"
    assert migrations.upgrade(warehouse) == migrations.head()
    assert sorted(found.views) == sorted(views)


def test_below_the_head_there_are_no_views(warehouse: Warehouse) -> None:
    migrations.downgrade(warehouse, "0005")
    found = Scripts(Path(), warehouse).rows(
        "SELECT viewname FROM pg_views WHERE schemaname IN ('analytics', 'monitoring')"
    )
    assert found == []


def test_a_downgrade_that_would_take_a_view_from_under_somebody_elses_changes_nothing(ours: Scripts) -> None:
    ours.view(A, "SELECT 1 AS one")
    ours.deploy()
    ours.execute("CREATE VIEW public.theirs AS SELECT * FROM analytics.vw_a")
    before = ours.state()
    with pytest.raises(SchemaError, match=r"view theirs depends on view analytics\.vw_a"):
        migrations.downgrade(ours.warehouse, "0005")
    assert ours.state() == before
    assert migrations.current(ours.warehouse) == migrations.head()


def test_alembic_itself_deploys_when_it_upgrades_and_only_looks_when_it_looks(warehouse: Warehouse) -> None:
    found = Scripts(Path(), warehouse)
    views = sorted(found.views)
    found.execute(f"DROP VIEW {found.rows('SELECT min(object_name) FROM ops.script')[0][0]} CASCADE")
    alembic(warehouse.url, "current")
    assert sorted(found.views) != views
    alembic(warehouse.url, "upgrade", "head")
    assert sorted(found.views) == views


def alembic(url: SecretStr, *arguments: str) -> None:
    environment = {**os.environ, "CRYPTOELT_WAREHOUSE__URL": url.get_secret_value()}
    command = [sys.executable, "-m", "alembic", *arguments]
    subprocess.run(command, cwd=REPOSITORY, env=environment, check=True, capture_output=True, timeout=120)


# --- the files --------------------------------------------------------------------------------------------------------


def test_the_first_lines_of_a_file_are_its_header() -> None:
    text = "-- after: vw_a, vw_b\n-- severity:  error \nSELECT 1;\n-- later: no header\n"
    file = sql_files.SqlFile("quality/one", text)
    assert file.header == {"after": "vw_a, vw_b", "severity": "error"}
    assert file.stem == "one"
    assert scripts.Script(file, "view").after == ["vw_a", "vw_b"]


@pytest.mark.parametrize(
    ("name", "kind", "made"),
    [
        ("views/monitoring/vw_x", "view", ("monitoring", "vw_x")),
        ("functions/analytics/f", "function", ("analytics", "f")),
        ("procedures/p", "procedure", ("dwh", "p")),
    ],
)
def test_a_file_makes_an_object_of_its_own_name_in_the_schema_of_its_folder(
    name: str, kind: str, made: tuple[str, str]
) -> None:
    assert scripts.Script(sql_files.SqlFile(name, ""), kind).object_name == made


def test_the_files_are_those_of_the_repository_and_travel_inside_the_package() -> None:
    assert sql_files.sql_folder() == REPOSITORY / "sql"
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    shipped = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert shipped["sql"] == "cryptoelt/_resources/sql"


def test_the_files_of_an_installed_package_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "cryptoelt"
    installed = package / "_resources" / "sql" / "views" / "analytics"
    for folder in (installed, tmp_path / "sql" / "views"):
        folder.mkdir(parents=True)
    (installed / "vw_a.sql").write_text("SELECT 1;", encoding="utf-8")
    monkeypatch.setattr(sql_files, "_PACKAGE", package)
    found: list[SqlFile] = sql_files.sql_files("views")
    assert [(file.name, file.text) for file in found] == [(A, "SELECT 1;")]
