"""Quality checks: one SELECT each in `sql/quality/`, which finds the rows that are not as they should be."""
