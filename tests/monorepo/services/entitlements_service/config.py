"""Settings of the entitlements service."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Read from the environment once, when this module is imported."""

    model_config = SettingsConfigDict(env_prefix="ENTITLEMENTS_SERVICE_")

    database_url: str


settings = Settings()
