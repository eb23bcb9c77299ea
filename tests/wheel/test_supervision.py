"""The master: ready, respawn, stopping, and what is left behind."""

import contextlib
import os
import signal
import threading

import pytest
from client import message
from processes import Watch, alive_in_session, kill_all

APP = "blocking"

IN_TWO_SECONDS = 2.0  # the promise of the README for a killed master


def test_every_worker_gets_ready_and_serves(host):
    with host.start(APP, workers=3) as server:
        pids = server.ready().worker_pids()
        assert len(set(pids)) == 3
        assert set(alive_in_session(server.pid)) == {server.pid, *pids}
        assert int(server.get("/pid").text) in pids
        server.log.wait(r"Booting worker with pid: \d+", count=3)


def test_term_stops_with_exit_code_0(host):
    with host.start(APP, workers=2) as server:
        server.ready().signal(signal.SIGTERM)
        assert server.wait() == 0
        assert server.log.text.count("Worker exiting") == 2
        assert "Handling signal: term" in server.log.text
        assert "Traceback" not in server.log.text


def test_term_finishes_the_request_in_flight(host, pipe):
    with host.start(APP) as server:
        server.ready()
        with server.connect() as idle, server.connect() as busy:
            idle.send(message("GET", "/pid"))
            idle.response()
            busy.send(message("GET", f"/wait?{pipe}"))
            server.log.wait("waiting")
            server.signal(signal.SIGTERM)
            server.log.wait("Handling signal: term")
            assert idle.at_end()  # idle keep-alive connections are closed at once
            pipe.open("w").close()
            response = busy.response()
            assert (response.status, response.text) == (200, "done")
            assert response.header("Connection") == "close"
        assert server.wait() == 0


def test_term_closes_the_listeners(host, pipe):
    with host.start(APP) as server:
        server.ready()
        with server.connect() as busy:
            busy.send(message("GET", f"/wait?{pipe}"))
            server.log.wait("waiting")
            server.signal(signal.SIGTERM)
            wait_until_refused(server)
            pipe.open("w").close()
            assert busy.response().text == "done"
        assert server.wait() == 0


def test_term_gives_up_after_the_graceful_timeout(host):
    with host.start(APP, "--graceful-timeout", "1") as server:
        server.ready()
        with server.connect() as busy:
            busy.send(message("GET", "/sleep"))
            server.log.wait("sleeping")
            server.signal(signal.SIGTERM)
            assert server.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT], ids=["INT", "QUIT"])
def test_quick_stop_does_not_wait_for_requests(host, number):
    # The graceful timeout is longer than the patience of the test.
    with host.start(APP, "--graceful-timeout", "300", "--timeout", "300") as server:
        server.ready()
        with server.connect() as busy:
            busy.send(message("GET", "/sleep"))
            server.log.wait("sleeping")
            server.signal(number)
            assert server.wait() == 0
        assert f"Handling signal: {number.name.removeprefix('SIG').lower()}" in server.log.text


def test_ctrl_c_reaches_the_whole_process_group(host):
    with host.start(APP, "--graceful-timeout", "300", workers=2) as server:
        server.ready()
        os.killpg(server.pid, signal.SIGINT)
        assert server.wait() == 0
        assert "KeyboardInterrupt" not in server.log.text


def test_int_hurries_a_graceful_stop(host):
    with host.start(APP, "--graceful-timeout", "300", "--timeout", "300") as server:
        server.ready()
        with server.connect() as busy:
            busy.send(message("GET", "/sleep"))
            server.log.wait("sleeping")
            server.signal(signal.SIGTERM)
            server.log.wait("Handling signal: term")
            server.signal(signal.SIGTERM)  # changes nothing
            server.signal(signal.SIGINT)
            assert server.wait() == 0


def test_a_killed_worker_is_replaced(host):
    with host.start(APP, workers=2) as server:
        pids = server.ready().worker_pids()
        mark = server.log.mark()
        kill_all(pids[:1])
        server.log.wait("SIGKILL", after=mark)
        (ready,) = server.log.wait(r"Worker ready \(pid: (\d+)\)", after=mark)
        assert int(ready[1]) not in pids
        assert server.get("/pid").status == 200


def test_a_worker_that_ends_itself_is_replaced(host):
    with host.start(APP) as server:
        (pid,) = server.ready().worker_pids()
        mark = server.log.mark()
        with server.connect() as connection:
            connection.send(message("GET", "/exit"))
            assert connection.at_end()
        server.log.wait(rf"{pid}.*exited with code 7", after=mark)
        server.log.wait(r"Worker ready", after=mark)
        assert int(server.get("/pid").text) != pid


def test_workers_follow_a_killed_master(host):
    with host.start(APP, workers=3) as server:
        server.ready()
        with server.connect() as busy:
            busy.send(message("GET", "/sleep"))  # one of them is inside the application
            server.log.wait("sleeping")
            with Watch(alive_in_session(server.pid)) as watch:
                server.signal(signal.SIGKILL)
                assert watch.wait(IN_TWO_SECONDS) == []


def test_workers_that_hold_the_gil_follow_a_killed_master(host):
    with host.start(APP) as server:
        server.ready()
        with server.connect() as busy:
            busy.send(message("GET", "/gil"))
            # The only thread for Python is in that call as soon as another request waits.
            thread = threading.Thread(target=_ignore_the_end, args=(server,), daemon=True)
            thread.start()
            with Watch(alive_in_session(server.pid)) as watch:
                server.signal(signal.SIGKILL)
                assert watch.wait(IN_TWO_SECONDS) == []
            thread.join()


def test_signals_that_are_not_for_workers_do_not_kill_them(host):
    with host.start(APP) as server:
        (pid,) = server.ready().worker_pids()
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH):
            os.kill(pid, number)
        assert server.get("/pid").text == str(pid)


def wait_until_refused(server):
    """Connections end when the server lets go of its port; the next one is refused."""
    with contextlib.suppress(ConnectionRefusedError):
        while True:
            with server.connect() as connection:
                connection.at_end()


def _ignore_the_end(server):
    with server.connect() as waiting:
        waiting.send(message("GET", "/pid"))
        waiting.at_end()
