"""`--timeout`: the stack goes into the log, the client gets a 504, the worker is replaced."""

import pytest
from client import message

APP = "blocking"


@pytest.mark.parametrize(
    ("path", "function"),
    [("/sleep", "in sleep"), ("/busy", "in busy"), ("/gil", "in gil")],
    ids=["blocked", "computing", "holding the GIL"],
)
def test_a_request_that_runs_too_long(host, path, function):
    with host.start(APP, "--timeout", "1") as server:
        (pid,) = server.ready().worker_pids()
        mark = server.log.mark()
        assert server.get(f"{path}?secret=1").status == 504
        server.log.wait(rf"WORKER TIMEOUT \(pid: ?{pid}\)", after=mark)
        server.log.wait(rf"GET {path}.* \d+(\.\d+)? ?s", after=mark)
        server.log.wait(rf'blocking\.py", line \d+ {function}', after=mark)
        server.log.wait(r"Worker ready", after=mark)
        response = server.get("/pid")
        assert (response.status, int(response.text) != pid) == (200, True)


def test_requests_behind_a_stuck_one_are_not_lost(host):
    with host.start(APP, "--timeout", "1") as server:
        server.ready()
        with server.connect() as stuck, server.connect() as waiting:
            stuck.send(message("GET", "/sleep"))
            server.log.wait("sleeping")
            waiting.send(message("GET", "/pid"))
            assert stuck.response().status == 504
            assert waiting.response().status in (200, 503)


def test_a_short_request_is_left_alone(host):
    with host.start(APP, "--timeout", "1") as server:
        (pid,) = server.ready().worker_pids()
        assert int(server.get("/pid").text) == pid
        assert "TIMEOUT" not in server.log.text


def test_other_connections_are_served_by_other_workers_meanwhile(host, pipe):
    with host.start(APP, "--timeout", "0", workers=2) as server:
        server.ready()
        with server.connect() as stuck:
            stuck.send(message("GET", f"/wait?{pipe}"))
            server.log.wait("waiting")
            for _ in range(20):
                assert server.get("/pid").status == 200
            pipe.open("w").close()
            assert stuck.response().text == "done"
