"""The Java that Spark will start: which one, how old, and how to get one.

Only the standard library is used here: `make` asks before anything is installed (`python -m cryptoelt.machine.java`).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from cryptoelt.errors import ConfigurationError

OLDEST_JAVA = 17
#: Spark's launcher asks for this module; slimmed runtimes (as pip packages bring them) lack it.
_NEEDED_MODULE = "jdk.incubator.vector"


@dataclass(frozen=True)
class Java:
    """A Java runtime.

    Attributes:
        program: the `java` that Spark's launcher takes.
        version: as it calls itself, e.g. 17.0.15+6-Debian-1deb12u1.
        identity: changes whenever the runtime is replaced.
    """

    program: Path
    version: str
    identity: str

    @property
    def major(self) -> int:
        """The feature release: 8 for 1.8.0, 17 for 17.0.15."""
        numbers = [int(number) for number in re.findall(r"\d+", self.version)[:2]]
        return numbers[1] if len(numbers) > 1 and numbers[0] == 1 else numbers[0]


def find_java(cache_dir: Path | None = None) -> Java:
    """Return the Java that Spark will take: JAVA_HOME's, else the first on PATH.

    It is asked for its version only when no file tells it.

    Args:
        cache_dir: where the answer of a Java without a `release` file is kept.

    Raises:
        ConfigurationError: there is none, it does not run, it is too old, or it lacks a module.
    """
    java = _described(_program(), cache_dir)
    if java.major < OLDEST_JAVA:
        raise _unusable(f"Java {OLDEST_JAVA} or newer is needed, {java.program} is {java.version}")
    return java


def install_hint() -> str:
    """Return the command that installs Java here."""
    command = _install_command()
    if command is None:
        return f"install a Java runtime {OLDEST_JAVA} or newer, or set JAVA_HOME to one"
    return f"install it with `{command}`, or set JAVA_HOME"


def _unusable(problem: str) -> ConfigurationError:
    """Return the error in one line: whoever starts the program for the first time sees what to type."""
    return ConfigurationError(f"{problem}: {install_hint()}")


def _install_command() -> str | None:
    sudo = "" if os.geteuid() == 0 else "sudo "
    if shutil.which("apt-get"):
        return f"{sudo}apt-get update && {sudo}apt-get install -y openjdk-{_debian_java()}-jre-headless"
    if shutil.which("dnf"):
        return f"{sudo}dnf install -y java-21-openjdk-headless"
    if shutil.which("brew"):
        return "brew install --cask temurin@21"
    return None


def _debian_java() -> int:
    """Return the Java that this release of Debian or Ubuntu has: Debian 12 has only 17, Debian 13 only 21 and newer."""
    try:
        text = Path("/etc/os-release").read_text(encoding="utf-8")
    except OSError:
        text = ""
    facts = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', text, re.MULTILINE))
    return OLDEST_JAVA if facts.get("ID") == "debian" and facts.get("VERSION_ID", "13") < "13" else 21


def _program() -> Path:
    home = os.environ.get("JAVA_HOME")
    if home:
        program = Path(home) / "bin" / "java"
        if not os.access(program, os.X_OK):
            raise _unusable(f"JAVA_HOME is {home}, where there is no bin/java")
        return program
    found = shutil.which("java")
    if found is None:
        raise _unusable(f"Java {OLDEST_JAVA} or newer is needed and none was found")
    return Path(found)


def _described(program: Path, cache_dir: Path | None) -> Java:
    real = program.resolve()
    release = real.parent.parent / "release"
    try:
        text = release.read_text(encoding="utf-8")
        stamp = release.stat().st_mtime_ns
    except (OSError, UnicodeDecodeError):
        text, stamp = "", 0
    facts = dict(re.findall(r'^(\w+)="(.*)"$', text, re.MULTILINE))
    if "MODULES" in facts and _NEEDED_MODULE not in facts["MODULES"].split():
        raise _unusable(f"{program} is a slimmed Java without the module {_NEEDED_MODULE}, which Spark needs")
    version = facts.get("JAVA_RUNTIME_VERSION") or facts.get("JAVA_VERSION")
    if version and version[0].isdigit():
        return Java(program, version, f"{real} {version} {stamp}")
    found = real.stat()
    identity = f"{real} {found.st_size} {found.st_mtime_ns}"
    return Java(program, _remembered(program, identity, cache_dir), identity)


def _remembered(program: Path, identity: str, cache_dir: Path | None) -> str:
    """Ask the runtime for its version, once per runtime: that takes a process."""
    note = cache_dir / "java.json" if cache_dir is not None else None
    try:
        known = json.loads(note.read_text(encoding="utf-8")) if note is not None else {}
    except (OSError, ValueError):
        known = {}
    if known.get("identity") == identity:
        return str(known["version"])
    version = _asked(program)
    if note is not None and note.parent.is_dir() and os.access(note.parent, os.W_OK):
        partial = note.with_name(f".{note.name}.{os.getpid()}")
        partial.write_text(json.dumps({"identity": identity, "version": version}), encoding="utf-8")
        partial.replace(note)
    return version


def _asked(program: Path) -> str:
    done = subprocess.run([program, "-version"], capture_output=True, text=True, check=False)  # noqa: S603
    found = re.search(r'version "(\d[^"]*)"', done.stderr)
    if done.returncode or found is None:
        said = (done.stderr.strip().splitlines() or ["nothing"])[0]
        raise _unusable(f"{program} does not run: {said}")
    return found.group(1)


def main() -> int:
    """Say in one line what is wrong with this machine's Java; return an exit code."""
    try:
        find_java()
    except ConfigurationError as exc:
        sys.stderr.write(f"error: {exc.message}\n")
        return exc.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
