from deploy.defaults import limits, worker_count

from deploy import names

workers = worker_count()
proc_name = names.SERVICE
max_requests, max_requests_jitter = limits
