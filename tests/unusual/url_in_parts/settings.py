"""Settings that are given the URL in parts."""

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import URL


class Settings(BaseSettings):
    """Read from the environment; none has a default."""

    model_config = SettingsConfigDict(env_prefix="POSTGRES_")

    host: str
    port: int
    user: str
    password: SecretStr
    db: str

    @property
    def url(self) -> URL:
        """Parts that the engine is made from."""
        return URL.create(
            "postgresql+asyncpg",
            username=self.user,
            password=self.password.get_secret_value(),
            host=self.host,
            port=self.port,
            database=self.db,
        )


settings = Settings()
