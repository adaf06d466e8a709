"""`python -m tests.crash.eager_upkeep`: cryptoelt whose upkeep is due every few snapshots, so that kills meet it."""

from datetime import timedelta

from cryptoelt.cli import main
from cryptoelt.lake import upkeep

if __name__ == "__main__":
    upkeep.SMALL_FILES = 4
    upkeep.TIME_TRAVEL = timedelta(0)
    main()
