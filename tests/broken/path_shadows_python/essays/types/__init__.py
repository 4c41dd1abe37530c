"""The kinds of essays."""
