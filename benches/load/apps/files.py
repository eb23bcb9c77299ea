"""WhiteNoise around the greeting, set up as for a site in production.

It looks at the files once, when it starts. It is told to send the headers that the others send.
"""

import os

from hello import application as greeting
from whitenoise import WhiteNoise


def more(headers, path, url):
    """Add what WhiteNoise does not send by itself."""
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Accept-Ranges"] = "bytes"


application = WhiteNoise(
    greeting,
    root=os.environ["BENCH_PUBLIC"],
    prefix="static/",
    max_age=60,
    allow_all_origins=False,
    add_headers_function=more,
)
