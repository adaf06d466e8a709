"""The CoinMarketCap client, its endpoint catalogue and error taxonomy, and the credit ledger."""
