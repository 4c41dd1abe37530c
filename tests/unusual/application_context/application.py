"""An application that has to be set up before its models are imported, as Flask's."""

from sqlalchemy import MetaData

metadata = MetaData()
_pushed: list[str] = []


def push_context() -> None:
    """Set the application up."""
    _pushed.append("context")


def require_context() -> None:
    """Refuse to go on without it."""
    if not _pushed:
        raise RuntimeError("working outside of application context")
