"""The structured log: one JSON object a line, with the run's id, and never a secret."""

from __future__ import annotations

import io
import json
import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from cryptoelt.errors import ConfigurationError, ExitCode
from cryptoelt.logs import configure_logging, mask, secrets_of
from tests.support.processes import run_python

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
CANARY = "canary-5f3d2c1b"
#: Keys and passwords that some spelling would give away.
SECRETS = [CANARY, 'qu"ote\\back', "ümläut-ключ", "per%cent+plus/slash", "new\nline", 'it\'s "both"', "1234567"]

log = logging.getLogger("cryptoelt.test")


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    loggers = [logging.getLogger(), logging.getLogger("cryptoelt")]
    before = [(logger, list(logger.handlers), logger.level, logger.propagate) for logger in loggers]
    yield
    for logger, handlers, level, propagate in before:
        for handler in [each for each in logger.handlers if each not in handlers]:
            logger.removeHandler(handler)
            handler.close()
        logger.handlers[:] = handlers
        logger.setLevel(level)
        logger.propagate = propagate


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "home" / "logs"


def configure(folder: Path, *secrets: str, verbose: bool = False) -> None:
    configure_logging(folder, "run-1", NOW, secrets_of(*map(SecretStr, secrets)), verbose=verbose)


def text_of(folder: Path) -> str:
    return (folder / "cryptoelt-2026-11-23.jsonl").read_text(encoding="utf-8")


def lines_of(folder: Path) -> list[dict[str, Any]]:
    content = text_of(folder)
    assert content == "" or content.endswith("\n")
    return [json.loads(line) for line in content.split("\n")[:-1]]


def test_an_event_is_one_line_with_its_fields_and_the_run(folder: Path) -> None:
    configure(folder)
    log.info("call.settled", extra={"fields": {"credits": 3, "share": 0.5, "call_id": "c1", "open": None, "ok": True}})

    (line,) = lines_of(folder)
    assert (
        line.items()
        >= {
            "level": "info",
            "event": "call.settled",
            "run_id": "run-1",
            "logger": "cryptoelt.test",
            "credits": 3,
            "share": 0.5,
            "call_id": "c1",
            "open": None,
            "ok": True,
        }.items()
    )
    assert datetime.fromisoformat(line["time"]).tzinfo is UTC


def test_whatever_the_text_an_event_stays_on_its_line(folder: Path) -> None:
    configure(folder)
    text = "two\nlines\r\n\u2028 half \ud83d of a pair \0 \"quoted\" 'twice'"
    log.warning(text, extra={"fields": {"path": folder, "at": NOW, "nested": {"list": [text, {1, 2}]}}})
    log.info("next")

    first, second = lines_of(folder)
    assert first["event"] == text
    assert (first["path"], first["at"]) == (str(folder), str(NOW))
    assert first["nested"] == {"list": [text, [1, 2]]}
    assert second["event"] == "next"


def refuse(secret: str) -> None:
    raise ValueError(f"the key {secret} was refused", {"key": secret})


def fail(secret: str) -> None:
    try:
        refuse(secret)
    except ValueError as exc:
        raise RuntimeError(f"call with {secret!r} and {json.dumps(secret)}") from exc


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_in_no_line_whatever_the_spelling(folder: Path, secret: str) -> None:
    configure(folder, secret)
    log.info("asked with %s", secret)
    log.info("in fields", extra={"fields": {"key": secret, secret: 1, "deep": {"list": [f"x{secret}x", (secret,)]}}})
    log.info("as json: %s", json.dumps({"key": secret}))
    log.info("as unicode json: %s", json.dumps({"key": secret}, ensure_ascii=False))
    log.info("as python: %r", {"key": secret})
    log.info("as url: https://host/?key=%s", quote(secret, safe=""))
    try:
        fail(secret)
    except RuntimeError:
        log.exception("failed")

    content = text_of(folder)
    lines = lines_of(folder)
    assert len(lines) == 7
    assert "fail(secret)" in lines[-1]["traceback"]
    assert "was refused" in lines[-1]["traceback"]
    assert all("********" in json.dumps(line) for line in lines)
    for line in lines:
        shown = json.dumps(line, ensure_ascii=False)
        for spelling in {secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], quote(secret, safe="")}:
            assert spelling not in shown
            assert spelling not in str(line)
    assert secret not in content


def test_masking_a_secret_of_digits_tears_no_number_apart(folder: Path) -> None:
    configure(folder, "2345")
    log.info("paid", extra={"fields": {"credits": 12345, "text": "12345"}})

    (line,) = lines_of(folder)
    assert (line["credits"], line["text"]) == (12345, "1********")


def test_a_secret_within_a_longer_one_does_not_leave_the_rest_of_it() -> None:
    secrets = secrets_of(SecretStr("password"), SecretStr("postgresql://user:password@host/db"))

    assert mask("at postgresql://user:password@host/db", secrets) == "at ********"


def test_what_is_too_short_to_be_a_secret_is_left_alone() -> None:
    assert secrets_of(SecretStr("abc"), SecretStr(""), None) == []


@pytest.mark.parametrize("verbose", [False, True])
def test_detail_is_written_and_shown_only_to_whoever_asks(
    folder: Path, capsys: pytest.CaptureFixture[str], verbose: bool
) -> None:
    configure(folder, CANARY, verbose=verbose)
    log.debug("detail", extra={"fields": {"n": 1, "key": CANARY}})
    log.info("event")

    assert [line["event"] for line in lines_of(folder)] == (["detail", "event"] if verbose else ["event"])
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == ("detail n=1 key=********\nevent\n" if verbose else "")


def test_what_a_library_complains_of_is_in_the_log_and_not_on_stderr(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(folder, CANARY)
    logging.getLogger("some.library").warning("retrying with %s", CANARY)

    assert [line["event"] for line in lines_of(folder)] == ["retrying with ********"]
    assert capsys.readouterr().err == ""


def test_a_second_configuration_takes_the_place_of_the_first(folder: Path, tmp_path: Path) -> None:
    configure(folder)
    configure(tmp_path / "other", verbose=True)
    configure(tmp_path / "third")
    log.info("event")

    assert lines_of(folder) == []
    assert len(lines_of(tmp_path / "third")) == 1


def test_two_runs_of_a_day_share_a_file(folder: Path) -> None:
    for run in ("run-1", "run-2"):
        configure_logging(folder, run, NOW, [], verbose=False)
        log.info("started")

    assert [line["run_id"] for line in lines_of(folder)] == ["run-1", "run-2"]


def test_a_home_that_cannot_be_written_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError) as caught:
        configure(tmp_path / "file" / "logs")

    assert caught.value.exit_code is ExitCode.CONFIGURATION
    assert str(tmp_path / "file" / "logs") in caught.value.message
    assert "CRYPTOELT_HOME" in caught.value.hint


#: Logs under a limit on the size of files, which is met as a full disk is.
LOG_ON_A_FULL_DISK = """
import logging, resource, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from cryptoelt.logs import configure_logging
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
configure_logging(Path(sys.argv[1]), "run-1", datetime(2026, 11, 23, tzinfo=UTC), [sys.argv[2]], verbose=False)
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
for _ in range(3):
    logging.getLogger("cryptoelt").info("asked with %s", sys.argv[2])
print("went on")
"""


def test_a_log_that_cannot_be_written_is_said_once_without_the_secret_and_work_goes_on(folder: Path) -> None:
    done = run_python(LOG_ON_A_FULL_DISK, folder, CANARY)

    assert (done.returncode, done.stdout) == (0, "went on\n")
    assert done.stderr.startswith(f"warning: cannot write the log {folder}")
    assert len(done.stderr.splitlines()) == 1
    assert CANARY not in done.stderr


def test_what_a_record_tells_people_is_printed_off_a_terminal_once_and_without_a_secret(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(folder, CANARY)
    for _ in range(2):
        log.info("minute.wait", extra={"fields": {"seconds": 34}, "told": f"waiting 34 s ({CANARY})"})
    log.info("minute.wait", extra={"fields": {"seconds": 1}})

    assert capsys.readouterr() == ("", "waiting 34 s (********)\n")
    assert len(lines_of(folder)) == 3


def test_on_a_terminal_every_wait_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    configure(folder)
    for _ in range(2):
        log.info("minute.wait", extra={"told": "waiting 34 s"})

    assert terminal.getvalue() == "waiting 34 s\n" * 2


class Terminal(io.StringIO):
    """A stderr that a person looks at."""

    def isatty(self) -> bool:
        return True
