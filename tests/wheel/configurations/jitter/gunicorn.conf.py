# Against leaks, and not all workers at once.
max_requests = 1000
max_requests_jitter = max_requests // 20
timeout = 90
workers = 2
