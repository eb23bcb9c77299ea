"""The application argument: its forms, and what is said when nothing can be loaded."""

import signal

import pytest
from server import WSGI_APPS


@pytest.mark.parametrize(
    ("specification", "answer"),
    [
        ("loading", "application"),
        ("loading:other", "other"),
        ("loading:holder.inner.app", "nested"),
        ("loading:factory()", "default 0"),
        ('loading:factory("a, b", key=1)', "a, b 1"),
        ("loading:factory('x', key=[1, None])", "x [1, None]"),
    ],
)
def test_forms(host, specification, answer):
    with host.start(specification) as server:
        assert server.ready().get().text == answer


def test_a_module_in_a_package(host, tmp_path):
    package = tmp_path / "site_package" / "inner"
    package.mkdir(parents=True)
    (package / "app.py").write_text((WSGI_APPS / "hello.py").read_text())
    with host.start("site_package.inner.app", cwd=tmp_path) as server:
        assert server.ready().get().text == "hello\n"


FAILURES = {
    "no module": ("nowhere.wsgi", ["ModuleNotFoundError", "No module named 'nowhere'"]),
    "no attribute": ("loading:applicaton", ["applicaton", "application"]),
    "no nested attribute": ("loading:holder.inner.missing", ["missing"]),
    "not callable": ("loading:not_callable", ["not_callable", "int"]),
    "import raises": (
        "raises_at_import",
        ["Traceback", "raises_at_import.py", "RuntimeError: the import fails on purpose"],
    ),
    "missing dependency": (
        "missing_dependency",
        ["Traceback", "missing_dependency.py", "No module named 'nonexistent_dependency'"],
    ),
    "factory gives nothing": ("loading:factory_of_nothing()", ["factory_of_nothing"]),
    "factory raises": (
        "loading:failing_factory()",
        ["Traceback", "RuntimeError: the factory fails on purpose"],
    ),
    "factory takes no such argument": ("loading:factory(unknown=1)", ["TypeError", "unknown"]),
    "arguments are not literal": ("loading:factory(open('/etc/passwd'))", ["factory"]),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_failures(host, failure):
    specification, expected = FAILURES[failure]
    done = host.run(specification, "--bind", "127.0.0.1:0", "--workers", "2")
    assert done.returncode == 4, done.stderr
    for text in expected:
        assert text in done.stderr
    assert "App failed to load." in done.stderr
    assert "panicked" not in done.stderr


@pytest.mark.parametrize(
    ("specification", "hint"),
    [("nowhere", "hint:"), ("loading:applicaton", "hint:"), ("loading:not_callable", "hint:")],
)
def test_failures_come_with_a_hint(host, specification, hint):
    assert hint in host.run(specification, "--bind", "127.0.0.1:0").stderr


@pytest.mark.parametrize("specification", ["hello.py", "./hello.py"])
def test_a_file_name_instead_of_a_module(host, specification):
    done = host.run(specification, "--bind", "127.0.0.1:0")
    assert done.returncode in (2, 4)
    assert "hint:" in done.stderr


def test_not_ready_before_the_application_is_loaded(host, pipe):
    with host.start("waits_at_import", env={"WAIT_FOR": str(pipe)}) as server:
        server.log.wait(r"Booting worker with pid")
        # Nobody reads the pipe until an import has come so far: opening it waits for that.
        with pipe.open("w"):
            assert "Worker ready" not in server.log.text
        assert server.ready().get("/pid").status == 200


def test_stopping_does_not_wait_for_an_endless_import(host, pipe):
    arguments = ("waits_at_import", "--graceful-timeout", "1")
    with host.start(*arguments, env={"WAIT_FOR": str(pipe)}) as server:
        server.log.wait(r"Booting worker with pid")
        server.signal(signal.SIGTERM)
        assert server.wait() == 0


def test_a_worker_that_dies_while_loading_is_tried_again(host):
    with host.start("exits_at_import") as server:
        server.log.wait(r"Booting worker with pid", count=3)
        server.log.wait(r"exited with code 7", count=2)
        server.signal(signal.SIGTERM)
        assert server.wait() == 0


def test_chdir_comes_first_on_the_path(host, tmp_path):
    source = (WSGI_APPS / "hello.py").read_text()
    (tmp_path / "hello.py").write_text(source.replace("hello", "HI!!!"))
    with host.start("hello", "--chdir", str(tmp_path)) as server:
        assert server.ready().get().text == "HI!!!\n"


def test_chdir_to_nowhere(host, tmp_path):
    done = host.run("hello", "--chdir", str(tmp_path / "nowhere"), "--bind", "127.0.0.1:0")
    assert done.returncode in (1, 2)
    assert "nowhere" in done.stderr
    assert "chdir" in done.stderr


def test_pythonpath(host, tmp_path):
    with host.start("hello", "--pythonpath", f"/nowhere,{WSGI_APPS}", cwd=tmp_path) as server:
        assert server.ready().get().text == "hello\n"


def test_relative_pythonpath(host):
    with host.start("hello", "--pythonpath", "wsgi", cwd=WSGI_APPS.parent) as server:
        assert server.ready().get().text == "hello\n"
