import logging

from gunicorn import glogging

accesslog = "-"


class Logger(glogging.Logger):
    """Access lines without the noise of the balancer."""

    def setup(self, cfg):
        super().setup(cfg)
        logging.getLogger("gunicorn.access").addFilter(
            lambda record: "balancer" not in record.getMessage()
        )


logger_class = Logger
