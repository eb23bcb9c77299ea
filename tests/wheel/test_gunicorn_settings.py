"""Every setting of Gunicorn has a row in the table: its spelling, its default, or a reason."""

import importlib.util
import json
import os
from unittest import mock

import pytest
from gunicorn import util


def defaults():
    """A copy of Gunicorn's settings that nothing around has changed.

    It reads the environment where it is imported.
    """
    spec = importlib.util.find_spec("gunicorn.config")
    module = importlib.util.module_from_spec(spec)
    with mock.patch.dict(os.environ):
        for name in ("PORT", "WEB_CONCURRENCY", "FORWARDED_ALLOW_IPS", "SENDFILE"):
            os.environ.pop(name, None)
        spec.loader.exec_module(module)
    return module


gunicorn = defaults()
SETTINGS = {setting.name: setting for setting in gunicorn.KNOWN_SETTINGS}

# Those whose default is another one on purpose. The rows say why.
OTHER_DEFAULTS = {
    "config",
    "control_socket_disable",
    "forwarded_allow_ips",
    "keepalive",
    "proxy_allow_ips",
    "sendfile",
    "umask",
}

# Those that may be given several times, of which Gunicorn takes the last. The rows say so.
MORE_THAN_ONE = {"certfile", "keyfile"}

# What Gunicorn puts in from the process that it runs in, where the table has no value.
FROM_THE_PROCESS = {
    "chdir": util.getcwd(),
    "control_socket": gunicorn.ControlSocket.default,
    "group": os.getegid(),
    "user": os.geteuid(),
}


@pytest.fixture(scope="module")
def rows(host):
    done = host.run("--generate", "json")
    assert done.returncode == 0
    assert done.stderr == ""
    return {row["name"]: row for row in json.loads(done.stdout)}


def test_gunicorn_has_its_settings():
    assert len(SETTINGS) == 120


def test_every_setting_has_a_row(rows):
    assert sorted(SETTINGS.keys() - rows.keys()) == []


def test_what_gunicorn_does_not_have_is_said_to_be_our_own(rows):
    own = {name for name, row in rows.items() if row["gunicorn"]["is"] == "none"}
    assert own == rows.keys() - SETTINGS.keys()


@pytest.mark.parametrize("name", SETTINGS)
def test_options_are_the_same(rows, name):
    row = row_of(rows, name)
    found = set(row["flags"]) | ({row["short"]} if row["short"] else set())
    expected = set(SETTINGS[name].cli or ())
    # More is no harm, as for `secure_scheme_headers`, unless Gunicorn means something else by it.
    assert expected <= found
    spellings = {option for setting in gunicorn.KNOWN_SETTINGS for option in setting.cli or ()}
    assert (found - expected) & spellings == set()


@pytest.mark.parametrize("name", SETTINGS)
def test_an_option_takes_a_value_where_gunicorns_does(rows, name):
    setting, row = SETTINGS[name], row_of(rows, name)
    switches = ("store_true", "store_false", "store_const")
    value = {"?": "optional"}.get(setting.nargs, "none" if setting.action in switches else "one")
    if setting.cli:
        assert row["value"] == value
        assert row["repeatable"] == (setting.action == "append" or name in MORE_THAN_ONE)


@pytest.mark.parametrize("name", SETTINGS)
def test_the_default_is_the_same_or_the_row_says_why(rows, name):
    row = row_of(rows, name)
    if name in OTHER_DEFAULTS:
        assert (row["default"] or None) != written(SETTINGS[name])
        assert row["gunicorn"]["why"]
    else:
        assert (row["default"] or None) == written(SETTINGS[name])


@pytest.mark.parametrize("name", SETTINGS)
def test_what_is_not_the_same_has_a_reason(rows, name):
    gunicorn = row_of(rows, name)["gunicorn"]
    needed = {
        "same": set(),
        "different": {"why"},
        "without effect": {"why"},
        "refused": {"why", "instead"},
    }
    assert {key for key in gunicorn if gunicorn[key]} == {"is"} | needed[gunicorn["is"]]


def test_what_is_without_effect_starts_with_one_warning(host, tmp_path):
    with host.start("hello", "--worker-tmp-dir", str(tmp_path), "--no-control-socket") as server:
        assert server.ready().get("/").status == 200
        lines = [line for line in server.log.text.splitlines() if "has no effect" in line]
        assert len(lines) == 1
        assert "[WARNING]" in lines[0]
        assert "`worker_tmp_dir` from `--worker-tmp-dir`" in lines[0]


@pytest.mark.parametrize(
    ("arguments", "instead"),
    [
        (("--dirty-app", "tasks:App"), "Celery"),
        (("-k", "gevent"), "--threads N"),
        (("-k", "uvicorn.workers.UvicornWorker"), "uvicorn --workers N"),
        (("--paste", "site.ini"), "paste.deploy.loadapp"),
    ],
)
def test_what_is_refused_says_what_to_do(host, arguments, instead):
    done = host.run("hello", *arguments)
    assert done.returncode == 2
    assert f"`{arguments[0]}`" in done.stderr or "`--worker-class`" in done.stderr
    assert instead in done.stderr.partition("hint: ")[2]


def row_of(rows, name):
    """The row, or no case: that there is one is a case of its own."""
    if name not in rows:
        pytest.skip("has no row")
    return rows[name]


def written(setting):
    """Gunicorn's default as the table writes one: what a user would write, or None."""
    default = setting.default
    if setting.section.endswith("Hooks") or default in (None, "", [], {}):
        return None
    if default == FROM_THE_PROCESS.get(setting.name):
        return None
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, dict):
        return ", ".join(f"{name}={value}" for name, value in default.items())
    if isinstance(default, list):
        return ",".join(default)
    if setting.name == "control_socket_mode":
        return f"{default:04o}"
    if isinstance(default, int):
        # Before CPython 3.11 an enumeration is written by its name.
        return str(int(default))
    return str(default)
