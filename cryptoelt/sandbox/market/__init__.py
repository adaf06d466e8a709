"""The synthetic market: every value a function of (seed, time), so that nothing needs to be stored."""
