"""Settings of the service."""

import os
from pathlib import Path
from types import SimpleNamespace

from dotenv import load_dotenv

load_dotenv(Path(__file__).with_name("deployment.env"), override=True)

settings = SimpleNamespace(database_url=os.environ["DATABASE_URL"])
