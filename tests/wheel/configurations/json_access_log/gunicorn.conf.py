accesslog = "-"
access_log_format = (
    '{"method": "%(m)s", "path": "%(U)s", "query": "%(q)s", "status": "%(s)s", '
    '"bytes": "%(B)s", "protocol": "%(H)s", "agent": "%(a)s", "id": "%({x-request-id}i)s", '
    '"type": "%({content-type}o)s", "scheme": "%({wsgi.url_scheme}e)s", "us": %(D)s}'
)
