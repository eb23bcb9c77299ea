"""Hooks that people have in their gunicorn.conf.py, with the libraries that they are for."""

import json
import os
import signal

from server import APPS
from test_logs import follow

HOOKS = APPS / "hooks"


def start(host, application, config=None, workers=1, **environment):
    """A server in the directory of these applications."""
    config = ("-c", f"{config}.conf.py") if config else ()
    environment = {name: str(value) for name, value in environment.items()}
    return host.start(*config, application, workers=workers, env=environment, cwd=HOOKS)


def test_prometheus_forgets_the_gauges_of_a_worker_that_was_killed(host, tmp_path):
    with start(host, "counted", "prometheus", 2, PROMETHEUS_MULTIPROC_DIR=tmp_path) as server:
        pids = server.ready().worker_pids()
        assert "alive 2.0" in server.get("/").text
        victim = int(server.get("/pid").text)
        gauges = tmp_path / f"gauge_livesum_{victim}.db"
        assert gauges.exists()
        os.kill(victim, signal.SIGKILL)
        # The replacement is forked behind the hook, or before it: then only the file tells.
        server.log.wait(r"Worker ready", count=3)
        text = server.get("/").text
        assert "alive 2.0" in text, "not the dead one and its successor"
        assert "requests_total 3.0" in text, "what the dead one has counted stays"
        assert not gauges.exists()
        assert victim in pids


def test_sentry_gets_an_exception_once(host, tmp_path):
    events = tmp_path / "events"
    events.touch()
    with (
        start(host, "failing", "sentry", EVENTS=events) as server,
        follow(events) as lines,
    ):
        (pid,) = server.ready().worker_pids()
        assert server.get("/fail?a=1").status == 500
        lines.wait("on purpose")
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
    (event,) = map(json.loads, events.read_text().splitlines())
    assert (event["pid"], event["error"]) == (pid, "on purpose")
    assert event["url"].endswith("/fail")


def test_telemetry_exports_the_spans_of_each_worker(host, tmp_path):
    events = tmp_path / "events"
    with start(host, "traced", "telemetry", EVENTS=events) as server:
        (pid,) = server.ready().worker_pids()
        assert int(server.get("/").text) == pid
        assert int(server.get("/").text) == pid
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
    spans = [json.loads(line) for line in events.read_text().splitlines()]
    assert spans == [{"pid": pid, "name": "GET /", "status": 200}] * 2


def test_what_is_frozen_when_ready_is_frozen_in_the_workers(host):
    with start(host, "noted", "freeze", 2) as server:
        server.ready().log.wait(r"\[INFO\] frozen: True", count=2)


def test_a_worker_that_is_given_up_dumps_its_threads(host):
    with start(host, "noted", "dump", RWSGI_TIMEOUT_KILL=1) as server:
        (pid,) = server.ready().worker_pids()
        assert server.get("/stuck").status == 504
        server.log.wait(rf"\[{pid}\] \[ERROR\] given up: True")
        server.log.wait(r'noted\.py", line \d+, in application')
        server.log.wait(rf"\[{pid}\] \[INFO\] left by the hook")
        server.log.wait("Worker ready", count=2)
        assert server.get("/").text == "hello"


def test_flask_logs_through_the_handlers_of_gunicorn(host):
    with start(host, "logged:app") as server:
        (pid,) = server.ready().worker_pids()
        assert server.get("/").text == "hello"
        server.log.wait(rf"^\[.* [+-]\d{{4}}\] \[{pid}\] \[WARNING\] beware of the dog$")
        assert server.get("/fail").status == 500
        server.log.wait(rf"\[{pid}\] \[ERROR\] Exception on /fail \[GET\]$")
        server.log.wait("^ValueError: on purpose$")
        assert "a detail" not in server.log.text


def test_the_level_of_the_server_is_that_of_the_loggers(host):
    with host.start("logged:app", "--log-level", "debug", cwd=HOOKS) as server:
        assert server.ready().get("/").text == "hello"
        server.log.wait(r"\[DEBUG\] a detail$")
