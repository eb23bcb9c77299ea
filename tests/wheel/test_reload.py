"""`--reload` for both hosts; tests/reloading has the rest."""

import signal

import pytest


@pytest.fixture
def watched(tmp_path):
    """A file whose change counts."""
    path = tmp_path / "settings.toml"
    path.write_text("")
    return path


def start(host, watched):
    """A server whose watcher is at work."""
    arguments = ["--reload", "--reload-extra-file", str(watched), "--log-level", "debug"]
    server = host.start("environ_dump", *arguments)
    server.log.wait("Reloader watches")
    return server


def test_a_change_is_told_to_the_master(host, watched):
    with start(host, watched) as server:
        server.ready()
        watched.write_text("changed = true")
        server.log.wait(f"Worker reloading: {watched} modified")
        server.log.wait("Handling signal: hup")
        assert server.get("/").status == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_the_watcher_goes_with_the_server(host, watched, number):
    with start(host, watched) as server:
        server.ready().signal(number)
        assert server.wait() == 0


def test_the_watcher_goes_with_a_killed_master(host, watched):
    with start(host, watched) as server:
        server.ready().signal(signal.SIGKILL)
        server.wait()
