"""Fixtures: every case runs for each host that is installed."""

import os

import pytest
from server import hosts, module_host

INSTALLED = hosts()


def pytest_report_header():
    """Say which hosts are tested, so that a missing one is seen."""
    names = ", ".join(host.name for host in INSTALLED) or "none"
    return f"rwsgi hosts: {names} (the native binary is given by RWSGI_NATIVE)"


def pytest_sessionstart(session):
    """A run without a server would pass without having tested anything."""
    if not INSTALLED:
        raise pytest.UsageError("no rwsgi to test: install the wheel or set RWSGI_NATIVE")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """Show the log of a failed case's server."""
    report = yield
    server = getattr(item, "funcargs", {}).get("server")
    if report.failed and server is not None:
        report.sections.append(("Log of the server", server.log.text))
    return report


@pytest.fixture(scope="session", params=INSTALLED, ids=lambda host: host.name)
def host(request):
    """One way to start rwsgi."""
    return request.param


@pytest.fixture(scope="session")
def wheel():
    """The wheel's console script; skips where only the native binary is tested."""
    return _only("wheel")


@pytest.fixture(scope="session", params=["wheel", "module"])
def wheel_entry(request):
    """Both ways into the wheel: the console script and `python -m rwsgi`."""
    script = _only("wheel")
    return script if request.param == "wheel" else module_host()


@pytest.fixture(scope="session")
def native():
    """The native binary; skips where only the wheel is tested."""
    return _only("native")


@pytest.fixture(scope="module")
def server(request, host):
    """One server for all cases of a module, which names its application as `APP`."""
    with host.start(request.module.APP) as running:
        yield running.ready()


@pytest.fixture
def pipe(tmp_path):
    """A named pipe: whoever opens it for reading waits for a writer."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


def _only(name):
    for host in INSTALLED:
        if host.name == name:
            return host
    pytest.skip(f"the {name} host is not installed")
