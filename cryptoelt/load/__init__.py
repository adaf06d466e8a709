"""From Silver to the warehouse: one file per domain; a new one is found by being here.

What makes a load happen once: its rows and its row of `ops.load_batch` are one transaction (`base`), and what
`ops.load_batch` says is loaded is not pending (`pending`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptoelt.plugins import subclasses_in

if TYPE_CHECKING:
    from cryptoelt.load.base import BaseLoader


def loaders() -> dict[str, type[BaseLoader]]:
    """Return every loader class by its domain."""
    from cryptoelt.load.base import BaseLoader

    return {cls.domain: cls for cls in subclasses_in(__name__, BaseLoader, "domain")}
