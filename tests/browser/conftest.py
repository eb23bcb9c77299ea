"""Fixtures: every case runs for each host that is installed."""

import pytest
from server import hosts

INSTALLED = hosts()


@pytest.fixture(scope="session", params=INSTALLED, ids=lambda host: host.name)
def host(request):
    """One way to start rwsgi."""
    return request.param
