"""Settings of the service."""

from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    """Read from the environment."""

    essay_database_url: str = "postgresql+asyncpg://essays:essays@localhost:5433/essays_dev"


settings = Settings()
