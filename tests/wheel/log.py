"""The lines a process writes, collected by a thread, so that tests can wait for one of them."""

import re
import threading
import time

PATIENCE = 30.0
"""Seconds after which a line that does not come fails the test: far above any real duration."""


class Log:
    """Lines of a stream, in order."""

    def __init__(self, stream):
        self._lines = []
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    @property
    def text(self):
        """All that was written so far."""
        with self._changed:
            return "".join(self._lines)

    def mark(self):
        """A place to give to `wait`: only lines after it count."""
        with self._changed:
            return len(self._lines)

    def wait(self, pattern, *, after=0, count=1, patience=PATIENCE):
        """Wait for `count` lines that `pattern` is found in; gives the matches."""
        found, deadline = [], time.monotonic() + patience
        expression = re.compile(pattern)
        with self._changed:
            seen = after
            while True:
                for line in self._lines[seen:]:
                    if (match := expression.search(line)) and len(found) < count:
                        found.append(match)
                seen = len(self._lines)
                if len(found) >= count:
                    return found
                left = deadline - time.monotonic()
                if self._ended or left <= 0:
                    why = "the log ended" if self._ended else f"nothing came in {patience} s"
                    raise AssertionError(
                        f"waited for {count} x {pattern!r}, found {len(found)}, {why}; "
                        f"the log:\n{''.join(self._lines)}"
                    )
                self._changed.wait(left)

    def end(self):
        """Wait until the stream has ended, so that no line is missing."""
        self._thread.join(PATIENCE)
        return self.text

    def _read(self, stream):
        with stream:
            for line in stream:
                with self._changed:
                    self._lines.append(line)
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()
