"""The lake: Bronze files and Silver tables; the only code that knows paths inside it."""
