"""`python -m tests.support.eager_upkeep`: cryptoelt whose upkeep is due every few snapshots, so that kills meet it."""

from datetime import timedelta

from cryptoelt.cli import main
from cryptoelt.lake import upkeep

if __name__ == "__main__":
    # Odd, for a killed run and the one after it often add two: else it would never be due in a killed one.
    upkeep.SMALL_FILES = 3
    upkeep.TIME_TRAVEL = timedelta(0)
    main()
