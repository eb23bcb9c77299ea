"""What the process looks like to the application: interpreter, signals, threads, children."""

import re
import sys

from server import WSGI_APPS

APP = "surroundings"


def test_interpreter_and_environment(server):
    found = server.get("/interpreter").json
    assert found["prefix"] == sys.prefix
    assert found["base_prefix"] == sys.base_prefix
    assert found["version"] == list(sys.version_info[:2])
    assert found["executable"].startswith(sys.prefix)
    assert found["pid"] in server.worker_pids()


def test_working_directory_is_first_on_the_path(server):
    found = server.get("/interpreter").json
    assert found["directory"] == str(WSGI_APPS)
    assert found["path"][0] == str(WSGI_APPS)


def test_env(host):
    arguments = ("--env", "RWSGI_TEST_A=one", "--env", "RWSGI_TEST_B=a=b", "-e", "RWSGI_TEST_C=")
    with host.start(APP, *arguments) as server:
        environment = server.ready().get("/interpreter").json["environment"]
    assert environment["RWSGI_TEST_A"] == "one"
    assert environment["RWSGI_TEST_B"] == "a=b"
    assert environment["RWSGI_TEST_C"] == ""


def test_a_request_runs_in_the_main_thread_that_imported_the_application(server):
    found = server.get("/threads").json
    assert found["main"]
    assert found["importer"]
    assert found["native_id"] == found["pid"]


def test_python_does_not_handle_sigint(server):
    # Its handler would raise KeyboardInterrupt in whatever request is running.
    assert "default_int_handler" not in server.get("/signals").json["SIGINT"]


def test_a_signal_handler_of_the_application_runs(server):
    assert server.get("/handler").json == {"seen": True}


def test_a_child_python_is_of_the_same_environment(server):
    assert server.get("/subprocess").json == {"prefix": sys.prefix}


def test_multiprocessing_spawn(server):
    assert server.get("/spawn").json == {"length": 4}
    assert_one_server(server)


def test_multiprocessing_spawn_starts_no_second_server(wheel_entry):
    with wheel_entry.start(APP) as server:
        assert server.ready().get("/spawn").json == {"length": 4}
        assert_one_server(server)


def test_python_dash_m(wheel_entry):
    with wheel_entry.start(APP) as server:
        assert server.ready().get("/interpreter").json["prefix"] == sys.prefix


def assert_one_server(server):
    assert len(re.findall("Listening at", server.log.text)) == 1
    assert len(server.worker_pids()) == 1
