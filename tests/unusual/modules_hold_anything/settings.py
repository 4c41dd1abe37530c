"""Objects that answer every attribute, or none, or connect when they are touched."""

import socket
import sys
from typing import Any


class Settings(dict[str, Any]):
    """Raises KeyError where an attribute is missing."""

    __getattr__ = dict.__getitem__


class Request:
    """Raises outside of a request, whatever is asked, as web frameworks' proxies do."""

    def __getattribute__(self, name: str) -> Any:
        """Refuse."""
        raise RuntimeError(f"{name} asked outside of a request")


class Names(type):
    """Looks names up, and knows none."""

    def __getattr__(cls, name: str) -> Any:
        """Refuse."""
        raise LookupError(name)


class Registry(metaclass=Names):
    """A class that is asked for its members."""


class Client:
    """Connects when it is touched."""

    def __getattribute__(self, name: str) -> Any:
        """Connect."""
        return socket.create_connection(("127.0.0.1", 9))


settings = Settings(title_length=200)
request = Request()
client = Client()
sys.modules["essay_settings"] = settings  # type: ignore[assignment]
sys.modules["essay_request"] = request  # type: ignore[assignment]
