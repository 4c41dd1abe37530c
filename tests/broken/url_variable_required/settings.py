"""Settings of the service."""

from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    """Read from the environment."""

    essay_database_url: str


settings = Settings()
