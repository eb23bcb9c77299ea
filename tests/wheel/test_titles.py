"""What process lists show: the same for both hosts, and an interpreter that does not notice."""

import sys
from pathlib import Path

import pytest
from server import WSGI_APPS

APP = "surroundings"


def title(pid):
    return Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").decode()


def parent(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.fixture
def named(host):
    with host.start(APP, "--name", "shop", "--preload", workers=2) as server:
        yield server.ready()


def test_master_workers_and_mold_have_titles(named):
    (mold,) = named.log.wait(r"Mold ready \(pid: (\d+)\)")
    assert title(named.pid) == "rwsgi: master [shop]"
    assert title(int(mold[1])) == "rwsgi: mold [shop]"
    for worker in named.worker_pids():
        assert parent(worker) == named.pid
        assert title(worker) == "rwsgi: worker [shop]"


def test_the_name_of_the_program_stays(named):
    for pid in (named.pid, *named.worker_pids()):
        assert Path(f"/proc/{pid}/comm").read_text() == "rwsgi\n"


def test_children_of_the_application_are_of_the_same_python(named):
    assert named.get("/subprocess").json == {"prefix": sys.prefix}
    assert named.get("/spawn").json == {"length": 4}
    found = named.get("/interpreter").json
    assert found["prefix"] == sys.prefix
    assert found["environment"]["PYTHONUNBUFFERED"] == "1"
    assert found["directory"] == str(WSGI_APPS)


def test_python_dash_m_has_titles_too(wheel_entry):
    with wheel_entry.start(APP) as server:
        server.ready()
        assert title(server.pid) == "rwsgi: master [surroundings]"
        assert title(server.worker_pids()[0]) == "rwsgi: worker [surroundings]"
