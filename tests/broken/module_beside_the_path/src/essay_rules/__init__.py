"""Rules for essays."""
