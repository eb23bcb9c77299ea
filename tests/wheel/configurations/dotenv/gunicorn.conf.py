import os
from pathlib import Path

for line in (Path(__file__).resolve().parent / ".env").read_text().splitlines():
    line = line.strip()
    if line and not line.startswith("#"):
        key, _, value = line.partition("=")
        os.environ.setdefault(key, value.strip('"'))

workers = int(os.environ["GUNICORN_WORKERS"])
loglevel = os.environ["GUNICORN_LOG_LEVEL"]
