import logging

accesslog = "-"


class NoHealthChecks(logging.Filter):
    def filter(self, record):
        return "/environ/health" not in record.getMessage()


def post_worker_init(worker):
    logging.getLogger("gunicorn.access").addFilter(NoHealthChecks())
