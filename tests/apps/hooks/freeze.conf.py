"""What is loaded before the fork stays shared."""

import gc


def when_ready(server):
    gc.freeze()


def post_worker_init(worker):
    worker.log.info("frozen: %s", gc.get_freeze_count() > 1000)
