limits = (5000, 500)


def worker_count():
    return 3
