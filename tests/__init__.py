"""The tests mirror src/; what several of them share is imported as `tests.…`."""
