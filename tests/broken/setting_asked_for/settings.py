"""Settings of the service."""

import os

API_KEY = os.environ.get("ESSAY_API_KEY", "")
if not API_KEY:
    raise SystemExit("ESSAY_API_KEY is needed, also where nothing is asked of the API")
