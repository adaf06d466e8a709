"""What a file's mode says, also to the super-user, whom the kernel otherwise lets read everything."""

from __future__ import annotations

import ctypes
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: to read and enter whatever the modes say.
_OVERRIDES = 1 << 1 | 1 << 2
_VERSION_3 = 0x20080522


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


@contextmanager
def bound_by_modes() -> Iterator[None]:
    """Let this thread read only what the modes of files allow their owner."""
    libc, header, sets = ctypes.CDLL(None, use_errno=True), _Header(_VERSION_3, 0), (_Sets * 2)()
    _call(libc.capget(ctypes.byref(header), ctypes.byref(sets)))
    before = sets[0].effective
    sets[0].effective = before & ~_OVERRIDES
    _call(libc.capset(ctypes.byref(header), ctypes.byref(sets)))
    try:
        yield
    finally:
        sets[0].effective = before
        _call(libc.capset(ctypes.byref(header), ctypes.byref(sets)))


@contextmanager
def unreadable(path: Path) -> Iterator[None]:
    """Take all rights on a file or folder away, for the owner as well."""
    mode = path.stat().st_mode
    path.chmod(0)
    try:
        with bound_by_modes():
            yield
    finally:
        path.chmod(mode)


def _call(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
