"""`python -m cryptoelt`."""

from cryptoelt.cli import main

if __name__ == "__main__":
    main()
