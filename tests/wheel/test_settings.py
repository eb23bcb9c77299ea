"""The command line: addresses, pid file, what is refused and how, exit codes."""

import os
import re
import signal
import socket

import client
import pytest
from log import PATIENCE
from processes import Watch, kill_all

APP = "hello"
ANY_PORT = ("--bind", "127.0.0.1:0")


def test_version(host):
    done = host.run("--version")
    assert done.returncode == 0
    assert re.fullmatch(r"rwsgi \d+\.\d+\.\d+.*\n", done.stdout)
    assert done.stderr == ""


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help(host, flag):
    done = host.run(flag)
    assert done.returncode == 0
    assert done.stderr == ""
    for name in ("--bind", "--workers", "--timeout", "--graceful-timeout", "--access-logfile"):
        assert name in done.stdout


WRONG = {
    "workers is no number": (["--workers", "abc"], ["abc", "workers", "--workers", "number"]),
    "no workers": (["--workers", "0"], ["0", "workers"]),
    "negative": (["--threads", "-1"], ["-1"]),
    "timeout": (["--timeout", "soon"], ["soon", "--timeout"]),
    "port": (["--bind", "127.0.0.1:99999"], ["99999", "--bind"]),
    "level": (["--log-level", "loud"], ["loud", "--log-level", "warning"]),
    "variable": (["--env", "NOVALUE"], ["NOVALUE", "--env"]),
    "unknown option": (["--wrokers", "3"], ["--wrokers", "--workers"]),
    "missing value": (["--workers"], ["--workers"]),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_usage(host, case):
    arguments, expected = WRONG[case]
    done = host.run(APP, *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    for text in expected:
        assert text in done.stderr


def test_a_wrong_value_from_the_environment_names_the_variable(host):
    done = host.run(APP, *ANY_PORT, env={"WEB_CONCURRENCY": "many"})
    assert done.returncode == 1, "the command line itself is right"
    assert "WEB_CONCURRENCY" in done.stderr
    assert "many" in done.stderr


def test_no_application(host):
    done = host.run(*ANY_PORT)
    assert done.returncode == 2
    assert "hint:" in done.stderr


def test_environment_variables(host):
    environment = {"WEB_CONCURRENCY": "2", "PORT": "0"}
    with host.start(APP, bind=None, workers=2, env=environment) as server:
        assert server.ready().address[0] == "0.0.0.0"  # noqa: S104 (what PORT means)
        assert client.request(("127.0.0.1", server.address[1]), "GET", "/").status == 200


def test_the_number_of_workers_from_the_environment(host):
    with host.start_plain(APP, *ANY_PORT, env={"WEB_CONCURRENCY": "2"}) as server:
        server.log.wait("Worker ready", count=2)


def test_automatic_number_of_workers(host):
    with host.start_plain(APP, *ANY_PORT, "--workers", "auto") as server:
        server.log.wait("Worker ready", count=1)


def test_several_addresses(host, tmp_path):
    path = f"{tmp_path}/socket"
    arguments = ("--bind", "[::1]:0", "--bind", f"unix:{path}")
    with host.start(APP, *arguments) as server:
        addresses = server.ready().addresses()
        assert len(addresses) == 3
        assert {"::1", "127.0.0.1"} == {each[0] for each in addresses if each != path}
        assert path in addresses
        for address in addresses:
            assert client.request(address, "GET", "/").text == "hello\n"


def test_an_address_in_use(host):
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        done = host.run(APP, "--bind", address)
    assert done.returncode == 1
    assert address in done.stderr
    assert "in use" in done.stderr


def test_unix_socket(host, tmp_path):
    path = tmp_path / "socket"
    with host.start("environ_dump", bind=f"unix:{path}") as server:
        found = server.ready().get("/").json["environ"]
        assert found["REMOTE_ADDR"] == ""
        assert f"Listening at: unix:{path}" in server.log.text
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
    assert not path.exists()


def test_a_stale_unix_socket_is_replaced(host, tmp_path):
    path = tmp_path / "socket"
    with host.start(APP, bind=f"unix:{path}") as server:
        server.ready()
        pids = [server.pid, *server.worker_pids()]
        with Watch(pids) as watch:
            kill_all(pids)
            server.wait()
            assert watch.wait(PATIENCE) == []
    assert path.is_socket()
    with host.start(APP, bind=f"unix:{path}") as server:
        assert server.ready().get("/").status == 200


def test_a_live_unix_socket_is_left_alone(host, tmp_path):
    path = tmp_path / "socket"
    with host.start(APP, bind=f"unix:{path}") as server:
        server.ready()
        done = host.run(APP, "--bind", f"unix:{path}")
        assert done.returncode == 1
        assert str(path) in done.stderr
        assert server.get("/").status == 200


def test_a_file_in_the_place_of_a_unix_socket_is_left_alone(host, tmp_path):
    path = tmp_path / "socket"
    path.write_text("precious")
    done = host.run(APP, "--bind", f"unix:{path}")
    assert done.returncode == 1
    assert path.read_text() == "precious"


def test_a_socket_file_of_somebody_else_survives_the_stop(host, tmp_path):
    path = tmp_path / "socket"
    with host.start(APP, bind=f"unix:{path}") as server:
        server.ready()
        path.unlink()
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(path))
            server.signal(signal.SIGTERM)
            assert server.wait() == 0
            assert path.is_socket()


def test_pid_file(host, tmp_path):
    path = tmp_path / "pid"
    with host.start(APP, "--pid", str(path)) as server:
        server.ready()
        assert path.read_text() == f"{server.pid}\n"
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
    assert not path.exists()


@pytest.mark.parametrize("left", ["dead process", "process of somebody else", "nonsense", ""])
def test_a_stale_pid_file_is_replaced(host, tmp_path, left):
    path = tmp_path / "pid"
    names = {"dead process": "4194304", "process of somebody else": str(os.getpid())}
    path.write_text(names.get(left, left))
    with host.start(APP, "--pid", str(path)) as server:
        server.ready()
        assert path.read_text() == f"{server.pid}\n"


def test_the_pid_file_of_a_running_server_prevents_a_second_one(host, tmp_path):
    path = tmp_path / "pid"
    with host.start(APP, "--pid", str(path)) as server:
        server.ready()
        done = host.run(APP, *ANY_PORT, "--pid", str(path))
        assert done.returncode == 1
        assert str(path) in done.stderr
        assert str(server.pid) in done.stderr
        assert path.read_text() == f"{server.pid}\n"


def test_a_pid_file_that_cannot_be_written(host, tmp_path):
    done = host.run(APP, *ANY_PORT, "--pid", f"{tmp_path}/nowhere/pid")
    assert done.returncode == 1
    assert "nowhere/pid" in done.stderr


def test_python_of_another_version_is_refused(native, tmp_path):
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").symlink_to("/bin/true")
    (venv / "lib" / "python3.1" / "site-packages").mkdir(parents=True)
    (venv / "pyvenv.cfg").write_text("home = /nowhere\nversion = 3.1.0\n")
    done = native.run(APP, *ANY_PORT, env={"VIRTUAL_ENV": str(venv)})
    assert done.returncode == 1
    assert "3.1" in done.stderr
    assert "hint:" in done.stderr
