"""An ELT toolkit that turns one CoinMarketCap key into a complete, auditable history of the crypto market."""

__version__ = "0.1.0"
