import os
import pathlib

# PORT and WEB_CONCURRENCY are read by the server itself.
forwarded_allow_ips = "*"
secure_scheme_headers = {"X-FORWARDED-PROTO": "https"}
keepalive = 90


def when_ready(server):
    """nginx of the buildpack passes requests on as soon as this file is there."""
    pathlib.Path(os.environ.get("SENTINEL", "/tmp/app-initialized")).touch()
