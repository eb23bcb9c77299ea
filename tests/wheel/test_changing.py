"""Reload, preload, more and fewer workers, a new master: on both hosts."""

import os
import signal
import time

import pytest
from log import PATIENCE
from processes import Watch, alive_in_session, kill_all

APP = "blocking"

BOTH = pytest.mark.parametrize("options", [[], ["--preload"]], ids=["direct", "preload"])


def exited(server, pid):
    """Wait until the master has seen the end of this process."""
    server.log.wait(rf"\(pid:{pid}\) exited with code 0")


@BOTH
def test_hup_replaces_the_workers(host, options):
    with host.start(APP, *options, workers=2) as server:
        before = server.ready().worker_pids()
        server.signal(signal.SIGHUP)
        server.log.wait("Reload complete: generation 2, 2 workers")
        for pid in before:
            exited(server, pid)
        assert int(server.get("/pid").text) in server.worker_pids()[2:]


def test_preload_loads_once_and_forks_children_of_the_master(host):
    with host.start(APP, "--preload", "--preload-warm", "/pid", workers=3) as server:
        pids = server.ready().worker_pids()
        (mold,) = server.log.wait(r"Mold ready \(pid: (\d+)\)")
        assert set(alive_in_session(server.pid)) == {server.pid, int(mold[1]), *pids}
        assert {parent_of(pid) for pid in pids} == {server.pid}
        kill_all(pids[:1])
        server.log.wait(r"Worker ready", count=4)
        assert server.get("/pid").status == 200


def test_a_mold_goes_with_a_killed_master(host):
    with host.start(APP, "--preload", workers=2) as server:
        server.ready()
        with Watch(alive_in_session(server.pid)) as watch:
            server.signal(signal.SIGKILL)
            assert watch.wait(2.0) == []


def test_workers_come_and_go(host):
    with host.start(APP, workers=2) as server:
        server.ready().signal(signal.SIGTTIN)
        server.log.wait("Worker ready", count=3)
        server.signal(signal.SIGTTOU)
        server.log.wait("exited with code 0")
        assert len(alive_in_session(server.pid)) == 3


def test_winch_stops_the_workers_and_ttin_brings_them_back(host):
    with host.start(APP, workers=2) as server:
        server.ready().signal(signal.SIGWINCH)
        server.log.wait("exited with code 0", count=2)
        assert alive_in_session(server.pid) == [server.pid]
        server.signal(signal.SIGTTIN)
        server.log.wait("Worker ready", count=4)
        assert int(server.get("/pid").text) in server.worker_pids()[2:]


@BOTH
def test_usr1_opens_the_logs_again(host, tmp_path, options):
    access, rotated = tmp_path / "access.log", tmp_path / "access.log.1"
    with host.start(APP, *options, "--access-logfile", str(access)) as server:
        server.ready().get("/pid?0")
        access.rename(rotated)
        server.signal(signal.SIGUSR1)
        # Until the worker has heard of it, requests are logged where they were before.
        asked, deadline = 1, time.monotonic() + PATIENCE
        while not (access.exists() and access.read_text()):
            assert time.monotonic() < deadline, rotated.read_text()
            assert server.get(f"/pid?{asked}").status == 200
            asked += 1
        server.stop()
        lines = (rotated.read_text() + access.read_text()).splitlines()
        assert [f"GET /pid?{number} " in line for number, line in enumerate(lines)] == [
            True
        ] * asked


@BOTH
def test_a_new_master_takes_over(host, tmp_path, options):
    pid_file = tmp_path / "pid"
    with host.start(APP, *options, "--pid", str(pid_file)) as server:
        server.ready().signal(signal.SIGUSR2)
        (started,) = server.log.wait(r"Started a new master \(pid:(\d+)\)")
        successor = int(started[1])
        server.log.wait("Worker ready", count=2)
        server.log.wait("1 worker ready", count=2)
        assert (tmp_path / "pid.2").read_text() == f"{successor}\n"
        with Watch([successor]) as watch:
            server.signal(signal.SIGTERM)
            server.log.wait("Master has been promoted.")
            assert pid_file.read_text() == f"{successor}\n"
            assert server.get("/pid").text == str(server.worker_pids()[-1])
            os.kill(successor, signal.SIGTERM)
            assert watch.wait(30.0) == []
        assert not pid_file.exists()


def parent_of(pid):
    """The parent of a process."""
    with open(f"/proc/{pid}/stat") as stat:
        return int(stat.read().rpartition(")")[2].split()[1])
