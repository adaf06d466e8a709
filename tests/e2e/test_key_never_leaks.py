"""The API key, the warehouse's passwords and Spark's secrets: nowhere but where their owner put them.

Every command and every error that can be provoked is run with secrets made for this run, which are then searched for in
all that was printed, written, stored, or could be seen of a process meanwhile.
"""

from __future__ import annotations

import json
import signal
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
import typer
from psycopg2 import sql

from cryptoelt.cli import app
from cryptoelt.errors import ExitCode
from cryptoelt.sandbox.server import SandboxServer
from cryptoelt.tables import TABLES
from tests.support.canary import Canary, ProcessWatch, found_in, found_in_database, found_in_files, spellings
from tests.support.cli import Cli, home_env, java_of, wait_until
from tests.support.evidence import count, execute, url_of
from tests.support.in_process import InProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEY = Canary.make("the API key")
PASSWORD = Canary.make("the warehouse's password")
SPARK_SECRET = Canary.make("Spark's secret")
ROLE_PASSWORD = Canary.make("a role's password")
SECRETS = [KEY, PASSWORD, SPARK_SECRET, ROLE_PASSWORD]

USER = "canary"
CLOSED = "127.0.0.1:9"
#: Has a home, a key and a database of its own, into which nothing of the settings comes.
_ELSEWHERE = {"demo"}
#: User and password as a URL must spell them.
LOGIN = f"{USER}:{quote(PASSWORD.text, safe='')}"


@dataclass
class Told:
    """All that commands printed, and how they ended."""

    printed: list[tuple[str, bytes]] = field(default_factory=list)
    codes: dict[str, int] = field(default_factory=dict)

    def add(self, cli: Cli, *arguments: str, name: str = "", **settings: str) -> None:
        done = cli(*arguments, **settings)
        name = name or " ".join(arguments)
        self.printed.append((f"the output of {name}", (done.stdout + done.stderr).encode()))
        self.codes[name] = done.code

    def leaks(self) -> list[str]:
        return [leak for place, content in self.printed for leak in found_in(SECRETS, content, place)]


# --- every command ----------------------------------------------------------------------------------------------------


@dataclass
class Day:
    """A home in which every command was run.

    Attributes:
        leaks: what was found in the two warehouses.
        empty: their tables without a row, in which nothing could be found.
    """

    home: Path
    told: Told
    watch: ProcessWatch
    leaks: list[str]
    empty: list[str]


@pytest.fixture(scope="module")
def team_url(make_embedded_home: Callable[[str], Path]) -> str:
    """The URL of a database of a server that knows a user by the canary password; the database is missing yet."""
    server = url_of(make_embedded_home("team"))
    role = sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}")
    execute(server, role.format(sql.Identifier(USER), sql.Literal(PASSWORD.text)))
    return f"postgresql://{LOGIN}@{server.rpartition('@')[2].rpartition('/')[0]}/leaks"


@pytest.fixture(scope="module")
def day(make_embedded_home: Callable[[str], Path], team_url: str) -> Iterator[Day]:
    home = make_embedded_home("canary")
    told, watch = Told(), ProcessWatch(SECRETS)
    with SandboxServer(seed=5, world="small", refresh=1, minute_limit=100_000) as sandbox:
        cli = Cli(home, home_env(home, sandbox, key=""))
        # In every way there is, so that none is forgotten when the environment is cleaned for child processes.
        cli.environment["CRYPTOELT_API"] = json.dumps({"key": KEY.text})
        cli.environment["CRYPTOELT_API__KEY"] = cli.environment["CMC_API_KEY"] = KEY.text
        cli.environment["CRYPTOELT_SPARK__CONF"] = json.dumps({"spark.hadoop.fs.s3a.secret.key": SPARK_SECRET.text})
        cli.environment["CRYPTOELT_ROLES__PASSWORDS__ANALYST"] = ROLE_PASSWORD.text
        with watch:
            _run_slowly(cli, sandbox, told, watch)
            told.add(cli, "-v", "db", "shell", "-c", "SELECT pg_sleep(0.5)")
            told.add(cli, "-v", "load", name="load into the team's warehouse", WAREHOUSE__URL=team_url)
            told.add(cli, "-v", "db", "init", name="db init of the team's", WAREHOUSE__URL=team_url)
            told.add(cli, "-v", "load", name="load again", WAREHOUSE__URL=team_url)
            told.add(cli, "-v", "doctor", name="doctor of the team's", WAREHOUSE=json.dumps({"url": team_url}))
            _run_the_rest(cli, told, team_url)
            urls = [url_of(home), team_url]
            leaks = [leak for url in urls for leak in found_in_database(SECRETS, url)]
            tables = [f"dwh.{table.warehouse_table}" for table in TABLES.values()]
            empty = [table for url in urls for table in tables if not count(url, table)]
            told.add(cli, "-v", "db", "downgrade", "base", WAREHOUSE__URL=team_url)
        _serve_sandbox(cli, told)
        yield Day(home, told, watch, leaks, empty)


def _run_slowly(cli: Cli, sandbox: SandboxServer, told: Told, watch: ProcessWatch) -> None:
    """Run everything there is to ask and to load, and let it wait for an answer until the JVM has been looked at."""
    sandbox.add_fault("slow=4@fear-and-greed/latest*1")
    with cli.start("-v", "run", "--freq", "init") as running:
        wait_until(lambda: java_of(cli.home), "the JVM")
        watch.ask_ps()
        done = running.end()
    told.printed.append(("the output of run", (done.stdout + done.stderr).encode()))
    told.codes["run"] = done.code


def _run_the_rest(cli: Cli, told: Told, team_url: str) -> None:
    ever = json.dumps({"10x": 14 * 24 * 60})
    told.add(cli, "-v", "run", "--freq", "10x", "--due", name="run --due", SCHEDULE__GRACE=ever)
    told.add(InProcess(cli.home, cli.environment), "-v", "db", "roles", "--json")
    for words in ("setup --skip-archive", "transform", "backfill", "db stop", "db start", "doctor --json"):
        told.add(cli, "-v", *words.split())
    childless = InProcess(cli.home, cli.environment)
    for words in ("extract --json", "load", "quarantine replay", "db upgrade", "plan", "trace fact_global_market"):
        told.add(childless, "-v", *words.split())
    for words in ("budget", "status", "status --json", "cron show", "config show --origin", "--version", "--help"):
        told.add(childless, "-v", *words.split())
    told.add(childless, "-v", "bronze", "set-aside", "--future", "--dry-run", name="bronze set-aside")
    for words in ("quarantine list", "quarantine show 1", "quality run --full", "quality list --json"):
        told.add(childless, "-v", *words.split())
    for words in ("config show --origin --json", "db url"):
        told.add(childless, "-v", *words.split(), WAREHOUSE__URL=team_url)


def _serve_sandbox(cli: Cli, told: Told) -> None:
    with cli.start("-v", "sandbox", "--port", "0", "--world", "small") as running:
        stdout = running.process.stdout
        begun = "" if stdout is None else stdout.readline()
        running.send(signal.SIGTERM)
        done = running.end()
    told.printed.append(("the output of sandbox", (begun + done.stdout + done.stderr).encode()))
    told.codes["sandbox"] = done.code


def test_every_command_came_to_its_end(day: Day) -> None:
    other = {name: code for name, code in day.told.codes.items() if code}
    assert other == {
        "load into the team's warehouse": ExitCode.SCHEMA,
        "-v quarantine show 1": ExitCode.USAGE,  # it is empty
        "sandbox": ExitCode.TERMINATED,
    }, day.told


def test_every_command_was_run(day: Day) -> None:
    told = [f"{name.removeprefix('-v ')} " for name in day.told.codes]
    commands = set(commands_of(typer.main.get_command(app))) - _ELSEWHERE
    assert [name for name in commands if not any(line.startswith(f"{name} ") for line in told)] == []


def commands_of(group: object, name: str = "") -> Iterator[str]:
    """Yield every command, with its group."""
    known: dict[str, object] = getattr(group, "commands", {})
    if not known:
        yield name
    for word, command in known.items():
        yield from commands_of(command, f"{name} {word}".strip())


def test_nothing_that_was_printed_holds_a_secret(day: Day) -> None:
    assert day.told.leaks() == []


def test_no_file_of_the_home_holds_a_secret(day: Day) -> None:
    names = {path.name for path in (day.home / "logs").iterdir()}
    assert "spark.log" in names
    assert len(names) > 1
    assert found_in_files(SECRETS, day.home) == []


def test_nothing_tells_the_password_of_the_embedded_server(day: Day) -> None:
    password = (day.home / ".postgres" / "data" / "cryptoelt.password").read_bytes()
    assert [place for place, content in day.told.printed if password in content] == []
    files = [path for folder in ("logs", "metadata", "lake") for path in (day.home / folder).rglob("*")]
    assert [path for path in files if path.is_file() and password in path.read_bytes()] == []


def test_no_row_of_the_database_holds_a_secret(day: Day) -> None:
    assert day.empty == []
    assert day.leaks == []


def test_no_process_shows_a_secret(day: Day) -> None:
    assert {"java", "postgres", "psql"} <= day.watch.seen
    assert day.watch.leaks == set()


# --- every error ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trouble:
    """A command that ends badly.

    Attributes:
        faults: of the sandbox.
        files: written into the home before, and taken away before it is searched.
    """

    name: str
    arguments: tuple[str, ...]
    code: ExitCode
    settings: dict[str, str] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)


def _config(name: str, text: str, *arguments: str) -> Trouble:
    return Trouble(
        name, arguments or ("budget",), ExitCode.CONFIGURATION, {"API__KEY": ""}, files={"config.toml": text}
    )


def _environment(name: str, *arguments: str, code: ExitCode = ExitCode.CONFIGURATION, **settings: str) -> Trouble:
    return Trouble(name, arguments or ("budget",), code, settings)


_CORE = KEY.core
_URL = f"postgresql://{LOGIN}@{CLOSED}/team"
TROUBLES = [
    Trouble("the key is refused", ("extract",), ExitCode.CONFIGURATION, faults=("http_401_1001",)),
    Trouble("credits are gone", ("extract",), ExitCode.BUDGET, faults=("http_429_1010",)),
    Trouble(
        "no sensible answer",
        ("extract", "--json"),
        ExitCode.UNAVAILABLE,
        faults=("html@cryptocurrency/categories", "cut_off@global-metrics/quotes/latest", "reset"),
    ),
    Trouble(
        "answers of another shape",
        ("extract",),
        ExitCode.FAILED,
        faults=("no_status@cryptocurrency/categories", "empty_data@global-metrics/quotes/latest", "no_data"),
    ),
    _environment("no network", "extract", code=ExitCode.UNAVAILABLE, API__BASE_URL=f"http://{CLOSED}"),
    _environment(
        "a password in the API's URL",
        "extract",
        code=ExitCode.UNAVAILABLE,
        API__BASE_URL=f"http://{LOGIN}@{CLOSED}",
    ),
    _environment("a URL that is none", API__BASE_URL=f"{LOGIN}@{CLOSED}"),
    _environment("a key with a blank", "extract", API__KEY=f"{KEY.text} {KEY.text}"),
    _environment("a key that is a list in JSON", API=json.dumps({"key": [KEY.text]}), API__KEY=""),
    _environment("a section that is not JSON", API=f'{{"key": "{_CORE}"'),
    _environment("a lake that cannot be", "extract", code=ExitCode.FAILED, LAKE__ROOT="/dev/null/lake"),
    Trouble(
        "a role's password on the command line",
        ("--set", f"roles.passwords.analyst={ROLE_PASSWORD.text}", "db", "roles"),
        ExitCode.USAGE,
    ),
    _environment(
        "a password of no role", "db", "roles", ROLES__PASSWORDS__NOBODY=ROLE_PASSWORD.text, WAREHOUSE__URL=_URL
    ),
    _environment("roles that are not JSON", ROLES__PASSWORDS=f'{{"analyst": "{ROLE_PASSWORD.core}"'),
    Trouble("a key on the command line", ("--set", f"api.key={KEY.text}", "budget"), ExitCode.USAGE),
    _config("TOML that is cut off", f'[api]\nkey = "{_CORE}'),
    _config("a key that is a list", f'[api]\nkey = ["{_CORE}"]'),
    _config("a key of another name", f'[api]\napi_key = "{_CORE}"'),
    _config("a key in the wrong place", f'key = "{_CORE}"'),
    _config("a URL that is a table", f'[warehouse.url]\npassword = "{_CORE}"'),
    Trouble(
        "a damaged .env",
        ("extract",),
        ExitCode.CONFIGURATION,
        {"API__BASE_URL": f"http://{CLOSED}", "API__KEY": ""},
        files={".env": f"CRYPTOELT_API__KEY='{_CORE}\nCRYPTOELT_API__KEY={_CORE}\n"},
    ),
    *(
        _environment(
            f"{' '.join(arguments)} without a database", *arguments, code=ExitCode.UNAVAILABLE, WAREHOUSE__URL=url
        )
        for arguments, url in (
            (("load",), _URL),
            (("doctor",), _URL),
            (("db", "init"), f"postgresql://{CLOSED}/team?user=u&password={quote(PASSWORD.text, safe='')}"),
        )
    ),
    *(
        _environment(f"{name} for a URL", "load", WAREHOUSE__URL=url)
        for name, url in (
            ("another text", f"postgres//{LOGIN}@{CLOSED}/team"),
            ("a bad port", f"postgresql://{LOGIN}@127.0.0.1:port/team"),
            ("a password with a slash in it", f"postgresql://{USER}:{PASSWORD.core}/x@{CLOSED}/team"),
            ("a password of digits with a slash in it", f"postgresql://{USER}:12/{PASSWORD.core}@{CLOSED}/team"),
            ("a password with an at sign in it", f"postgresql://{USER}:x@{PASSWORD.core}@{CLOSED}/team"),
            ("an unknown option", f"{_URL}?pasword={PASSWORD.core}"),
        )
    ),
]


#: What is told is the same in a process of its own: of the API, of the settings, of the warehouse.
AS_PROCESSES = {"the key is refused", "a section that is not JSON", "a wrong password"}


@dataclass(frozen=True)
class Outcome:
    code: int
    stderr: str
    leaks: list[str]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory, team_url: str) -> dict[str, Outcome]:
    """Provoke all errors, each in a home of its own."""
    server = f"postgresql://{USER}:{PASSWORD.core}@{team_url.rpartition('@')[2]}"
    wrong = _environment("a wrong password", "load", WAREHOUSE__URL=server)
    folder = tmp_path_factory.mktemp("troubles")
    return dict(_provoke(trouble, folder) for trouble in [*TROUBLES, wrong])


def _provoke(trouble: Trouble, folder: Path) -> tuple[str, Outcome]:
    home = folder / "".join(letter if letter.isalnum() else "-" for letter in trouble.name)
    home.mkdir()
    for name, text in trouble.files.items():
        (home / name).write_text(text, encoding="utf-8")
    with SandboxServer(seed=5, world="small", minute_limit=100_000, faults=trouble.faults) as sandbox:
        kind = Cli if trouble.name in AS_PROCESSES else InProcess
        done = kind(home, home_env(home, sandbox, key=KEY.text, API__MAX_WAIT="0"))(
            "-v", *trouble.arguments, **trouble.settings
        )
    for name in trouble.files:
        (home / name).unlink()
    printed = found_in(SECRETS, (done.stdout + done.stderr).encode(), "the output")
    return trouble.name, Outcome(done.code, done.stderr, printed + found_in_files(SECRETS, home))


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.name)
def test_no_error_tells_a_secret(outcomes: dict[str, Outcome], trouble: Trouble) -> None:
    outcome = outcomes[trouble.name]
    assert outcome.leaks == [], outcome.stderr
    assert outcome.code == trouble.code, outcome.stderr


def test_a_refused_password_is_not_told(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["a wrong password"]
    assert outcome.leaks == [], outcome.stderr
    assert outcome.code == ExitCode.CONFIGURATION
    assert "password" in outcome.stderr


# --- the search can fail ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spelling", dict(spellings("")))
def test_a_planted_secret_is_found_in_a_file_in_any_spelling(tmp_path: Path, spelling: str) -> None:
    planted = tmp_path / "logs" / "cryptoelt.jsonl"
    planted.parent.mkdir()
    planted.write_text(f'{{"event": "{dict(spellings(KEY.text))[spelling]}"}}', encoding="utf-8")
    assert found_in_files([KEY, PASSWORD], tmp_path) == [f"the API key in {planted}"]


def test_a_planted_secret_is_found_in_a_row(make_database: Callable[[], str]) -> None:
    url = make_database()
    execute(url, "CREATE SCHEMA ops")
    execute(url, sql.SQL("CREATE TABLE ops.note AS SELECT {} AS record").format(sql.Literal(KEY.text)))
    assert found_in_database([KEY, PASSWORD], url) == ["the API key in table ops.note"]


def test_a_planted_secret_is_found_on_a_command_line_and_in_an_environment() -> None:
    key, password = Canary.make("a key"), Canary.make("a password")
    watch = ProcessWatch([key, password])
    shown = subprocess.Popen(
        ["/bin/sh", "-c", "read line", key.text], stdin=subprocess.PIPE, env={"PGPASSWORD": password.text}
    )
    with shown:
        with watch:
            wait_until(lambda: len(watch.leaks) > 1, "the search to find both")
        watch.ask_ps()
        shown.communicate(b"\n")
    assert {"a key in the command line of a sh", "a password in the environment of a sh"} <= watch.leaks
