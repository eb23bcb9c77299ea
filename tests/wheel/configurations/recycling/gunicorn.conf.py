max_requests = 2
max_requests_jitter = 0
workers = 1


def post_worker_init(worker):
    import demo

    demo.age = worker.age
