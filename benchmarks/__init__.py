"""Benchmarks: commands that measure whole processes and print tables; `make bench` runs all of them."""
