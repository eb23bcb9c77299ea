import gc

preload_app = True
workers = 2
wsgi_app = "demo"


def when_ready(server):
    gc.freeze()
    server.log.info("frozen: %s", gc.get_freeze_count() > 0)


def post_fork(server, worker):
    import demo

    demo.connection = f"connection of worker {type(worker.pid).__name__}"
