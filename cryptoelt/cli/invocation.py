"""What every command starts from: the global options, the settings, the log and the signals."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryptoelt.clock import Clock, StopFlag
from cryptoelt.errors import ConfigurationError, UsageError
from cryptoelt.wording import did_you_mean, nearest

if TYPE_CHECKING:
    from cryptoelt.pipeline.runtime import Runtime
    from cryptoelt.settings import Settings

#: Never taken from a command line, where other users of the machine can read them.
_SECRETS = ("api.key", "warehouse.url", "roles.passwords")
#: A section as a whole may be given as JSON.
_SECRET_VARIABLES = (
    *("CMC_API_KEY", "CRYPTOELT_API", "CRYPTOELT_API__KEY"),
    *("CRYPTOELT_WAREHOUSE", "CRYPTOELT_WAREHOUSE__URL", "CRYPTOELT_SPARK"),
)
#: Of Spark's properties some are secrets, the roles' passwords all are, and each may have a variable of its own.
_SECRET_PREFIXES = ("CRYPTOELT_SPARK__CONF", "CRYPTOELT_ROLES")


@dataclass
class Invocation:
    """The global options of one command line."""

    verbose: bool = False
    flags: dict[str, Any] = field(default_factory=dict)
    _settings: Settings | None = field(default=None, init=False, repr=False)

    @classmethod
    def of(cls, assignments: list[str], *, verbose: bool) -> Invocation:
        """Read `--set section.name=value` options; those of a table are `section.table.name=value`.

        Raises:
            UsageError: one is not of that form, or would put a secret on the command line.
        """
        flags: dict[str, Any] = {}
        for assignment in assignments:
            name, separator, value = assignment.partition("=")
            section, dot, setting = name.partition(".")
            if not separator or not dot:
                raise UsageError(
                    f"--set {name}: not of the form section.name=value", hint="e.g. --set api.read_timeout=30"
                )
            if any(f"{name}.".startswith(f"{secret}.") for secret in _SECRETS):
                raise UsageError(
                    f"--set {name}: a secret does not belong on a command line", hint="use the environment or .env"
                )
            table, dot, entry = setting.partition(".")
            values = flags.setdefault(section, {})
            if dot:
                values.setdefault(table, {})[entry] = value
            else:
                values[setting] = value
        return cls(verbose, flags)

    def settings(self, *, home_must_exist: bool = True) -> Settings:
        """Read the settings, and take the secrets out of the environment so that no child process inherits them.

        Raises:
            ConfigurationError: a setting is unknown or invalid, or the home does not exist.
            UsageError: a flag names no setting.
        """
        from cryptoelt.settings import load_settings

        if self._settings is None:
            self._require_known_flags()
            if home_must_exist:
                _require_home()
            try:
                settings = load_settings(self.flags)
            finally:
                _forget_secrets()
            _require_known_prices(settings.budget.prices)
            self._settings = settings
        return self._settings

    def _require_known_flags(self) -> None:
        from cryptoelt.settings import Settings

        for section, values in self.flags.items():
            model = Settings.model_fields.get(section)
            known = getattr(model.annotation, "model_fields", {}) if model else {}
            for name, value in values.items():
                is_table = name in known and known[name].default_factory is dict
                if is_table and not isinstance(value, dict):
                    raise UsageError(
                        f"--set {section}.{name}: a table of settings",
                        hint=f"--set {section}.{name}.NAME=VALUE sets one",
                    )
                if not is_table and (name not in known or isinstance(value, dict)):
                    raise UsageError(
                        f"--set {section}.{name}: there is no such setting",
                        hint=_meant(section, name),
                    )

    def runtime(self, command: str) -> Runtime:
        """Read the settings, open the log, and let SIGTERM and SIGINT end the run.

        Raises:
            ConfigurationError: a setting is invalid or the home cannot be used.
        """
        from cryptoelt.logs import configure_logging, secrets_of
        from cryptoelt.pipeline.runtime import Runtime
        from cryptoelt.signals import end_on_signals

        settings = self.settings()
        stop = StopFlag()
        runtime = Runtime(settings, command, Clock(stop))
        secrets = secrets_of(*settings.secrets())
        configure_logging(settings.logs_dir, runtime.run_id, runtime.clock.now(), secrets, verbose=self.verbose)
        end_on_signals(stop)
        return runtime


def _forget_secrets() -> None:
    for variable in list(os.environ):
        if variable.upper() in _SECRET_VARIABLES or variable.upper().startswith(_SECRET_PREFIXES):
            del os.environ[variable]


def _require_home() -> None:
    """Refuse a home that is not there: most likely its name is mistyped, and a new one would be without any data."""
    from cryptoelt.settings import home_from_environment

    home = home_from_environment()
    if home.is_dir():
        return
    if home.exists():
        raise ConfigurationError(
            f"the home {home} is not a folder", hint="set CRYPTOELT_HOME to a folder", setting="home"
        )
    raise ConfigurationError(
        f"the home {home} does not exist",
        hint=f"correct CRYPTOELT_HOME, or make it: `mkdir -p {shlex.quote(str(home))}`",
        setting="home",
    )


def _meant(section: str, name: str) -> str:
    """Return a hint for a setting that does not exist: the one that is alike, else where all of them are listed."""
    from cryptoelt.settings import Settings

    sections = {name: getattr(field.annotation, "model_fields", {}) for name, field in Settings.model_fields.items()}
    meant = section if section in sections else nearest(section, sections)
    alike = None if meant is None else nearest(name, sections[meant])
    return "see `cryptoelt config show`" if alike is None else f"did you mean {meant}.{alike}?"


def _require_known_prices(prices: dict[str, int]) -> None:
    """Refuse the price of an endpoint that does not exist: a mistyped name would leave the old price in force."""
    from cryptoelt.api.catalogue import ENDPOINTS, KEY_INFO

    known = [*ENDPOINTS, KEY_INFO.name]
    for name in prices:
        if name not in known:
            raise ConfigurationError(
                f"setting budget.prices: there is no endpoint {name}", hint=did_you_mean(name, known)
            )
