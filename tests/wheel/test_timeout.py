"""`--timeout`: the client gets a 504, the stack goes into the log, the request is interrupted."""

import pytest
from client import message

APP = "blocking"


def is_answered(server, path, function):
    """The client does not wait, and the log says where the request is."""
    (pid,) = server.ready().worker_pids()
    mark = server.log.mark()
    assert server.get(f"{path}?secret=1").status == 504
    server.log.wait(rf"WORKER TIMEOUT \(pid: ?{pid}\)", after=mark)
    server.log.wait(rf"GET {path}.* \d+(\.\d+)? ?s", after=mark)
    server.log.wait(rf'blocking\.py", line \d+ {function}', after=mark)
    return pid


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize(
    ("path", "function"),
    [("/sleep", "in sleep"), ("/busy", "in busy"), ("/socket", "in receive"), ("/tidy", "in tidy")],
    ids=["blocked", "computing", "receiving", "tidy"],
)
def test_a_request_that_runs_too_long(host, path, function, threads):
    with host.start(APP, "--timeout", "1", "--threads", str(threads)) as server:
        pid = is_answered(server, path, function)
        server.log.wait(rf"GET {path}.* ended .* the worker goes on \(pid:{pid}\)")
        assert int(server.get("/pid").text) == pid
        if path == "/tidy":
            server.log.wait("in order: the request has run for longer than `--timeout` 1 s")
            assert "caught by mistake" not in server.log.text


@pytest.mark.parametrize(
    ("path", "function"),
    [("/gil", "in gil"), ("/stubborn", "in stubborn")],
    ids=["holding the GIL", "catching everything"],
)
def test_a_request_that_cannot_be_ended(host, path, function):
    with host.start(APP, "--timeout", "1", "--timeout-kill", "0.5") as server:
        pid = is_answered(server, path, function)
        server.log.wait(r"did not end within `--timeout-kill` 0.5 s")
        server.log.wait(r"Worker ready", count=2)
        response = server.get("/pid")
        assert (response.status, int(response.text) != pid) == (200, True)


def test_a_request_that_asks_for_more_time_gets_it(host):
    with host.start(APP, "--timeout", "1") as server:
        server.ready()
        assert 58 <= int(server.get("/extend").text) <= 60
        assert "TIMEOUT" not in server.log.text


def test_a_slow_request_is_told_once(host):
    with host.start(APP, "--slow-log", "0.5", "--timeout", "0") as server:
        (pid,) = server.ready().worker_pids()
        assert server.get("/extend").status == 500, "there is no limit to be extended"
        (match,) = server.log.wait(r"slow request: GET /extend .*\(pid:(\d+), thread MainThread\)")
        assert int(match[1]) == pid
        server.log.wait(r'blocking\.py", line \d+ in extend')
        assert server.log.text.count("slow request") == 1


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
