"""Branch labels of this service."""

LABELS = ("accounts",)
