"""The documents say what the program is: commands, options, settings, exit codes, links."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer
from pydantic import BaseModel, SecretStr

from cryptoelt.cli import app
from cryptoelt.errors import ExitCode
from cryptoelt.extract.fields import NON_FINITE, NUL_IN_TEXT, WRONG_TYPE
from cryptoelt.frequencies import FREQUENCIES, endpoints_of, tables_of
from cryptoelt.settings import PUBLIC_API, Settings
from cryptoelt.settings_file import read_config_file

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
CONFIG = ROOT / "config.toml"
DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "benchmarks/*.md", "lake/*.md", "metadata/*.md", "logs/*.md")
    for path in ROOT.glob(pattern)
)
#: Written for people otherwise than as the bare default.
IN_WORDS = {
    *("api.key", "api.base_url", "lake.root", "spark.conf", "budget.prices", "schedule.grace", "roles.passwords"),
    *("machine.cache", "api.requests_per_minute", "budget.monthly_credits"),
}
#: Have no place in an example of the file, only in the environment.
SECRETS = {"api.key", "roles.passwords"}


def commands(command: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every command that does something, with its whole name."""
    children = getattr(command, "commands", None)
    if children is None:
        yield name, command
        return
    for child in children.values():
        yield from commands(child, f"{name} {child.name}".strip())


def options(command: Any) -> set[str]:
    """Return the long options of a command."""
    return {word for parameter in command.params for word in parameter.opts if word.startswith("--")} - {"--help"}


def leaves() -> dict[str, Any]:
    """Return every setting but the home, with its default."""
    found = {}
    for section, field in Settings.model_fields.items():
        if section != "home" and isinstance(field.default, BaseModel):
            found.update({f"{section}.{name}": value for name, value in field.default})
    return found


def values_in(nested: dict[str, Any]) -> Iterator[str]:
    """Yield the values that are not sections."""
    for value in nested.values():
        if isinstance(value, dict):
            yield from values_in(value)
        else:
            yield str(value)


def table_rows(text: str, heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading, its head left out."""
    below = text[text.index(f"## {heading}\n") :]
    block = re.search(r"(?:^\|.*\n)+", below, re.MULTILINE)
    assert block is not None
    lines = block.group().splitlines()[2:]
    return [[cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def anchors(path: Path) -> set[str]:
    """Return the anchors of a document's headings."""
    titles = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


COMMANDS = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_guide_with_its_options(name: str) -> None:
    group = name.split()[0]
    whole = f"### {name}\n"
    section = GUIDE[GUIDE.index(whole if whole in GUIDE else f"### {group}\n") :]
    section = section[: section.index("\n##", 1)]
    assert whole in section or f"`{name}" in section
    assert [option for option in sorted(options(COMMANDS[name])) if option not in section] == []


def test_the_guide_names_the_options_that_stand_before_a_command() -> None:
    assert [option for option in sorted(options(typer.main.get_command(app))) if option not in GUIDE] == []


def test_the_readme_lists_the_commands_that_exist() -> None:
    named = {row[0].strip("`").split()[0] for row in table_rows(README, "Commands")}
    assert named == {name.split()[0] for name in COMMANDS}


def test_the_guide_describes_no_command_that_does_not_exist() -> None:
    section = GUIDE[GUIDE.index("## Commands\n") : GUIDE.index("## Windows\n")]
    described = re.findall(r"^### (.+)$", section, re.MULTILINE)
    assert [name for name in described if not any(f"{known} ".startswith(f"{name} ") for known in COMMANDS)] == []


def test_the_exit_codes_of_the_readme_are_those_of_the_program() -> None:
    rows = table_rows(README, "Exit codes")
    documented = re.findall(r"\| ([\d, ]+) \| (.+) \|", ExitCode.__doc__ or "")
    assert rows == [list(row) for row in documented]
    assert [int(code) for row in rows for code in row[0].split(",")] == [int(code) for code in ExitCode]


def test_every_setting_is_in_the_readme_with_its_variable_and_its_default() -> None:
    rows = {row[0].strip("`"): row for row in table_rows(README, "Settings")}
    expected = leaves()
    assert sorted(rows) == sorted([*expected, "the home"])
    for name, default in expected.items():
        _, place, shown = rows[name]
        section, _, field = name.partition(".")
        assert f"`CRYPTOELT_{section.upper()}__{field.upper()}`" in place or f"`[{name}]`" in place
        if name not in IN_WORDS:
            plain = default.get_secret_value() if isinstance(default, SecretStr) else default
            assert shown.removesuffix(" s").strip("`") == f"{plain}", name


def test_the_example_configuration_is_valid_and_changes_nothing() -> None:
    said = read_config_file(CONFIG, Settings)
    assert [section for section in said if section not in Settings.model_fields] == []
    assert set(values_in(said)) == set()


def test_the_example_configuration_shows_every_setting_with_its_true_default(tmp_path: Path) -> None:
    opened = tmp_path / "config.toml"
    opened.write_text(re.sub(r"^#(?=\S+ = )", "", CONFIG.read_text(encoding="utf-8"), flags=re.MULTILINE))
    shown = read_config_file(opened, Settings)
    Settings.model_validate(shown)
    for name, default in leaves().items():
        section, _, field = name.partition(".")
        if name in SECRETS:
            assert not shown[section].get(field), "a secret has no place in an example of this file"
            assert f"CRYPTOELT_{section.upper()}__{field.upper()}" in opened.read_text(encoding="utf-8")
        elif default is None or isinstance(default, dict):
            assert field in shown[section], name
        else:
            plain = default.get_secret_value() if isinstance(default, SecretStr) else default
            assert shown[section][field] == plain, name


def test_the_example_price_is_that_of_the_catalogue() -> None:
    from cryptoelt.api.catalogue import ENDPOINTS

    examples = re.findall(r'^#"([\w/-]+)" = (\d+)', CONFIG.read_text(encoding="utf-8"), re.MULTILINE)
    assert examples
    assert [ENDPOINTS[name].price.of() for name, _ in examples] == [int(price) for _, price in examples]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    dead = []
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        found = (path.parent / name).resolve() if name else path
        if not found.exists() or (anchor and anchor not in anchors(found)):
            dead.append(target)
    assert dead == []


def test_the_architecture_names_files_and_code_that_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    text = text[: text.index("## Adding an endpoint")]
    paths = re.findall(r"`((?:[\w/]+/)?\w+\.py|[\w/]+/)`", text)
    assert len(paths) > 20
    assert [name for name in paths if not (ROOT / name).exists() and not any((ROOT / "cryptoelt").rglob(name))] == []
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "cryptoelt").rglob("*.py"))
    methods = re.findall(r"`([A-Z]\w+)\.([a-z_]+)`", text)
    functions = re.findall(r"`([a-z]+_[a-z_]+)`", text)
    assert methods
    assert functions
    assert [name for name, method in methods if f"class {name}" not in code or f"def {method}(" not in code] == []
    assert [name for name in functions if f"def {name}(" not in code and not name.startswith("_")] == []


def test_every_record_of_a_decision_is_in_the_list_and_has_all_its_parts() -> None:
    folder = ROOT / "docs" / "adr"
    records = sorted(folder.glob("0*.md"))
    listed = re.findall(r"\]\((0\d{3}-[\w-]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8"))
    assert listed == [path.name for path in records]
    for path in records:
        text = path.read_text(encoding="utf-8")
        parts = ["Status: ", "## Context", "## Decision", "## Consequences", "## Non-goals"]
        assert [part for part in parts if part not in text] == [], path.name


def test_the_guide_shows_what_a_frequency_asks_and_builds() -> None:
    rows = {row[0].strip("`"): row for row in table_rows(GUIDE, "run")}
    assert list(rows) == list(FREQUENCIES)
    for frequency, row in rows.items():
        assert re.findall(r"`([^`]+)`", row[1]) == endpoints_of(frequency)
        assert re.findall(r"`([^`]+)`", row[2]) == tables_of(frequency)


def test_the_readme_shows_the_crontab_line_of_every_frequency() -> None:
    assert [frequency.cron for frequency in FREQUENCIES.values() if frequency.cron not in README] == []


def test_the_guide_explains_every_rule_that_rejects_a_record() -> None:
    rules = {WRONG_TYPE, NON_FINITE, NUL_IN_TEXT, "missing_key", "too_long", "conflicting_duplicate"}
    assert {row[0].strip("`") for row in table_rows(GUIDE, "Records in quarantine")} == rules


def test_the_public_api_is_the_default() -> None:
    assert Settings().api.base_url == PUBLIC_API
    assert f'#base_url = "{PUBLIC_API}"' in CONFIG.read_text(encoding="utf-8")
