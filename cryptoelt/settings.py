"""Settings: one typed class, one order: flag > environment > .env > config.toml > default.

The home (`CRYPTOELT_HOME`, default the current directory) holds config.toml, .env, lake/, metadata/ and logs/.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import (
    BaseModel,
    SecretStr,
    ValidationError,
)
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from cryptoelt.errors import ConfigurationError
from cryptoelt.settings_environment import check_env_file, check_variables
from cryptoelt.settings_file import read_config_file
from cryptoelt.settings_sections import (
    AUTO,
    EMBEDDED,
    PUBLIC_API,
    ApiSettings,
    BudgetSettings,
    ExtractSettings,
    LakeSettings,
    MachineSettings,
    QualitySettings,
    RoleSettings,
    ScheduleSettings,
    SparkSettings,
    WarehouseSettings,
)

__all__ = [
    "EMBEDDED",
    "PUBLIC_API",
    "ApiSettings",
    "BudgetSettings",
    "ExtractSettings",
    "LakeSettings",
    "MachineSettings",
    "QualitySettings",
    "RoleSettings",
    "ScheduleSettings",
    "Settings",
    "SparkSettings",
    "WarehouseSettings",
    "home_from_environment",
    "leaf_settings",
    "load_settings",
    "load_with_sources",
]

_MASK = "********"
#: What a setting is that is not set, where that has a name.
_UNSET = dict.fromkeys(("api.requests_per_minute", "budget.monthly_credits"), AUTO)
#: Spark properties whose value is a secret, by their name.
_SECRET_NAME = re.compile(r"secret|password|passwd|token|credential|access[._]?key|account[._]?key", re.IGNORECASE)


class Settings(BaseSettings):
    """Everything that can be configured."""

    model_config = SettingsConfigDict(
        env_prefix="CRYPTOELT_", env_nested_delimiter="__", env_ignore_empty=True, extra="ignore", frozen=True
    )

    home: Path = Path()
    api: ApiSettings = ApiSettings()
    warehouse: WarehouseSettings = WarehouseSettings()
    spark: SparkSettings = SparkSettings()
    lake: LakeSettings = LakeSettings()
    budget: BudgetSettings = BudgetSettings()
    extract: ExtractSettings = ExtractSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    roles: RoleSettings = RoleSettings()
    quality: QualitySettings = QualitySettings()
    machine: MachineSettings = MachineSettings()

    @property
    def lake_root(self) -> str:
        """The lake's root as an absolute path or a Hadoop URI, without a trailing slash."""
        root = (self.lake.root or "lake").removeprefix("file://")
        return (root if "://" in root else str((self.home / root).absolute())).rstrip("/")

    @property
    def metadata_dir(self) -> Path:
        """The folder of journals and of the credit ledger."""
        return self.home / "metadata"

    @property
    def logs_dir(self) -> Path:
        """The folder of the structured logs."""
        return self.home / "logs"

    @property
    def cache_dir(self) -> Path:
        """The folder of jars, class-data archive and server binaries, shared by all homes of this machine."""
        if self.machine.cache is not None:
            return (self.home / self.machine.cache).absolute()
        if os.geteuid() == 0:  # the embedded server runs as another user, who may not look into root's own home
            return Path("/var/cache/cryptoelt")
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cryptoelt"

    def secrets(self) -> list[SecretStr]:
        """Return every value that must never be shown: the key, the warehouse's URL and passwords, Spark's secrets."""
        found = [] if self.api.key is None else [self.api.key]
        if not self.warehouse.is_embedded:
            found += [self.warehouse.url, *_password_of(self.warehouse.url)]
        found += self.roles.passwords.values()
        return found + [SecretStr(value) for name, value in self.spark.conf.items() if _SECRET_NAME.search(name)]

    def require_key(self) -> SecretStr:
        """Return the API key.

        Raises:
            ConfigurationError: none is set.
        """
        if self.api.key is None:
            raise ConfigurationError(
                "no CoinMarketCap API key is set",
                hint="set CRYPTOELT_API__KEY in the environment or in the .env file of the home",
            )
        return self.api.key


def home_from_environment() -> Path:
    """Return the absolute home: CRYPTOELT_HOME, else the current directory."""
    return Path(os.environ.get("CRYPTOELT_HOME") or ".").absolute()


def load_settings(flags: dict[str, Any] | None = None) -> Settings:
    """Read the settings from all their places.

    Args:
        flags: nested values given on the command line; they win.

    Raises:
        ConfigurationError: config.toml or .env cannot be read, a name is no setting, or a value has the wrong type.
    """
    return load_with_sources(flags)[0]


def load_with_sources(flags: dict[str, Any] | None = None) -> tuple[Settings, list[tuple[str, dict[str, Any]]]]:
    """Read the settings, and return with them what each place said, highest priority first.

    Raises:
        ConfigurationError: as `load_settings`.
    """
    home = home_from_environment()
    file_values = read_config_file(home / "config.toml", Settings)
    dotenv = _dotenv(home / ".env")
    check_variables((name for name, value in dotenv.env_vars.items() if value), Settings, ".env")
    check_variables((name for name, value in os.environ.items() if value), Settings, "environment")
    places: list[tuple[str, dict[str, Any]]] = [
        ("flag", dict(flags or {})),
        ("environment", _said_by(EnvSettingsSource(Settings), "environment")),
        ("environment", _key_alias(dict(os.environ))),
        (".env", _said_by(dotenv, ".env")),
        (".env", _key_alias({k.upper(): v for k, v in dotenv.env_vars.items() if v})),
        ("config.toml", file_values),
        ("environment" if os.environ.get("CRYPTOELT_HOME") else "default", {"home": home}),
    ]
    for _, values in places[:-1]:
        values.pop("home", None)
    try:
        settings = _layered(places)
    except ValidationError as exc:
        raise _named(exc, places) from None
    return settings, places


def _layered(places: list[tuple[str, dict[str, Any]]]) -> Settings:
    class _Layered(Settings):
        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], *_: PydanticBaseSettingsSource, **__: PydanticBaseSettingsSource
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return tuple(InitSettingsSource(settings_cls, init_kwargs=values) for _, values in places)

    return _Layered()


def _dotenv(path: Path) -> DotEnvSettingsSource:
    try:
        if path.is_file():
            check_env_file(path, path.read_text(encoding="utf-8"))
        return DotEnvSettingsSource(Settings, env_file=path)
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "it is not UTF-8"  # its own text may quote a secret
        raise ConfigurationError(f"cannot read {path}: {reason}", hint="check its owner and encoding") from None


def _said_by(source: EnvSettingsSource, place: str) -> dict[str, Any]:
    try:
        values = source()
    except SettingsError:
        name = next((name for name in _JSON_SETTINGS if not _is_json(source.env_vars.get(_variable(name)))), "")
        raise ConfigurationError(
            f"setting {name} (from {place}): not a JSON object",
            hint=f"it is in {_variable(name).upper()}",
            setting=name,
        ) from None
    return {name: value for name, value in values.items() if name in Settings.model_fields}


def _key_alias(environment: dict[str, str | None]) -> dict[str, Any]:
    key = environment.get("CMC_API_KEY")
    return {"api": {"key": key}} if key else {}


#: Settings that are a section or a table, which an environment variable can only hold as JSON.
_JSON_SETTINGS = (
    *(name for name in Settings.model_fields if name != "home"),
    "spark.conf",
    "budget.prices",
    "schedule.grace",
    "roles.passwords",
)


def _variable(name: str) -> str:
    return f"cryptoelt_{name.replace('.', '__')}"


def _is_json(text: str | None) -> bool:
    try:
        json.loads(text or "null")
    except ValueError:
        return False
    return True


def _password_of(url: SecretStr) -> list[SecretStr]:
    try:
        password = urlsplit(url.get_secret_value()).password
    except ValueError:
        return []
    return [] if not password else [SecretStr(text) for text in sorted({password, unquote(password)})]


def _is_secret(name: object, value: object) -> bool:
    return isinstance(value, SecretStr) or _SECRET_NAME.search(str(name)) is not None


def _named(exc: ValidationError, places: list[tuple[str, dict[str, Any]]]) -> ConfigurationError:
    """Name the first bad setting and where it came from, never its value: it may be a secret."""
    first = exc.errors(include_input=False, include_url=False)[0]
    path = [str(part) for part in first["loc"]]
    name = ".".join(path)
    origin = next((place for place, values in places if _contains(values, path)), "default")
    return ConfigurationError(f"setting {name} (from {origin}): {first['msg']}", hint=_mend(path, origin), setting=name)


def _mend(path: list[str], origin: str) -> str:
    """Say where to mend a setting; no command could tell, since all of them read the settings first."""
    variable = _variable(".".join(path[:2])).upper()
    match origin:
        case "flag":
            return "correct --set"
        case "environment":
            return f"correct {variable} in the environment"
        case ".env":
            return f"correct {variable} in the .env of the home"
        case _:
            return f"correct it in the {origin} of the home"


def _contains(values: Any, path: list[str]) -> bool:
    for part in path:
        if not isinstance(values, dict) or part not in values:
            return False
        values = values[part]
    return True


def leaf_settings(settings: Settings, places: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, str | None, str]]:
    """List every setting as (name, value for people, origin); secrets are masked, None is not set.

    A place that follows from others is shown as it is used, its origin is that of the setting.
    """
    used = {"lake.root": settings.lake_root, "machine.cache": str(settings.cache_dir)}
    rows = []
    for section, value in settings:
        leaves = list(value) if isinstance(value, BaseModel) else [(None, value)]
        for field, leaf in leaves:
            path = [section, field] if field else [section]
            origin = next((place for place, values in places if _contains(values, path)), "default")
            name = ".".join(path)
            rows.append((name, used.get(name) or _shown(leaf) or _UNSET.get(name), origin))
    return rows


def _shown(value: object) -> str | None:
    if isinstance(value, SecretStr):
        secret = value.get_secret_value()
        return secret if secret == EMBEDDED else _MASK
    if isinstance(value, dict):
        return str({name: _MASK if _is_secret(name, item) else item for name, item in value.items()})
    return None if value is None else str(value)
