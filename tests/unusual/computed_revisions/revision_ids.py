"""Ids of the revisions of this service."""


def revision_id(number: int) -> str:
    """The id of the revision with that number."""
    return f"grading_{number:04}"
