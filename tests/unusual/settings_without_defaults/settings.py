"""Settings of the service; none has a default."""

from pathlib import Path

from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    """Read from the environment."""

    database_url: str
    replica_database_url: str
    environment: str
    languages_file: Path
    service_root: Path


settings = Settings()
