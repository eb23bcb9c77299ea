"""What a server is started with, and the request that shows whether it answers rightly."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

Address = tuple[str, int] | Path
"""A host and a port, or the path of a Unix socket."""


@dataclass(frozen=True)
class Question:
    """One request, and what is wrong with an answer to it.

    `wrong(status, body)` says it in words; None when nothing is.
    """

    path: str
    wrong: Callable[[int, bytes], str | None]
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    chunked: bool = False
    """The body goes in chunks of 64 KiB and without a length."""

    def ask(self, address: Address, timeout: float = 10) -> tuple[int, bytes]:
        """Ask on a connection of its own: (status, body). Raises OSError when no answer comes."""
        connection = connect(address, timeout)
        try:
            body = pieces(self.body or b"") if self.chunked else self.body
            connection.request(
                self.method, self.path, body, self.headers, encode_chunked=self.chunked
            )
            answer = connection.getresponse()
            return answer.status, answer.read()
        except http.client.HTTPException as error:
            raise ConnectionError(repr(error)) from error
        finally:
            connection.close()


@dataclass(frozen=True)
class Launch:
    """One way to start any server: what it serves, where, and with how many processes and threads.

    `environment` is what the application reads, `address` None for a free port of the loopback
    address, `core` what all processes are kept on, `arguments` what the server gets more.
    """

    folder: Path
    application: str
    question: Question
    environment: dict[str, str] = field(default_factory=dict)
    address: Address | None = None
    workers: int = 1
    threads: int = 1
    core: int | None = None
    arguments: tuple[str, ...] = ()


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self) -> None:
        """Connect to the path instead of a host."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


def connect(address: Address, timeout: float = 10) -> http.client.HTTPConnection:
    """Prepare a connection; it is opened by the first request."""
    if isinstance(address, Path):
        return UnixConnection(address, timeout)
    return http.client.HTTPConnection(*address, timeout=timeout)


def pieces(body: bytes, size: int = 1 << 16) -> list[bytes]:
    """Cut a body into what becomes its chunks."""
    return [body[at : at + size] for at in range(0, len(body), size)]
