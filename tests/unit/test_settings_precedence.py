"""Where several places speak of one setting, the order decides: flag > environment > .env > config.toml > default."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cryptoelt.settings import Settings, leaf_settings, load_settings, load_with_sources

if TYPE_CHECKING:
    from pathlib import Path

PLACES = ("flag", "environment", ".env", "config.toml", "default")
PRICE = "fear-and-greed/latest"
PROPERTY = "spark.sql.shuffle.partitions"


class Spoken:
    """A home, an environment and flags, to be filled with settings."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = home
        self.flags: dict[str, Any] = {}
        self._monkeypatch = monkeypatch

    def say(self, place: str, section: str, setting: str, value: object) -> None:
        """Give a setting a value in one place, spelt as that place spells it."""
        text = json.dumps(value) if isinstance(value, dict) else str(value)
        match place:
            case "flag":
                self.flags.setdefault(section, {})[setting] = value
            case "environment":
                self._monkeypatch.setenv(f"CRYPTOELT_{section.upper()}__{setting.upper()}", text)
            case ".env":
                self.append(".env", f"CRYPTOELT_{section.upper()}__{setting.upper()}='{text}'")
            case "config.toml":
                entries = value if isinstance(value, dict) else None
                header = f"[{section}.{setting}]" if entries is not None else f"[{section}]"
                pairs = entries if entries is not None else {setting: value}
                self.append(
                    "config.toml", "\n".join([header, *(f"{_key(k)} = {json.dumps(v)}" for k, v in pairs.items())])
                )
            case _:
                assert place == "default"

    def append(self, name: str, line: str) -> None:
        with (self.home / name).open("a", encoding="utf-8") as stream:
            stream.write(f"{line}\n")

    def loaded(self) -> Settings:
        return load_settings(self.flags)

    def origin(self, name: str) -> str:
        return {leaf: origin for leaf, _, origin in leaf_settings(*load_with_sources(self.flags))}[name]


def _key(name: str) -> str:
    return json.dumps(name) if "/" in name or "." in name else name


@pytest.fixture
def spoken(tmp_path: Path, bare_environment: None, monkeypatch: pytest.MonkeyPatch) -> Spoken:
    monkeypatch.setenv("CRYPTOELT_HOME", str(tmp_path))
    return Spoken(tmp_path, monkeypatch)


@pytest.mark.parametrize("winner", range(len(PLACES)))
def test_of_all_places_that_speak_the_first_in_order_wins(spoken: Spoken, winner: int) -> None:
    for number, place in enumerate(PLACES[winner:-1], start=winner):
        spoken.say(place, "api", "read_timeout", 100 + number)

    assert spoken.loaded().api.read_timeout == (100 + winner if PLACES[winner] != "default" else 60)
    assert spoken.origin("api.read_timeout") == PLACES[winner]


@pytest.mark.parametrize("winner", range(len(PLACES) - 1))
def test_the_entries_of_a_table_have_the_same_order_and_those_of_lower_places_stay(spoken: Spoken, winner: int) -> None:
    for number, place in enumerate(PLACES[winner:-1], start=winner):
        spoken.say(place, "budget", "prices", {PRICE: 100 + number, f"only/{number}": number})
        spoken.say(place, "spark", "conf", {PROPERTY: str(100 + number), f"spark.only.{number}": str(number)})

    settings = spoken.loaded()

    others = range(winner, len(PLACES) - 1)
    assert settings.budget.prices == {PRICE: 100 + winner, **{f"only/{n}": n for n in others}}
    assert settings.spark.conf == {PROPERTY: str(100 + winner), **{f"spark.only.{n}": str(n) for n in others}}
    assert spoken.origin("budget.prices") == spoken.origin("spark.conf") == PLACES[winner]


@pytest.mark.parametrize("higher", ["flag", "environment", ".env"])
def test_a_spark_property_in_dotted_toml_is_the_one_that_is_overridden(spoken: Spoken, higher: str) -> None:
    spoken.append("config.toml", "[spark.conf]\nspark.sql.shuffle.partitions = 8\nspark.ui.enabled = true")
    spoken.say(higher, "spark", "conf", {PROPERTY: "3"})

    assert spoken.loaded().spark.conf == {PROPERTY: "3", "spark.ui.enabled": "true"}


def test_settings_of_one_section_may_come_from_different_places(spoken: Spoken) -> None:
    for number, (place, setting) in enumerate(
        [
            ("flag", "max_tries"),
            ("environment", "read_timeout"),
            (".env", "connect_timeout"),
            ("config.toml", "max_wait"),
        ],
        start=1,
    ):
        spoken.say(place, "api", setting, number)

    api = spoken.loaded().api

    assert (api.max_tries, api.read_timeout, api.connect_timeout, api.max_wait) == (1, 2, 3, 4)
    assert api.requests_per_minute is None


KEY_PLACES = ["CRYPTOELT_API__KEY", "CMC_API_KEY", ".env CRYPTOELT_API__KEY", ".env CMC_API_KEY", "config.toml"]


@pytest.mark.parametrize("winner", range(len(KEY_PLACES)))
def test_the_key_has_two_names_and_the_same_order(spoken: Spoken, monkeypatch: pytest.MonkeyPatch, winner: int) -> None:
    for number, place in enumerate(KEY_PLACES[winner:], start=winner):
        match place.split():
            case ["config.toml"]:
                spoken.say("config.toml", "api", "key", f"key-{number}")
            case [".env", name]:
                spoken.append(".env", f"{name}=key-{number}")
            case _:
                monkeypatch.setenv(place, f"key-{number}")

    key = spoken.loaded().api.key

    assert key is not None
    assert key.get_secret_value() == f"key-{winner}"
    assert spoken.origin("api.key") == ["environment", "environment", ".env", ".env", "config.toml"][winner]


@pytest.mark.parametrize("name", ["CRYPTOELT_API__KEY", "CMC_API_KEY", "CRYPTOELT_API__BASE_URL"])
@pytest.mark.parametrize("place", ["environment", ".env"])
def test_an_empty_value_says_nothing(spoken: Spoken, monkeypatch: pytest.MonkeyPatch, name: str, place: str) -> None:
    spoken.append("config.toml", '[api]\nkey = "from-toml"\nbase_url = "http://toml.example"')
    if place == "environment":
        monkeypatch.setenv(name, "")
    else:
        spoken.append(".env", f"{name}=")

    api = spoken.loaded().api

    assert api.key is not None
    assert (api.key.get_secret_value(), api.base_url) == ("from-toml", "http://toml.example")
    assert spoken.origin("api.key") == spoken.origin("api.base_url") == "config.toml"


def test_the_home_is_that_of_the_environment_and_never_one_that_a_file_in_a_home_names(
    spoken: Spoken, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoken.append(".env", "CRYPTOELT_HOME=/elsewhere")
    assert spoken.loaded().home == spoken.home
    assert spoken.origin("home") == "environment"

    monkeypatch.delenv("CRYPTOELT_HOME")
    monkeypatch.chdir(spoken.home)
    assert spoken.loaded().home == spoken.home
    assert spoken.origin("home") == "default"


def test_reading_the_settings_leaves_the_flags_as_they_were(spoken: Spoken) -> None:
    flags = {"home": "/elsewhere", "api": {"max_tries": 2}}

    assert load_settings(flags).home == spoken.home
    assert flags == {"home": "/elsewhere", "api": {"max_tries": 2}}
