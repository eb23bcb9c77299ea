import time

started = {}


def pre_request(worker, req):
    started[id(req)] = time.monotonic()
    worker.log.info("begins: %s %s %s", req.method, req.path, req.query)


def post_request(worker, req, environ, resp):
    took = time.monotonic() - started.pop(id(req))
    worker.log.info(
        "ends: %s %s %s %s", environ["REQUEST_METHOD"], req.uri, resp.status, 0 <= took < 60
    )
