"""Settings of the service."""

import os

API_KEY = os.environ["ESSAY_API_KEY"]
