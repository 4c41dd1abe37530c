"""Their migrations."""
