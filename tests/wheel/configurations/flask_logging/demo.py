"""The recipe by which applications write to the error log."""

import logging

logger = logging.getLogger(__name__)
server_logger = logging.getLogger("gunicorn.error")
logger.handlers = server_logger.handlers
logger.setLevel(server_logger.level)


def application(environ, start_response):
    """Log at two levels, one of which is too low."""
    logger.info("too low")
    logger.warning("low stock: %d", 3)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello\n"]
