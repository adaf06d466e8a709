"""Secrets that are recognised wherever they turn up, and the search for them: in text, files, databases, processes."""

from __future__ import annotations

import base64
import io
import json
import os
import secrets
import shlex
import shutil
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import quote, quote_plus

import psycopg2
from psycopg2 import sql

if TYPE_CHECKING:
    from collections.abc import Iterator

_POLL = 0.05


@dataclass(frozen=True)
class Canary:
    """A secret that holds what JSON, Python, URLs and shells escape, around a core that none of them does.

    Attributes:
        name: what it is, for messages.
        text: the secret itself; an HTTP header can carry it.
        core: letters and digits; where they are, the secret or a piece of it is, in whatever spelling.
    """

    name: str
    text: str
    core: str

    @classmethod
    def make(cls, name: str) -> Self:
        """Make one that no other test or run has."""
        core = f"kAn4ry{secrets.token_hex(10)}"
        return cls(name, f"q\"u'o&t%61\\{core}+/=<$>#", core)

    def traces(self) -> list[bytes]:
        """Return what to look for: the core, plain and in the encodings that change letters too."""
        core = self.core.encode()
        # Base64 spells three bytes with four letters, so a text inside another has one of three spellings; its first
        # and last letters depend on what stands beside it.
        shifted = [base64.b64encode(b"\0" * shift + core)[-(-shift * 4 // 3) :][1:-4] for shift in range(3)]
        return [core, core.hex().encode(), core.hex().upper().encode(), core.decode().encode("utf-16-le"), *shifted]

    def is_in(self, content: bytes) -> bool:
        """Tell whether a trace of the secret is in this content."""
        return any(trace in content for trace in self.traces())


def found_in(canaries: list[Canary], content: bytes, place: str) -> list[str]:
    """Return a line for every secret that is in this content."""
    return [f"{canary.name} in {place}" for canary in canaries if canary.is_in(content)]


def found_in_files(canaries: list[Canary], folder: Path) -> list[str]:
    """Search every file below a folder, links included."""
    leaks = []
    for parent, _, names in os.walk(folder, followlinks=True):
        for path in (Path(parent, name) for name in names):
            if path.is_file():
                leaks += found_in(canaries, path.read_bytes(), str(path))
    return leaks


def found_in_database(canaries: list[Canary], url: str) -> list[str]:
    """Search every row of every table of a database."""
    leaks = []
    with (
        closing(psycopg2.connect(url.replace("postgresql+psycopg2://", "postgresql://"))) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "SELECT table_schema, table_name FROM information_schema.tables"
            " WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')"
        )
        for schema, table in cursor.fetchall():
            rows = io.BytesIO()
            # Neither escapes nor delimiters of COPY's text format change the core.
            cursor.copy_expert(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(schema, table)), rows)
            leaks += found_in(canaries, rows.getvalue(), f"table {schema}.{table}")
    return leaks


@dataclass
class ProcessWatch:
    """Looks at every process of the machine while it is entered: its command line, and what it got as environment.

    A `python -m cryptoelt` was itself given the secrets in its environment; nobody else may have them there.

    Attributes:
        leaks: what was found.
        seen: names of the programs that were looked at.
    """

    canaries: list[Canary]
    leaks: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._ended.clear()
        self._thread = threading.Thread(target=self._watch, name="process-watch")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(_POLL):
            self.look()

    def look(self) -> None:
        """Look at all processes once, and at what `ps` shows where there is one."""
        for pid in (name for name in os.listdir("/proc") if name.isdecimal()):  # noqa: PTH208
            command = _read(pid, "cmdline")
            program = Path(os.fsdecode(command.partition(b"\0")[0])).name
            self.seen.add(program)
            self.leaks.update(found_in(self.canaries, command, f"the command line of a {program}"))
            if not _is_ours(command):
                self.leaks.update(found_in(self.canaries, _read(pid, "environ"), f"the environment of a {program}"))

    def ask_ps(self) -> None:
        """Look at what `ps` shows, where there is one."""
        if shutil.which("ps"):
            listing = subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, check=True).stdout
            self.leaks.update(found_in(self.canaries, listing, "the output of ps"))


def _is_ours(command: bytes) -> bool:
    """Tell a command that a test started; a child of it that has not begun its own program yet looks the same."""
    return command.startswith(b"\0".join([os.fsencode(sys.executable), b"-m", b"cryptoelt"]))


def _read(pid: str, name: str) -> bytes:
    try:
        return Path("/proc", pid, name).read_bytes()
    except OSError:  # it has ended, or belongs to somebody whose environment we may not read
        return b""


def spellings(text: str) -> Iterator[tuple[str, str]]:
    """Yield the ways in which a secret is met, each with its name."""
    yield "plain", text
    yield "JSON", json.dumps(text)
    yield "JSON in JSON", json.dumps(json.dumps({"key": text}))
    yield "Python", repr(text)
    yield "URL", quote(text, safe="")
    yield "form", quote_plus(text)
    yield "shell", shlex.quote(text)
    for user in ("", "u", "us"):
        yield f"base64 {user}", base64.b64encode(f"{user}{text}:".encode()).decode()
        yield f"base64 for URLs {user}", base64.urlsafe_b64encode(f"{user}{text}:".encode()).decode()
    yield "hex", text.encode().hex()
    yield "cut off", text[: len(text) - 4]
