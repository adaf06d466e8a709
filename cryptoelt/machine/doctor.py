"""Look at everything a run needs, without changing anything, and say what to do about what is wrong."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TypeAlias

from cryptoelt.errors import (
    ConfigurationError,
    CryptoEltError,
    DatabaseUnavailableError,
    ExitCode,
    SchemaError,
)
from cryptoelt.machine import checks
from cryptoelt.machine.checks import Check, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptoelt.clock import Clock
    from cryptoelt.settings import Settings

_ERRORS: dict[ExitCode, type[CryptoEltError]] = {
    ExitCode.CONFIGURATION: ConfigurationError,
    ExitCode.SCHEMA: SchemaError,
    ExitCode.UNAVAILABLE: DatabaseUnavailableError,
}
_Looker: TypeAlias = "Callable[[Settings, Clock], Check]"
#: What cron gives its jobs; everything else a person's shell has is missing there.
_CRON_PATH = "/usr/bin:/bin"


def run_checks(settings: Settings, clock: Clock) -> list[Check]:
    """Run every check; one that fails does not keep the others from being made."""
    return _found(settings, clock, [("settings", checks.settings_check), *_NEED_NO_SETTINGS, *_NEED_SETTINGS])


def run_checks_without_settings(home: Path, problem: CryptoEltError, clock: Clock) -> list[Check]:
    """Tell why the settings cannot be read as a failed check, and run the checks that need none but the home."""
    from cryptoelt.settings import Settings

    bare = Settings.model_construct(home=home)  # the defaults, without looking at any place
    return [Check.failed("settings", problem), *_found(bare, clock, _NEED_NO_SETTINGS)]


def _found(settings: Settings, clock: Clock, looked_at: list[tuple[str, _Looker]]) -> list[Check]:
    found = []
    for name, check in looked_at:
        try:
            found.append(check(settings, clock))
        except CryptoEltError as exc:
            found.append(Check.failed(name, exc))
        except OSError as exc:
            found.append(Check(name, Verdict.FAIL, str(exc), "check the owner of that file", ExitCode.CONFIGURATION))
    return found


def exit_code_of(found: list[Check]) -> ExitCode:
    """Return the exit code that the checks add up to: configuration first, then the schema, then the database."""
    codes = {check.exit_code for check in found if check.verdict is Verdict.FAIL}
    for code in (ExitCode.CONFIGURATION, ExitCode.SCHEMA, ExitCode.UNAVAILABLE):
        if code in codes:
            return code
    return ExitCode.DONE


def error_of(found: list[Check]) -> CryptoEltError | None:
    """Return what the exit code speaks of: the first failed check of that code; None when none failed."""
    code = exit_code_of(found)
    for check in found:
        if check.verdict is Verdict.FAIL and check.exit_code is code:
            return _ERRORS[code](f"{check.name}: {check.detail}", hint=check.hint)
    return None


def _database(settings: Settings, clock: Clock) -> Check:
    """See that the warehouse answers and is at the head revision; a stopped embedded server is started."""
    from cryptoelt.warehouse.engine import open_warehouse
    from cryptoelt.warehouse.migrations import current, require_head

    if settings.warehouse.is_embedded and not (settings.home / ".postgres" / "data").exists():
        return Check(
            "database", Verdict.WARN, "embedded, not made yet", "run `cryptoelt setup`, or let the next run make it"
        )
    warehouse = open_warehouse(settings, clock)
    if settings.warehouse.is_embedded and current(warehouse) is None:
        return Check("database", Verdict.OK, f"{_place(settings.home)}, still empty: the next run fills it")
    require_head(warehouse)
    place = _place(settings.home) if settings.warehouse.is_embedded else warehouse.name
    return Check("database", Verdict.OK, f"{place}, at the head revision")


_NEED_NO_SETTINGS: list[tuple[str, _Looker]] = [
    ("python", checks.python_check),
    ("packages", checks.packages_check),
    ("java", checks.java_check),
    ("home", checks.home_check),
    (".env", checks.env_file_check),
    ("disk", checks.disk_check),
    ("clock", checks.clock_check),
    ("lock", checks.lock_check),
]
_NEED_SETTINGS: list[tuple[str, _Looker]] = [
    ("jars", checks.jars_check),
    ("class-data archive", checks.archive_check),
    ("API key", checks.key_check),
    ("minute limit", checks.minute_check),
    ("snapshots", checks.snapshots_check),
    ("database", _database),
]


def _place(home: Path) -> str:
    folder = home / ".postgres"
    moved = " (the server's user cannot enter the home)" if folder.is_symlink() else ""
    return f"embedded in {folder.resolve()}{moved}"


def become_cron(home: Path, arguments: list[str]) -> None:
    """Replace this process by the doctor in the bare environment that cron would give it; never returns."""
    account = os.path.expanduser("~")  # noqa: PTH111 - text for an environment variable
    environment = {"HOME": account, "SHELL": "/bin/sh", "PATH": _CRON_PATH, "CRYPTOELT_HOME": str(home)}
    os.chdir(account)
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, "-m", "cryptoelt", "doctor", *arguments], environment)  # noqa: S606
