"""The structured log: one JSON line per event under logs/, with the run's id; secrets cannot appear in it."""

from __future__ import annotations

import json
import logging
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

from cryptoelt.clock import iso
from cryptoelt.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import SecretStr

_MASK = "********"
_ROOT = "cryptoelt"
#: Masking what is as short as this would hide half of every line and no secret.
_SHORTEST_SECRET = 3


class _JsonFormatter(logging.Formatter):
    """Writes a record as one JSON line and masks every secret it was given, tracebacks included."""

    def __init__(self, run_id: str, secrets: list[str]) -> None:
        super().__init__()
        self._run_id = run_id
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": iso(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "run_id": self._run_id,
            "logger": record.name,
            "pid": record.process,
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(self._masked(line), ensure_ascii=False)

    def _masked(self, value: Any) -> Any:
        """Mask before JSON is made of it: a secret of digits must not tear a number apart."""
        match value:
            case None | bool() | int() | float():
                return value
            case dict():
                return {mask(str(name), self._secrets): self._masked(item) for name, item in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self._masked(item) for item in value]
            case _:
                return mask(str(value), self._secrets)


class _FileHandler(logging.FileHandler):
    """Writes the log; says in one line that it cannot, where `logging` would print the record unmasked."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, encoding="utf-8", errors="backslashreplace")
        self._complained = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - the name logging calls
        if not self._complained:
            self._complained = True
            reason = sys.exc_info()[1]
            print(f"warning: cannot write the log {self.baseFilename}: {reason}", file=sys.stderr)  # noqa: T201


class _PlainFormatter(logging.Formatter):
    """Writes a record for a person who asked for more detail."""

    def __init__(self, secrets: list[str]) -> None:
        super().__init__()
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        fields = " ".join(f"{name}={value}" for name, value in getattr(record, "fields", {}).items())
        return mask(f"{record.getMessage()} {fields}".rstrip(), self._secrets)


class _TellingHandler(logging.Handler):
    """Prints on stderr what a record tells people: on a terminal each time, elsewhere once, for a run stays brief."""

    def __init__(self, secrets: list[str]) -> None:
        super().__init__()
        self._secrets = secrets
        self._has_told = False

    def emit(self, record: logging.LogRecord) -> None:
        told = getattr(record, "told", "")
        if not told or (self._has_told and not sys.stderr.isatty()):
            return
        self._has_told = True
        with suppress(OSError):  # nobody reads it, and the run goes on
            print(mask(told, self._secrets), file=sys.stderr, flush=True)  # noqa: T201


def mask(text: str, secrets: list[str]) -> str:
    """Return the text without any of the secrets."""
    for secret in secrets:
        text = text.replace(secret, _MASK)
    return text


def secrets_of(*values: SecretStr | None) -> list[str]:
    """Return the secrets worth masking, as JSON, Python and URLs spell them, longest first."""
    spelt: set[str] = set()
    for value in values:
        secret = "" if value is None else value.get_secret_value()
        if len(secret) > _SHORTEST_SECRET:
            spelt |= {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
            spelt |= {repr(secret)[1:-1], quote(secret, safe=""), quote_plus(secret)}
    return sorted(spelt, key=len, reverse=True)


def configure_logging(logs_dir: Path, run_id: str, now: datetime, secrets: list[str], *, verbose: bool) -> None:
    """Send the events of this process to `logs/cryptoelt-YYYY-MM-DD.jsonl`, and to stderr when asked for detail.

    Raises:
        ConfigurationError: the folder cannot be written.
    """
    logger, root = logging.getLogger(_ROOT), logging.getLogger()
    for handler in list(logger.handlers):
        root.removeHandler(handler)
        logger.removeHandler(handler)
        handler.close()
    try:
        logs_dir.mkdir(parents=True, exist_ok=True)
        to_file = _FileHandler(logs_dir / f"cryptoelt-{now:%Y-%m-%d}.jsonl")
    except OSError as exc:
        raise ConfigurationError(
            f"the home cannot be used: {logs_dir}: {exc.strerror}", hint="set CRYPTOELT_HOME to a folder you can write"
        ) from exc
    to_file.setFormatter(_JsonFormatter(run_id, secrets))
    logger.addHandler(to_file)
    logger.setLevel(logging.DEBUG if verbose else logging.INFO)
    logger.propagate = False
    root.addHandler(to_file)  # else what libraries complain of would go to stderr, tracebacks and all
    if not verbose:
        logger.addHandler(_TellingHandler(secrets))
    else:
        to_stderr = logging.StreamHandler(sys.stderr)
        to_stderr.setFormatter(_PlainFormatter(secrets))
        logger.addHandler(to_stderr)
