"""Small JSON files that are replaced as a whole: a reader sees the old one or the new one, never half of either.

Each says its format. One that is there and cannot be read is never taken for one that is not there.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from cryptoelt.errors import StorageError
from cryptoelt.metadata.formats import FORMAT, Record
from cryptoelt.metadata.jsonl import sync_folder

if TYPE_CHECKING:
    from pathlib import Path


#: The format of the files that are written now.
STATE_FORMAT = 1


def read_json(path: Path) -> Record | None:
    """Return what the file says; None where there is none.

    Raises:
        StorageError: it cannot be opened.
        ValueError: it is not a JSON object, or of a newer format; the caller knows what that means.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise StorageError(f"cannot read {path}: {exc.strerror}", hint="check the file's owner") from exc
    return Record.of(json.loads(text), STATE_FORMAT)


def replace_json(path: Path, value: dict[str, Any], *, durable: bool) -> None:
    """Put `value` in place of what the file says, for a caller that holds the file's lock.

    Args:
        path: the file; its folder is made when missing.
        value: an object that JSON can hold; the format is added.
        durable: whether it must survive a power cut.

    Raises:
        StorageError: the file cannot be written.
    """
    fresh = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("w", encoding="utf-8") as stream:
            json.dump({FORMAT: STATE_FORMAT, **value}, stream)
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
        fresh.replace(path)
        if durable:
            sync_folder(path.parent)
    except OSError as exc:
        raise StorageError(
            f"cannot write {path}: {exc.strerror}", hint="check free space and the folder's owner"
        ) from exc
