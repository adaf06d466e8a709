"""What settings accept, what they refuse and how they say so; secrets are never shown."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from cryptoelt.cli import run
from cryptoelt.cli.invocation import Invocation
from cryptoelt.errors import ConfigurationError, ExitCode, UsageError
from cryptoelt.settings import (
    ApiSettings,
    BudgetSettings,
    Settings,
    SparkSettings,
    WarehouseSettings,
    leaf_settings,
    load_settings,
    load_with_sources,
)

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "canary-5f3d2c1b"


@pytest.fixture
def home(tmp_path: Path, bare_environment: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CRYPTOELT_HOME", str(tmp_path))
    return tmp_path


def refused(home: Path, toml: str = "", dotenv: str = "") -> ConfigurationError:
    (home / "config.toml").write_text(toml, encoding="utf-8")
    (home / ".env").write_text(dotenv, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert caught.value.exit_code is ExitCode.CONFIGURATION
    return caught.value


# --- config.toml ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("toml", "named", "nearest"),
    [
        ("[apy]\nkey = 'x'", "apy", "api"),
        ("budgett = 1", "budgett", "budget"),
        ("[api]\nread_timeot = 5", "api.read_timeot", "api.read_timeout"),
        ("[budget]\nmonthly_credit = 5", "budget.monthly_credit", "budget.monthly_credits"),
        ("[spark]\ncnf = 5", "spark.cnf", "spark.conf"),
    ],
)
def test_a_mistyped_key_is_named_with_the_nearest_valid_one(home: Path, toml: str, named: str, nearest: str) -> None:
    error = refused(home, toml)

    assert f"unknown setting {named} in {home / 'config.toml'}" in error.message
    assert error.hint == f"did you mean {nearest}?"
    assert error.context == {"setting": named}


def test_a_key_unlike_any_is_named_with_all_that_are_valid_there_and_the_nearest_of_them(home: Path) -> None:
    error = refused(home, "[lake]\nzzz = 1")

    assert error.message.startswith("unknown setting lake.zzz in ")
    assert error.hint == "valid here: root; nearest is lake.root"


def test_the_home_cannot_be_set_in_a_file_of_the_home(home: Path) -> None:
    assert "unknown setting home" in refused(home, "home = '/elsewhere'").message


@pytest.mark.parametrize("toml", ["[api\nkey = 1", "api.key = ", "[api]\n[api]", "=", "[api]\nkey = 'a'\nkey = 'b'"])
def test_what_is_no_toml_is_refused_with_the_place(home: Path, toml: str) -> None:
    error = refused(home, toml)

    assert f"{home / 'config.toml'} is not valid TOML" in error.message
    assert "line" in error.message or "end of document" in error.message


def test_a_configuration_that_cannot_be_read_is_refused(home: Path) -> None:
    (home / "config.toml").write_bytes(b"# caf\xe9")
    with pytest.raises(ConfigurationError, match=r"cannot read .*config\.toml"):
        load_settings()
    (home / "config.toml").unlink()
    (home / "config.toml").mkdir()
    with pytest.raises(ConfigurationError, match=r"cannot read .*config\.toml"):
        load_settings()


def test_a_section_that_is_a_value_is_refused_even_where_the_environment_sets_the_section(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRYPTOELT_API__MAX_TRIES", "2")

    assert "setting api in" in refused(home, f"api = '{CANARY}'").message


# --- wrong types ------------------------------------------------------------------------------------------------------

WRONG = [
    ("api.read_timeout", f"{CANARY}"),
    ("api.max_tries", "6"),
    ("api.requests_per_minute", "0"),
    ("api.base_url", f"ftp://user:{CANARY}@host"),
    ("api.base_url", f"http://user:{CANARY}@host:99999"),
    ("api.base_url", f"http://user:{CANARY}@[host"),
    ("budget.monthly_credits", "ten"),
    ("budget.monthly_credits", "-1"),
    ("budget.buffer", "1"),
    ("budget.reset_day", "29"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
@pytest.mark.parametrize("place", ["environment", ".env", "config.toml", "flag"])
def test_a_wrong_value_is_named_with_its_origin_and_never_shown(
    home: Path, monkeypatch: pytest.MonkeyPatch, place: str, name: str, value: str
) -> None:
    section, _, setting = name.partition(".")
    variable = f"CRYPTOELT_{section}__{setting}".upper()
    match place:
        case "environment":
            monkeypatch.setenv(variable, value)
        case ".env":
            (home / ".env").write_text(f"{variable}='{value}'\n", encoding="utf-8")
        case "config.toml":
            (home / "config.toml").write_text(f"[{section}]\n{setting} = '{value}'\n", encoding="utf-8")
        case _:
            assert place == "flag"

    with pytest.raises(ConfigurationError) as caught:
        load_settings({section: {setting: value}} if place == "flag" else None)

    assert caught.value.exit_code is ExitCode.CONFIGURATION
    assert caught.value.message.startswith(f"setting {name} (from {place}): ")
    assert {"environment": variable, ".env": variable, "config.toml": "config.toml", "flag": "--set"}[
        place
    ] in caught.value.hint
    assert caught.value.context == {"setting": name}
    shown = f"{caught.value.message} {caught.value.hint} {caught.value.__cause__} {caught.value.__suppress_context__}"
    assert CANARY not in shown
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("variable", "named"),
    [
        ("CRYPTOELT_API", "api"),
        ("CRYPTOELT_BUDGET__PRICES", "budget.prices"),
        ("CRYPTOELT_SPARK__CONF", "spark.conf"),
    ],
)
@pytest.mark.parametrize("place", ["environment", ".env"])
def test_a_table_that_is_no_json_is_named_with_its_origin_and_never_shown(
    home: Path, monkeypatch: pytest.MonkeyPatch, place: str, variable: str, named: str
) -> None:
    monkeypatch.setenv("CRYPTOELT_API__KEY", CANARY)
    if place == "environment":
        monkeypatch.setenv(variable, f"{{{CANARY}")
        error = refused(home)
    else:
        error = refused(home, dotenv=f"{variable}='{{{CANARY}'")

    assert error.message == f"setting {named} (from {place}): not a JSON object"
    assert variable in error.hint
    assert CANARY not in f"{error.message}{error.hint}{error.__cause__}"


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("CRYPTOELT_BUDGET__PRICES", '{"fear-and-greed/latest": "dear"}', "budget.prices.fear-and-greed/latest"),
        ("CRYPTOELT_BUDGET__PRICES", '{"fear-and-greed/latest": -1}', "budget.prices.fear-and-greed/latest"),
        ("CRYPTOELT_BUDGET__PRICES", "3", "budget.prices"),
        ("CRYPTOELT_SPARK__CONF", "[]", "spark.conf"),
        ("CRYPTOELT_API", "3", "api"),
        ("CRYPTOELT_API", '{"nope": 3}', "api.nope"),
    ],
)
def test_a_table_with_a_wrong_entry_is_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, named: str
) -> None:
    monkeypatch.setenv(variable, value)

    assert refused(home).message.startswith(f"setting {named} (from environment): ")


def test_an_env_file_that_cannot_be_decoded_is_refused_without_its_content(home: Path) -> None:
    (home / ".env").write_bytes(f"CMC_API_KEY={CANARY}\xff".encode("latin-1"))
    with pytest.raises(ConfigurationError) as caught:
        load_settings()

    assert str(home / ".env") in caught.value.message
    assert CANARY not in caught.value.message
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


UNKNOWN = [
    ("CRYPTOELT_API_KEY", "did you mean CRYPTOELT_API__KEY?"),
    ("CRYPTOELT_WAREHOUSE_URL", "did you mean CRYPTOELT_WAREHOUSE__URL?"),
    ("CRYPTOELT_BUDGET__BUFFFER", "did you mean CRYPTOELT_BUDGET__BUFFER?"),
    ("CRYPTOELT_API__KEY__X", "did you mean CRYPTOELT_API__KEY?"),
    ("CRYPTOELT_SPARK__CONF__", "did you mean CRYPTOELT_SPARK__CONF?"),
    ("CRYPTOELT_HOMES", "did you mean CRYPTOELT_HOME?"),
    ("CRYPTOELT_ZZZ", "nearest is CRYPTOELT_"),
]


@pytest.mark.parametrize(("variable", "hint"), UNKNOWN)
@pytest.mark.parametrize("place", ["environment", ".env"])
def test_a_variable_that_is_no_setting_is_named_with_the_nearest_one_and_never_with_its_value(
    home: Path, monkeypatch: pytest.MonkeyPatch, place: str, variable: str, hint: str
) -> None:
    if place == "environment":
        monkeypatch.setenv(variable, CANARY)
        error = refused(home)
    else:
        error = refused(home, dotenv=f"{variable}={CANARY}\n")

    assert error.message == f"variable {variable} (from {place}): there is no such setting"
    assert hint in error.hint
    assert CANARY not in f"{error.message}{error.hint}{error.context}"


def test_variables_of_every_setting_and_of_entries_of_tables_are_known(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("cryptoelt_api__max_tries", "2")
    monkeypatch.setenv("CRYPTOELT_BUDGET", '{"buffer": 0.5}')
    monkeypatch.setenv("CRYPTOELT_SPARK__CONF__SPARK.UI.PORT", "1")
    monkeypatch.setenv("CRYPTOELT_NOPE", "")

    settings = load_settings()

    assert (settings.api.max_tries, settings.budget.buffer) == (2, 0.5)
    assert settings.spark.conf == {"spark.ui.port": "1"}


@pytest.mark.parametrize(
    ("dotenv", "number"),
    [
        (f"# a comment\n\nCRYPTOELT_API__KEY {CANARY}\n", 3),
        (f"CRYPTOELT_API__MAX_TRIES=2\nCRYPTOELT_API__KEY='{CANARY}\n", 2),
        (f"A=1\r\n\r\n{CANARY}\r\n", 3),
        ("CRYPTOELT_API__KEY\n", 1),
        (f"CRYPTOELT_API__KEY: {CANARY}", 1),
        (f"='{CANARY}'", 1),
    ],
)
def test_a_line_of_env_that_is_no_assignment_is_told_by_its_number_and_never_shown(
    home: Path, dotenv: str, number: int
) -> None:
    with (home / ".env").open("w", encoding="utf-8", newline="") as stream:
        stream.write(dotenv)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()

    assert caught.value.message == f"{home / '.env'}, line {number}: not of the form NAME=value"
    assert CANARY not in f"{caught.value.message}{caught.value.hint}{caught.value.context}"


def test_what_env_files_usually_hold_is_read(home: Path) -> None:
    (home / ".env").write_text(
        "# secrets\n\nexport CMC_API_KEY='a b#c'  # mine\nexport PATH\nOTHER=\nTEXT=\"two\nlines\"\n", encoding="utf-8"
    )

    assert load_settings().require_key().get_secret_value() == "a b#c"


def test_foreign_variables_are_no_business_of_ours(home: Path) -> None:
    (home / ".env").write_text("PATH_TO_X=1\nPOSTGRES_PASSWORD=x\n", encoding="utf-8")

    assert load_settings().model_dump() == Settings(home=home).model_dump()


# --- values -----------------------------------------------------------------------------------------------------------


def test_prices_are_by_endpoint_names_with_slashes(home: Path) -> None:
    (home / "config.toml").write_text('[budget.prices]\n"cryptocurrency/categories" = 4\n"fear-and-greed/latest" = 0\n')

    assert load_settings().budget.prices == {"cryptocurrency/categories": 4, "fear-and-greed/latest": 0}


def test_spark_properties_are_text_however_toml_spells_them(home: Path) -> None:
    (home / "config.toml").write_text(
        '[spark.conf]\n"spark.ui.enabled" = true\nspark.sql.shuffle.partitions = 4\n"spark.driver.memory" = "1g"\n'
    )

    assert load_settings().spark.conf == {
        "spark.ui.enabled": "true",
        "spark.sql.shuffle.partitions": "4",
        "spark.driver.memory": "1g",
    }


@pytest.mark.parametrize(
    ("root", "expected"),
    [
        (None, "{home}/lake"),
        ("data/lake", "{home}/data/lake"),
        ("/srv/lake/", "/srv/lake"),
        ("file:///srv/lake", "/srv/lake"),
        ("s3a://bucket/lake/", "s3a://bucket/lake"),
    ],
)
def test_the_lake_lies_below_the_home_wherever_the_command_is_started(
    home: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    root: str | None,
    expected: str,
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    settings = load_settings({"lake": {"root": root}})

    assert settings.lake_root == expected.format(home=home)


def test_a_relative_cache_lies_below_the_home_too(home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert load_settings({"machine": {"cache": "cache"}}).cache_dir == home / "cache"


def test_a_relative_home_is_made_absolute(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home.parent)
    monkeypatch.setenv("CRYPTOELT_HOME", home.name)

    assert load_settings().home == home


@pytest.mark.parametrize(
    ("monthly", "buffer", "spendable"),
    [(10_000, 0.35, 6500), (10_000, 0.0, 10_000), (100, 0.1, 90), (0, 0.35, 0), (10**400, 0.35, 65 * 10**398)],
    ids=str,
)
def test_spendable_is_the_limit_less_the_buffer(monthly: int, buffer: float, spendable: int) -> None:
    assert BudgetSettings(monthly_credits=monthly, buffer=buffer).spendable_of(monthly) == spendable


def test_without_a_key_the_error_says_where_to_put_one(home: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings().require_key()

    assert "CRYPTOELT_API__KEY" in caught.value.hint


# --- secrets ----------------------------------------------------------------------------------------------------------


def with_secrets(home: Path) -> Settings:
    return Settings(
        home=home,
        api=ApiSettings(key=SecretStr(f"{CANARY}-key")),
        warehouse=WarehouseSettings(url=SecretStr(f"postgresql://user:{CANARY}%2Fpw@host/db")),
        spark=SparkSettings(conf={"spark.hadoop.fs.s3a.secret.key": f"{CANARY}-s3", "spark.ui.enabled": "false"}),
    )


def test_secrets_are_shown_nowhere(home: Path) -> None:
    settings = with_secrets(home)
    shown = {name: value for name, value, _ in leaf_settings(settings, [])}

    assert CANARY not in f"{shown}{settings!r}{settings}{settings.model_dump_json(exclude={'spark'})}"
    assert shown["api.key"] == shown["warehouse.url"] == "********"
    assert "'spark.ui.enabled': 'false'" in f"{shown['spark.conf']}"
    assert "'spark.hadoop.fs.s3a.secret.key': '********'" in f"{shown['spark.conf']}"


def test_every_secret_is_known_to_whoever_masks(home: Path) -> None:
    known = {secret.get_secret_value() for secret in with_secrets(home).secrets()}

    assert known == {
        f"{CANARY}-key",
        f"postgresql://user:{CANARY}%2Fpw@host/db",
        f"{CANARY}%2Fpw",
        f"{CANARY}/pw",
        f"{CANARY}-s3",
    }
    assert Settings(home=home).secrets() == []


def test_the_embedded_warehouse_is_no_secret(home: Path) -> None:
    rows = leaf_settings(*load_with_sources())

    assert ("warehouse.url", "embedded", "default") in rows
    assert ("api.key", None, "default") in rows


def test_places_are_listed_as_they_are_used_and_what_is_not_set_has_no_value(home: Path) -> None:
    rows = {name: (value, origin) for name, value, origin in leaf_settings(*load_with_sources())}
    moved = leaf_settings(*load_with_sources({"lake": {"root": "data"}, "machine": {"cache": "cache"}}))

    assert rows["lake.root"] == (f"{home}/lake", "default")
    assert rows["machine.cache"] == (str(load_settings().cache_dir), "default")
    assert ("lake.root", f"{home}/data", "flag") in moved
    assert ("machine.cache", f"{home}/cache", "flag") in moved


def test_config_show_says_what_is_not_set(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "show", "--origin"]) == 0
    shown = [line.split("\t") for line in capsys.readouterr().out.splitlines()]

    assert ["api.key", "(not set)", "default"] in shown
    assert ["spark.conf", "(not set)", "default"] in shown
    assert ["lake.root", f"{home}/lake", "default"] in shown


def test_every_setting_is_listed_once_with_its_origin(home: Path) -> None:
    (home / "config.toml").write_text("[lake]\nroot = '/srv/lake'\n", encoding="utf-8")
    rows = leaf_settings(*load_with_sources({"api": {"max_tries": 1}}))
    origins = {name: origin for name, _, origin in rows}

    assert len(origins) == len(rows)
    assert (origins["lake.root"], origins["api.max_tries"], origins["home"]) == ("config.toml", "flag", "environment")
    assert {name.partition(".")[0] for name in origins} == set(Settings.model_fields)


# --- --set ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["api.key", "warehouse.url"])
def test_a_secret_is_not_taken_from_the_command_line(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        Invocation.of([f"{name}={CANARY}"], verbose=False)

    assert "does not belong on a command line" in caught.value.message
    assert CANARY not in f"{caught.value.message}{caught.value.hint}"


@pytest.mark.parametrize(
    "assignment",
    ["api.nope=1", "nope.key=1", "home.x=1", "api.max_tries.x=1", "spark.conf=1", "budget.prices={}", "api.=1", ".x=1"],
)
def test_set_refuses_what_is_no_setting(home: Path, assignment: str) -> None:
    with pytest.raises(UsageError):
        Invocation.of([assignment], verbose=False).settings()


@pytest.mark.parametrize("assignment", ["api.max_tries", "max_tries=1", "", "="])
def test_set_refuses_what_is_no_assignment(assignment: str) -> None:
    with pytest.raises(UsageError, match=r"section\.name=value"):
        Invocation.of([assignment], verbose=False)


def test_set_wins_over_the_environment_for_values_and_entries_of_tables(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRYPTOELT_API__MAX_TRIES", "5")
    monkeypatch.setenv("CRYPTOELT_BUDGET__PRICES", '{"fear-and-greed/latest": 1, "cryptocurrency/categories": 7}')
    assignments = ["api.max_tries=2", "budget.prices.fear-and-greed/latest=3", "spark.conf.spark.ui.port=a=b"]

    settings = Invocation.of(assignments, verbose=False).settings()

    assert settings.api.max_tries == 2
    assert settings.budget.prices == {"fear-and-greed/latest": 3, "cryptocurrency/categories": 7}
    assert settings.spark.conf == {"spark.ui.port": "a=b"}


def test_the_price_of_an_endpoint_that_does_not_exist_is_refused_with_the_nearest_name(home: Path) -> None:
    (home / "config.toml").write_text('[budget.prices]\n"cryptocurrency/categoriess" = 4\n', encoding="utf-8")

    with pytest.raises(ConfigurationError) as caught:
        Invocation().settings()

    assert "cryptocurrency/categoriess" in caught.value.message
    assert caught.value.hint == "did you mean cryptocurrency/categories?"


def test_no_child_process_inherits_a_secret_and_the_command_keeps_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("cryptoelt_api__key", CANARY)
    monkeypatch.setenv("CMC_API_KEY", CANARY)
    monkeypatch.setenv("CRYPTOELT_WAREHOUSE__URL", f"postgresql://u:{CANARY}@h/d")
    invocation = Invocation()

    first, second = invocation.settings(), invocation.settings()

    assert not [name for name, value in os.environ.items() if CANARY in value]
    assert first is second
    assert second.require_key().get_secret_value() == CANARY


# --- the home ---------------------------------------------------------------------------------------------------------


def test_a_home_that_does_not_exist_is_refused_with_what_makes_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = home / "my market"
    monkeypatch.setenv("CRYPTOELT_HOME", str(missing))
    with pytest.raises(ConfigurationError) as caught:
        Invocation().settings()

    assert caught.value.message == f"the home {missing} does not exist"
    assert f"`mkdir -p '{missing}'`" in caught.value.hint
    assert Invocation().settings(home_must_exist=False).home == missing
    assert not missing.exists()

    missing.write_text("")
    with pytest.raises(ConfigurationError, match="is not a folder"):
        Invocation().settings()
