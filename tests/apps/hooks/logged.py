"""Flask with the handlers of Gunicorn, as many a tutorial has it."""

import logging

from flask import Flask

app = Flask(__name__)
gunicorn_logger = logging.getLogger("gunicorn.error")
app.logger.handlers = gunicorn_logger.handlers
app.logger.setLevel(gunicorn_logger.level)


@app.get("/")
def index():
    """Log at two levels."""
    app.logger.debug("a detail")
    app.logger.warning("beware of %s", "the dog")
    return "hello"


@app.get("/fail")
def fail():
    """Raise, so that Flask logs it."""
    raise ValueError("on purpose")
