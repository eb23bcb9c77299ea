"""Processes as the kernel shows them: who is alive in a session, and waiting for an end."""

import contextlib
import os
import select
import signal
import time
from pathlib import Path


def alive_in_session(session):
    """Ids of the live processes (zombies are dead) of a session."""
    return [pid for pid, state, found in _processes() if found == session and state != "Z"]


def kill_all(pids):
    """Send SIGKILL to each that still exists."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def open_fds(pid):
    """What each open file descriptor of a process points to."""
    targets = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            targets.append(os.readlink(entry))
    return targets


class Watch:
    """Pidfds of processes: their end is an event, whoever their parent is by then."""

    def __init__(self, pids):
        self._fds = {}
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):  # it has ended: nothing to wait for
                self._fds[os.pidfd_open(pid)] = pid

    def wait(self, seconds):
        """Wait until all have ended; gives the ids of those that have not in `seconds`."""
        poll, deadline, left = select.poll(), time.monotonic() + seconds, dict(self._fds)
        for fd in left:
            poll.register(fd, select.POLLIN)
        while left and (remaining := deadline - time.monotonic()) > 0:
            for fd, _ in poll.poll(remaining * 1000):
                poll.unregister(fd)
                del left[fd]
        return list(left.values())

    def close(self):
        """Give the descriptors back."""
        for fd in self._fds:
            os.close(fd)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


def _processes():
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            # It may end between the listing and the reading.
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                # The name, in brackets, may hold spaces: fields count from behind it.
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                yield int(entry.name), fields[0], int(fields[3])
