"""The ids of revisions, by release."""

ESSAYS = "2025_2_essays"
NOTES = "2025_2_notes"
