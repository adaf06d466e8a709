"""How this program is called from elsewhere: by cron, or by a command that is printed to be tried."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path


def program() -> str:
    """Return the absolute command that started this process, quoted for a shell."""
    started_as = Path(sys.argv[0])
    if started_as.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m cryptoelt"
    return shlex.quote(str(started_as.absolute()))
