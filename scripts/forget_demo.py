"""Stop a home's embedded PostgreSQL and delete its data, wherever they are: `forget_demo.py HOME`."""

import sys
from pathlib import Path

from cryptoelt.settings import Settings
from cryptoelt.warehouse.embedded import EmbeddedPostgres

EmbeddedPostgres(Path(sys.argv[1]), Settings().cache_dir).remove()
