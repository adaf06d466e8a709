"""Small JSON files that are replaced as a whole: a reader sees the old one or the new one, never half of either."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from cryptoelt.errors import StorageError
from cryptoelt.metadata.jsonl import sync_folder

if TYPE_CHECKING:
    from pathlib import Path


def replace_json(path: Path, value: Any, *, durable: bool) -> None:
    """Put `value` in place of what the file says, for a caller that holds the file's lock.

    Args:
        path: the file; its folder is made when missing.
        value: anything JSON can hold.
        durable: whether it must survive a power cut.

    Raises:
        StorageError: the file cannot be written.
    """
    fresh = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("w", encoding="utf-8") as stream:
            json.dump(value, stream)
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
